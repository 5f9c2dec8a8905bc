"""What a declared range admits, as far as its ends go: enough to say whether a stated bound can be true.

Only the numeric release part of versions is compared (``1.2.0rc1`` is 1.2.0): a statement in a text seldom means more. Sources:
PEP 440 and Poetry's constraints, node-semver's ranges, Cargo's requirements, Go's minimal versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contextd.manifests.manifest import Ecosystem

Release = tuple[int, ...]

_RELEASE = re.compile(r"[vV=]?(\d{1,9}(?:\.\d{1,9}){0,5})")
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Range:
    """From ``lower`` (inclusive) to below ``upper``; None is unbounded. Ends are widened where an operator is finer."""

    lower: Release | None = None
    upper: Release | None = None


def release_of(version: str) -> Release | None:
    """The numeric release at the start of a version: ``(1, 25, 2)`` for ``v1.25.2-rc.1``; None when there is none."""
    match = _RELEASE.match(version.strip())
    return tuple(int(part) for part in match[1].split(".")) if match else None


def compare(left: Release, right: Release) -> int:
    """-1, 0 or 1 as ``left`` is before, the same as or after ``right``; missing parts are 0."""
    length = max(len(left), len(right))
    a, b = left + (0,) * (length - len(left)), right + (0,) * (length - len(right))
    return (a > b) - (a < b)


def range_of(declared: str, ecosystem: Ecosystem) -> Range | None:
    """The ends of a declared range; None when it is empty, ``*``, a URL, a tag or anything else that has no ends."""
    alternatives = [_conjunction(part.strip(), ecosystem) for part in declared.split("||")]
    known = [found for found in alternatives if found]
    if not known or len(known) < len(alternatives):
        return None
    lowers, uppers = [found.lower for found in known], [found.upper for found in known]
    return Range(
        None if None in lowers else min((low for low in lowers if low is not None), key=_padded),
        None if None in uppers else max((up for up in uppers if up is not None), key=_padded),
    )


_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)\Z")
_COMPARATOR = re.compile(r"(===|==|~=|>=|<=|!=|=>|=<|[\^~<>=])?\s*([vV]?\d[\w.*+!-]*|\*|[xX])(?=[\s,]|\Z)")


def _conjunction(text: str, ecosystem: Ecosystem) -> Range | None:
    hyphen = _HYPHEN.match(text) if ecosystem is Ecosystem.NPM else None
    if hyphen:
        low, high = release_of(hyphen[1]), release_of(hyphen[2])
        return Range(low, _after(high, len(high))) if low and high else None
    if _COMPARATOR.sub("", text).strip(" ,\t\n"):
        return None  # something in it is no comparator: a tag, a URL, a variable
    parts = [_comparator(match[1] or "", match[2], ecosystem) for match in _COMPARATOR.finditer(text)]
    found = [part for part in parts if part is not None]
    return _meet(found) if found else None


def _meet(ranges: Iterable[Range]) -> Range:
    lower: Release | None = None
    upper: Release | None = None
    for one in ranges:
        if one.lower is not None and (lower is None or compare(one.lower, lower) > 0):
            lower = one.lower
        if one.upper is not None and (upper is None or compare(one.upper, upper) < 0):
            upper = one.upper
    return Range(lower, upper)


def _comparator(operator: str, version: str, ecosystem: Ecosystem) -> Range | None:
    release = release_of(version)
    if release is None or operator == "!=":
        return None
    operator = operator or ("" if re.search(r"\.[*xX]", version) else _BARE.get(ecosystem, ""))
    lower: Release | None = release
    upper: Release | None
    if operator in {">=", "=>", ">"}:
        upper = None
    elif operator in {"<", "<=", "=<"}:
        lower, upper = None, release if operator == "<" else _after(release, len(release))
    elif operator == "^":
        upper = _caret(release)
    elif operator == "~":
        upper = _after(release, min(len(release), _PARTS - 1))
    else:
        upper = _after(release, max(len(release) - 1, 1) if operator == "~=" else len(release))
    return Range(lower, upper)


_BARE: Final = {Ecosystem.CARGO: "^", Ecosystem.GOLANG: ">="}
"""What a version without an operator means, where it is not that version alone."""


def _caret(release: Release) -> Release:
    """Where the leftmost part that is not zero changes."""
    first = next((index for index, part in enumerate(release) if part), len(release) - 1)
    return _after(release, first + 1)


def _after(release: Release, length: int) -> Release:
    """The first release after all that begin with the first ``length`` parts of ``release``."""
    return (*release[: length - 1], release[length - 1] + 1)


def _padded(release: Release) -> Release:
    return release + (0,) * (6 - len(release))
