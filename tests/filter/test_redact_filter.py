"""The whole filter on bytes: planted values never survive in any reading, and everything else does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.filter.views import views
from contextd.model.content import REGULAR, Admitted, EntryKind, Excluded, Observed, RedactionKind
from contextd.model.source import Component, ContentKind, Descriptor, SourceKind
from contextd.policy.rules import (
    Admit,
    Allow,
    BoundaryRules,
    IngestRules,
    Limits,
    PiiAction,
    PiiRule,
    SecretRule,
    SecretRules,
)

SOURCE = Descriptor("payments", SourceKind.GIT, ContentKind.REPO, 3, (Component("open", ("open/",), 1, "team-a"),))
MAIL = PiiRule("EMAIL_ADDRESS", PiiAction.REDACT, 3, allow_domains=("example.org",))
RULES = (
    SecretRule("forge-token", "", r"\b(ftk_[0-9A-Za-z]{24})\b", keywords=("ftk_",)),
    SecretRule(
        "private-key",
        "",
        r"-----BEGIN[ A-Z]{0,40}PRIVATE KEY-----[\s\S]+?-----END[ A-Z]{0,40}PRIVATE KEY-----",
        keywords=("-----begin",),
    ),
    SecretRule("generic-password", "", r"(?i)password[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\s\"']{10,80})", keywords=("password",)),
)
ALLOW = (Allow("forge-token", ("tests/data/",), "team-a", "Published samples", 50),)
KEY = b"k" * 32


def build(*, key: bytes = b"", pii: tuple[PiiRule, ...] = (MAIL,), secrets: tuple[SecretRule, ...] = RULES) -> Filter:
    boundary = BoundaryRules(Limits(), (), (Admit(("*",), 1),), ALLOW)
    return Filter.compile(
        IngestRules(boundary, SecretRules(secrets), pii, "bnd1:0"), SOURCE, RepositoryIgnores(), fingerprint_key=key
    )


FILTER = build()


def token(seed: int) -> str:
    return "ftk_" + "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=24))  # noqa: S311 - a planted value


def private_key(seed: int) -> str:
    body = base64.b64encode(random.Random(seed).randbytes(240)).decode()  # noqa: S311 - a planted value
    lines = [body[n : n + 64] for n in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN " + "PRIVATE KEY-----", *lines, "-----END " + "PRIVATE KEY-----"])


def admitted(data: bytes | str, path: str = "src/a.txt", rules: Filter = FILTER) -> Admitted:
    raw = data.encode() if isinstance(data, str) else data
    result = rules.apply(Observed(path.encode(), REGULAR, EntryKind.FILE, len(raw), ""), raw)
    assert isinstance(result, Admitted)
    return result


def test_a_secret_becomes_a_typed_placeholder_and_the_rest_stays() -> None:
    result = admitted(f'a = 1\nkey = "{token(1)}"  # price 12.50\n')
    assert result.text == b'a = 1\nkey = "[REDACTED:forge-token]"  # price 12.50\n'
    (redaction,) = result.redactions
    assert (redaction.rule, redaction.kind, redaction.line, redaction.fingerprint) == (
        "forge-token",
        RedactionKind.SECRET,
        2,
        "",
    )
    assert result.text[redaction.start : redaction.end] == b"[REDACTED:forge-token]"


def test_clean_text_is_admitted_as_it_is() -> None:
    text = "\ufeffimport os\r\n\r\nprice = 12.50\r\nlast line without an end"
    result = admitted(text)
    assert (result.text, result.redactions, result.labels, result.component) == (text.encode(), (), (), "rest")


def test_a_private_key_keeps_the_count_of_lines() -> None:
    text = f"before\n{private_key(2)}\nafter\n"
    result = admitted(text)
    assert result.text == b"before\n[REDACTED:private-key]" + b"\n" * (text.count("\n") - 2) + b"after\n"


def test_an_allowance_holds_for_its_rule_and_its_paths() -> None:
    text = f"{token(3)} password: {token(4)[4:]}\n"
    assert admitted(text, "tests/data/a.txt").text == f"{token(3)} password: [REDACTED:generic-password]\n".encode()
    assert b"ftk_" not in admitted(text, "tests/other.txt").text


def test_a_fingerprint_is_the_same_wherever_and_however_the_secret_stands() -> None:
    rules = build(key=KEY)
    value = token(5)
    encoded = base64.b64encode(f"token is {value} for now".encode()).decode()
    prints = {
        r.fingerprint
        for text in (value, f'"{value[:9]}" + "{value[9:]}"', encoded)
        for r in admitted(text, rules=rules).redactions
    }
    assert prints == {hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()}


def test_a_placeholder_hides_nothing_that_is_written_around_it() -> None:
    value = token(6)
    for text in (
        f"[REDACTED:{value}]",
        f"[REDACTED:forge-token:{value}]",
        f"[REDACTED:forge-token] {value}",
        f"password=[REDACTED:forge-token]{value}",
    ):
        assert value.encode() not in admitted(text).text
    assert admitted("password: [REDACTED:forge-token]\n").redactions == ()


def test_a_rule_that_sees_its_own_placeholder_is_quiet() -> None:
    once = admitted(f"password = {token(7)[4:]}xyz\n")
    assert once.text == b"password = [REDACTED:generic-password]\n"
    assert admitted(once.text).text == once.text
    assert not FILTER.would_change("src/a.txt", once.text)


def test_a_multibyte_character_is_not_cut_in_two() -> None:
    rules = build(secrets=(SecretRule("short", "", r"pin=(.{3})"),))
    assert admitted("pin=\u00e9\u00e9\u00e9 ok\n", rules=rules).text == "pin=[REDACTED:short]\u00e9 ok\n".encode()


def test_what_never_settles_is_excluded_as_sensitive() -> None:
    growing = SecretRule("eater", "", r"(\S)(?:\[REDACTED:eater\]|!)")
    rules = build(secrets=(growing,))
    data = b"abcdefghijklmnopqrstuvwxyz!"
    result = rules.apply(Observed(b"a", REGULAR, EntryKind.FILE, len(data), ""), data)
    assert isinstance(result, Excluded)
    assert (result.code, result.rule) == ("EXCL-SENSITIVE", "built in")
    assert rules.redact_text(data.decode()) == "[REDACTED:text]"


def test_a_document_with_personal_data_can_be_excluded() -> None:
    rules = build(pii=(PiiRule("US_SSN", PiiAction.EXCLUDE, 8, tiers=(3,)), PiiRule("US_SSN", PiiAction.REDACT, 9)))
    number = "219-09-" + str(9998)
    data = f"ssn {number}\n".encode()
    result = rules.apply(Observed(b"a", REGULAR, EntryKind.FILE, len(data), ""), data)
    assert result == Excluded("a", "EXCL-SENSITIVE", "personal data US_SSN", "pii.yaml:8", "", len(data), "rest")
    assert admitted(data, "open/a", rules).text == b"ssn [REDACTED:US_SSN]\n"
    assert rules.redact_text(f"fix {number}") == "fix [REDACTED:US_SSN]"
    assert rules.would_change("a", data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fix the parser", "fix the parser"),
        (f"remove {token(8)} from config", "remove [REDACTED:forge-token] from config"),
        ("ask jane.roe@corp-mail.com", "ask [REDACTED:EMAIL_ADDRESS]"),
        ("lone \ud800 half", "lone ? half"),
        ("", ""),
        ("nul \0 stays", "nul \0 stays"),
    ],
)
def test_short_texts_are_redacted(text: str, expected: str) -> None:
    assert FILTER.redact_text(text) == expected


def test_the_path_of_a_short_text_decides_about_allowances() -> None:
    assert FILTER.redact_text(token(9), "tests/data/x") == token(9)
    assert FILTER.redact_text(token(9), "tests/x") == "[REDACTED:forge-token]"


def test_today_s_rules_are_asked_about_yesterday_s_text() -> None:
    old = build(secrets=())
    text = admitted(f"k = {token(10)}\n", rules=old).text
    assert FILTER.would_change("a.txt", text)
    assert not old.would_change("a.txt", text)
    assert FILTER.would_change("a.txt", b"x\0")
    narrow = BoundaryRules(Limits(), (), (Admit(("*.py",), 1),))
    today = Filter.compile(IngestRules(narrow, SecretRules(()), (), "bnd1:0"), SOURCE, RepositoryIgnores())
    assert today.would_change("a.txt", b"x\n")
    assert not today.would_change("a.py", b"x\n")


def test_a_line_that_only_placeholders_made_too_long_is_still_served() -> None:
    mail = "j@corp-mail.de"
    text = admitted((mail + " ") * (65536 // (len(mail) + 1)) + "\n").text
    assert len(text) > 65536
    assert not FILTER.would_change("src/a.txt", text)
    assert FILTER.would_change("src/a.txt", b"x" * 65537)


DISGUISES: tuple[Callable[[str], str], ...] = (
    lambda v: v,
    lambda v: f'"{v}"',
    lambda v: f"{v[:11]}\u200b{v[11:]}",
    lambda v: f"{v[:2]}\u00ad{v[2:]}",
    lambda v: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in v),
    lambda v: f'"{v[:9]}" + "{v[9:]}"',
    lambda v: f"'{v[:9]}'\n   '{v[9:15]}'\\\n'{v[15:]}'",
    lambda v: f"{v[:9]}\\\n{v[9:]}",
    lambda v: json.dumps(f"line\n{v}\nline"),
    lambda v: base64.b64encode(f"user: me\ntoken: {v}\n".encode()).decode(),
    lambda v: base64.urlsafe_b64encode(f"?? {v} ~~".encode()).decode(),
    lambda v: "".join(f"%{ord(c):02x}" for c in v),
    lambda v: f"https://host/?t={v[:7]}%{ord(v[7]):02X}{v[8:]}",
    lambda v: "'" + "".join(f"\\x{ord(c):02x}" for c in v) + "'",
)
AROUND = st.lists(
    st.sampled_from(
        ["word", " ", "\n", "\r\n", "\t", "x = 1;", "12.50", "\u6f22\u5b57", "caf\u00e9", "(", ")", "# note", "[REDACTED:", "]"]
    ),
    max_size=8,
).map("".join)
PLANTED = st.tuples(AROUND, st.sampled_from(DISGUISES), st.integers(0, 99), AROUND)


@settings(max_examples=150, deadline=None)
@given(st.lists(PLANTED, min_size=1, max_size=4))
def test_no_planted_value_survives_in_any_view(planted: list[tuple[str, Callable[[str], str], int, str]]) -> None:
    text = "\n;\n".join(f"{before} {disguise(token(seed))} {after}" for before, disguise, seed, after in planted)
    result = admitted(text)
    assert result.text.count(b"\n") == text.encode().count(b"\n")
    for view in views(result.text):
        for _, _, seed, _ in planted:
            assert token(seed).encode() not in view.data
    again = admitted(result.text)
    assert (again.text, again.redactions) == (result.text, ())
    assert not FILTER.would_change("src/a.txt", result.text)
    for before, _, _, after in planted:
        for piece in (before, after):
            assert piece.encode() in result.text


@pytest.mark.parametrize(
    "disguise",
    [
        lambda k: k,
        lambda k: k.replace("\n", "\r\n"),
        lambda k: json.dumps({"key": k}),
        lambda k: "key = (\n" + "\n".join(f'    "{line}\\n"' for line in k.split("\n")) + "\n)",
        lambda k: '"' + '\\n" +\n"'.join(k.split("\n")) + '"',
        lambda k: k.replace("BEGIN", "BEG\u200bIN"),
        lambda k: base64.b64encode(k.encode()).decode(),
        lambda k: base64.encodebytes(k.encode()).decode(),
        lambda k: "key: |\n" + "\n".join("  " + line for line in k.split("\n")),
    ],
)
def test_no_private_key_survives_however_it_is_written(disguise: Callable[[str], str]) -> None:
    key = private_key(11)
    text = f"first = 1\n{disguise(key)}\nlast = 2\n"
    result = admitted(text)
    assert b"private-key" in result.text
    body = key.split("\n")[1:-1]
    for view in views(result.text):
        assert not any(line.encode() in view.data for line in body)
    assert result.text.count(b"\n") == text.encode().count(b"\n")
    assert result.text.startswith(b"first = 1\n")
    assert result.text.endswith(b"\nlast = 2\n")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_decided(data: bytes) -> None:
    result = FILTER.apply(Observed(b"a", REGULAR, EntryKind.FILE, len(data), ""), data)
    assert isinstance(result, Admitted | Excluded)
    FILTER.would_change("a", data)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_string_is_redacted_once_and_for_all(text: str) -> None:
    once = FILTER.redact_text(text)
    assert FILTER.redact_text(once) == once
