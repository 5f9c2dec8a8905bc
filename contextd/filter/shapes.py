"""What numbers of persons look like: a tight pattern and a gate for each, before a recognizer is asked.

Gates are published rules: check digits, issuer prefixes, ranges that are never given out, and that a number is not a piece of a
longer one. A shape with ``words`` is too common to mean anything unless one of them stands near.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from contextd.filter.checksums import IBAN_LENGTHS, base58check, dea, iban, luhn, nhs

Gate = Callable[[bytes, int, int], tuple[int, int] | None]

_NOT_DIGITS = re.compile(rb"[^0-9]")
_NAME_LIKE = re.compile(rb"(?:[0-9A-Fa-f]{0,2}:)+[0-9A-Fa-f]{0,2}|[A-Fa-f:]+")  # a::b, 12:30:45
_INSIDE_BEFORE = re.compile(rb"[A-Za-z0-9_.$%@#\\\x80-\xff-]\Z")
_INSIDE_AFTER = re.compile(rb"[A-Za-z0-9_\x80-\xff]|[.\-][A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern (RE2 on bytes), its gate, which gives the span of the number or None, and words one of which must be near."""

    pattern: bytes
    gate: Gate
    words: tuple[str, ...] = ()


def _digits(raw: bytes) -> str:
    return _NOT_DIGITS.sub(b"", raw).decode()


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    """Whether a number is not a piece of a longer number, a name, a version or a decimal."""
    return _INSIDE_BEFORE.search(data, max(0, start - 1), start) is None and _INSIDE_AFTER.match(data, end) is None


def _alone(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    return (start, end) if _stands_alone(data, start, end) else None


# Groups as they are printed on cards: fours; 4-6-5 (American Express); 4-6-4 (Diners Club).
_CARD_GROUPS = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4))
_FOUR_BEFORE = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{4}[ -]\Z")
_FOUR_AFTER = re.compile(rb"[ -][0-9A-Fa-f]{4}(?![0-9A-Za-z])")
_ISSUERS = {
    14: re.compile(r"3(?:0[0-5]|[68])"),
    15: re.compile(r"3[47]"),
    16: re.compile(r"4|5[1-5]|6(?:011|22|4[4-9]|5|2)|35(?:2[89]|[3-8])|3[09]"),
}


def _card(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    raw = data[start:end]
    digits = _digits(raw)
    issuer = _ISSUERS.get(len(digits))
    if issuer is None or issuer.match(digits) is None or not luhn(digits) or not _stands_alone(data, start, end):
        return None
    parts = re.split(rb"[ -]", raw)
    if len(parts) == 1:
        return start, end
    in_series = _FOUR_BEFORE.search(data, max(0, start - 6), start) or _FOUR_AFTER.match(data, end)
    grouped = tuple(map(len, parts)) in _CARD_GROUPS and not (b" " in raw and b"-" in raw)
    return (start, end) if grouped and not in_series else None


def _iban(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The number at ``start``, as long as its country has it: the pattern may have run on into the words that follow."""
    wanted = IBAN_LENGTHS.get(data[start : start + 2].decode())
    if wanted is None or _INSIDE_BEFORE.search(data, max(0, start - 1), start):
        return None
    at, compact = start, b""
    while at < end and len(compact) < wanted:
        if data[at] not in b" -":
            compact += data[at : at + 1]
        at += 1
    if not iban(compact.decode()) or re.match(rb"[A-Za-z0-9_]", data[at : at + 1]):
        return None
    return start, at


def _separated(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Three groups of digits with one and the same separator."""
    raw = data[start:end]
    return _alone(data, start, end) if raw[3] == raw[6] else None


def _ssn(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Areas 000, 666 and 9xx, group 00 and serial 0000 were never given out (SSA, randomization notice of 2011)."""
    digits = _digits(data[start:end])
    given_out = digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
    return _alone(data, start, end) if given_out else None


def _dashed_ssn(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    return _ssn(data, start, end) if _separated(data, start, end) else None


def _mixed_case_address(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    raw = data[start:end]
    if raw.startswith(b"bc1"):
        return _alone(data, start, end)
    mixed = raw.upper() != raw and raw.lower() != raw
    return _alone(data, start, end) if mixed and base58check(raw) else None


def _phone(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    before = data[max(0, start - 1) : start]
    if re.match(rb"[A-Za-z0-9_.\-/#]", before) or re.match(rb"[A-Za-z0-9_]|\.[0-9]", data[end : end + 2]):
        return None
    return start, end


def _licence(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    return _alone(data, start, end) if len(_digits(data[start:end])) >= 4 else None  # noqa: PLR2004 - the fewest any state uses


def _checked(check: Callable[[str], bool]) -> Gate:
    def gate(data: bytes, start: int, end: int) -> tuple[int, int] | None:
        return _alone(data, start, end) if check(_digits(data[start:end])) else None

    return gate


def _ip(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    if _NAME_LIKE.fullmatch(data, start, end):
        return None
    try:
        address = ipaddress.ip_address(data[start:end].decode())
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified else _alone(data, start, end)


_SSN_WORDS = ("ssn", "social security", "soc sec")
_ITIN_WORDS = ("itin", "taxpayer", "tax id", "tin")

SHAPES: dict[str, tuple[Shape, ...]] = {
    "CREDIT_CARD": (Shape(rb"[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{4}|3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}", _card),),
    "IBAN_CODE": (Shape(rb"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?", _iban),),
    "CRYPTO": (Shape(rb"\b(?:bc1[a-z0-9]{25,59}|[13][1-9A-HJ-NP-Za-km-z]{25,34})\b", _mixed_case_address),),
    "US_SSN": (
        Shape(rb"[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}", _dashed_ssn),
        Shape(rb"[0-8][0-9]{2}[ .][0-9]{2}[ .][0-9]{4}", _dashed_ssn, _SSN_WORDS),
        Shape(rb"[0-8][0-9]{8}", _ssn, _SSN_WORDS),
    ),
    "US_ITIN": (
        Shape(rb"9[0-9]{2}-[5-9][0-9]-[0-9]{4}", _separated),
        Shape(rb"9[0-9]{2}[ -]?[5-9][0-9][ -]?[0-9]{4}", _alone, _ITIN_WORDS),
    ),
    "IP_ADDRESS": (
        Shape(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", _ip),
        Shape(rb"(?:[0-9A-Fa-f]{1,4}:){1,7}(?::|[0-9A-Fa-f]{1,4})(?::?[0-9A-Fa-f]{1,4}){0,6}", _ip),
    ),
    "PHONE_NUMBER": (Shape(rb"\+?\(?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}", _phone),),
    "US_BANK_NUMBER": (
        Shape(
            rb"[0-9]{8,17}",
            _alone,
            ("bank account", "account number", "account no", "acct", "checking account", "savings account"),
        ),
    ),
    "US_PASSPORT": (Shape(rb"[A-Z]?[0-9]{8,9}", _alone, ("passport",)),),
    "US_DRIVER_LICENSE": (
        Shape(
            rb"[A-Z0-9]{5,19}",
            _licence,
            ("driver license", "drivers license", "driver licence", "drivers licence", "driving license", "driving licence"),
        ),
    ),
    "UK_NHS": (Shape(rb"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", _checked(nhs), ("nhs", "national health service")),),
    "MEDICAL_LICENSE": (Shape(rb"[A-Za-z][A-Za-z9][0-9]{7}", _checked(lambda d: dea(d[-7:])), ("dea", "medical license")),),
}
"""The shapes of each entity; ``EMAIL_ADDRESS`` is in ``emails.py``."""
