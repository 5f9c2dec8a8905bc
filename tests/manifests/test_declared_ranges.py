from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from contextd.manifests.manifest import Ecosystem
from contextd.manifests.ranges import Range, compare, range_of, release_of

PYPI, NPM, CARGO, GO = Ecosystem.PYPI, Ecosystem.NPM, Ecosystem.CARGO, Ecosystem.GOLANG


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("1.25.2", (1, 25, 2)),
        ("v1.2.0-rc.1", (1, 2, 0)),
        ("3", (3,)),
        ("1.0.0+meta", (1, 0, 0)),
        ("0.0.0-2023", (0, 0, 0)),
        ("latest", None),
        ("", None),
    ],
)
def test_the_release_is_the_numbers_at_the_start(version: str, release: tuple[int, ...] | None) -> None:
    assert release_of(version) == release


@pytest.mark.parametrize(
    ("declared", "ecosystem", "expected"),
    [
        (">=0.25,<0.26", PYPI, Range((0, 25), (0, 26))),
        (">= 4.2.3", PYPI, Range((4, 2, 3), None)),
        ("~=4.2", PYPI, Range((4, 2), (5,))),
        ("~=4.2.1", PYPI, Range((4, 2, 1), (4, 3))),
        ("==1.*", PYPI, Range((1,), (2,))),
        ("==0.25.2", PYPI, Range((0, 25, 2), (0, 25, 3))),
        (">1,!=1.5,<=2.0", PYPI, Range((1,), (2, 1))),
        ("^0.25", PYPI, Range((0, 25), (0, 26))),
        ("^3.10", PYPI, Range((3, 10), (4,))),
        ("", PYPI, None),
        ("*", PYPI, None),
        ("!=1.5", PYPI, None),
        ("^18.2.0", NPM, Range((18, 2, 0), (19,))),
        ("^0.0.3", NPM, Range((0, 0, 3), (0, 0, 4))),
        ("~1.2.3", NPM, Range((1, 2, 3), (1, 3))),
        ("~1", NPM, Range((1,), (2,))),
        ("1.x", NPM, Range((1,), (2,))),
        ("1.2.3", NPM, Range((1, 2, 3), (1, 2, 4))),
        (">=1.2 <2 || ^3.1.0", NPM, Range((1, 2), (4,))),
        (">=14 || <4", NPM, Range(None, None)),
        ("1.2 - 2.3", NPM, Range((1, 2), (2, 4))),
        ("workspace:*", NPM, None),
        ("github:a/b#1.2", NPM, None),
        ("latest", NPM, None),
        ("^1 || latest", NPM, None),
        ("1.0", CARGO, Range((1, 0), (2,))),
        ("=1.0.3", CARGO, Range((1, 0, 3), (1, 0, 4))),
        ("0.4.*", CARGO, Range((0, 4), (0, 5))),
        (">=1.2, <1.5", CARGO, Range((1, 2), (1, 5))),
        ("1.22.0", GO, Range((1, 22, 0), None)),
        ("v1.2.3", GO, Range((1, 2, 3), None)),
    ],
)
def test_the_ends_of_declared_ranges(declared: str, ecosystem: Ecosystem, expected: Range | None) -> None:
    assert range_of(declared, ecosystem) == expected


@pytest.mark.parametrize(
    ("left", "right", "order"), [((1, 2), (1, 2, 0), 0), ((1, 10), (1, 9), 1), ((0, 9), (1,), -1), ((1, 2, 0, 1), (1, 2), 1)]
)
def test_missing_parts_are_zero(left: tuple[int, ...], right: tuple[int, ...], order: int) -> None:
    assert compare(left, right) == order


VERSIONS = st.lists(st.integers(0, 12), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
CLAUSES = st.tuples(st.sampled_from([">=", ">", "<", "<=", "=="]), VERSIONS).map("".join) | VERSIONS.filter(
    lambda v: "." in v
).map(lambda v: f"~={v}")


@settings(max_examples=200, deadline=None)
@given(st.lists(CLAUSES, min_size=1, max_size=3), VERSIONS)
def test_no_version_that_pep_440_admits_lies_outside_of_the_ends(clauses: list[str], version: str) -> None:
    declared = ",".join(clauses)
    ends = range_of(declared, PYPI)
    release = release_of(version)
    assert ends
    assert release
    if SpecifierSet(declared).contains(Version(version)):
        assert ends.lower is None or compare(release, ends.lower) >= 0
        assert ends.upper is None or compare(release, ends.upper) < 0
