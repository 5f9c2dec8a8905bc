from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.yamlfile import MAX_BYTES, MAX_DEPTH, Node, load, parse_duration, parse_size


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def value(text: str) -> Node:
    """The node of ``key`` in a file of one key."""
    root = load(f"key: {text}\n".encode(), "a.yaml")
    assert not root.problems
    return root.mapping({"key"})["key"]


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp")), max_size=12)
KEYS = PLAIN.filter(lambda text: bool(text.strip()))
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(KEYS, NESTED, min_size=1, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read_back_as_text(written: object, flow: bool) -> None:  # noqa: FBT001  (drawn)
    data = yaml.safe_dump(written, default_style='"', allow_unicode=True, default_flow_style=flow).encode()
    root = load(data, "a.yaml")
    assert root.problems == []
    assert root.plain() == written


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_raise_and_every_problem_has_its_place(data: bytes) -> None:
    root = load(data, "a.yaml")
    root.document("x/v1", {"a"}, {"a"})["a"].strings()
    assert root.problems
    assert all(re.match(r"a\.yaml:[1-9][0-9]*: .", problem) for problem in root.problems)
    assert all(int(problem.split(":")[1]) <= data.count(b"\n") + data.count(b"\r") + 8 for problem in root.problems)


@pytest.mark.parametrize("text", ["1:30", "010", "no", "2026-11-23", "1e3", "0x10", "true", ".5", "1_000", "=", "<<"])
def test_nothing_is_converted(text: str) -> None:
    assert value(text).value == text


@pytest.mark.parametrize("text", ["", "~", "null"])
def test_null_is_written_plainly(text: str) -> None:
    assert value(text).null
    assert value(text).given
    assert not value(f'"{text}"').null


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, "a is given twice (first in line 1)"),
        (b"a: {b: 1,\n  b: 2}\n", 2, "b is given twice"),
        (b"a: 1\nb: &x 2\n", 2, "anchor &x"),
        (b"a: 1\nb: *x\n", 2, "alias *x"),
        (b"a: !!int 1\n", 1, "tag tag:yaml.org,2002:int"),
        (b"a: !python/object:os.system x\n", 1, "tag !python"),
        (b"a: 1\n---\nb: 2\n", 2, "a second document"),
        (b"a: [b\n", 2, "not YAML"),
        (b'x: 1\na: "b\n', 3, "not YAML"),
        (b"a:\n\t- b\n", 2, "indent with spaces"),
        (b"a: 1\n\xff: 2\n", 2, "not UTF-8"),
        (b"a: 1\nb: \x00\n", 2, "control character U+0000"),
        (b"", 1, "the file is empty"),
        (b"# only a comment\n", 1, "the file is empty"),
        (b"? [a]\n: b\n", 1, "a key is not plain text"),
        (b'a: 1\n"": b\n', 2, "a key is empty"),
        (b"[" * 500 + b"]" * 500, 1, "nested deeper"),
        (b"a: 1\n" + b"#" * MAX_BYTES, 1, "split it up"),
    ],
)
def test_what_is_not_strict_yaml_is_refused_with_its_line(data: bytes, line: int, words: str) -> None:
    problems = load(data, "b.yaml").problems
    assert any(problem.startswith(f"b.yaml:{line}: ") and words in problem for problem in problems), problems
    assert all("; " in problem for problem in problems), "each problem says how to mend it"


def test_an_alias_bomb_is_refused_without_being_built() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    root = load(bomb.encode(), "a.yaml")
    assert len(root.problems) == 60 + 2 * 59
    assert root.plain() == {"a0": ["x", "x"]} | {f"a{i}": [None, None] for i in range(1, 60)}


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    assert not load(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "a.yaml").problems
    assert load(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "a.yaml").problems


def test_a_byte_order_mark_is_not_content() -> None:
    assert load(b"\xef\xbb\xbfa: b\n", "a.yaml").plain() == {"a": "b"}


def test_every_problem_of_a_file_is_collected() -> None:
    root = load(b"schema: contextd.dev/y/v1\nnumber: many\nflag: yes\ncolor: red\n", "a.yaml")
    fields = root.document("x/v1", {"number", "flag", "colour", "must"}, {"must"})
    fields["number"].integer(1, 4)
    fields["flag"].boolean()
    assert root.problems == [
        "a.yaml:4: unknown key color; did you mean colour?",
        "a.yaml:1: the file lacks must; add must: …",
        "a.yaml:1: schema is not one that this version reads; write schema: contextd.dev/x/v1",
        "a.yaml:2: number is 'many'; write a whole number from 1 to 4",
        "a.yaml:3: flag is 'yes'; write true",
    ]


def test_an_absent_key_is_its_default_and_no_problem() -> None:
    root = load(b"a: 1\n", "a.yaml")
    fields = root.mapping({"a", "b"})
    assert "b" not in fields
    absent = fields["b"]
    assert not absent.given
    assert (absent.text("x"), absent.integer(1, 4, 3), absent.boolean(default=True), absent.items()) == ("x", 3, True, [])
    assert absent.duration(timedelta(1)) == timedelta(1)
    assert (absent.date(), absent.instant(), absent.size(7), absent.plain()) == (None, None, 7, None)
    assert root.problems == []


def test_a_required_key_that_is_null_is_a_problem_once() -> None:
    root = load(b"x: 1\na:\n", "a.yaml")
    fields = root.mapping({"a", "x"}, {"a"})
    assert fields["a"].text() == ""
    assert root.problems == ["a.yaml:2: a is empty; give it a value"]


def test_an_unknown_key_without_a_likeness_lists_the_known_ones() -> None:
    root = load(b"q: 1\n", "a.yaml")
    root.mapping({"zones", "admit"})
    assert root.problems == ["a.yaml:1: unknown key q; known: admit, zones"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("90m", 5400), ("12h", 43200), ("30d", 2592000), ('"7d"', 604800), ("999999d", 86399913600)],
)
def test_durations(text: str, seconds: int) -> None:
    assert value(text).duration() == timedelta(seconds=seconds)


@pytest.mark.parametrize(("text", "size"), [("512B", 512), ("64KiB", 65536), ("1MiB", 1048576), ("2GiB", 2147483648)])
def test_sizes(text: str, size: int) -> None:
    assert value(text).size() == size


def test_zero_parses_but_is_no_limit() -> None:
    assert parse_duration("0s") == timedelta(0)
    assert parse_size("0B") == 0
    for read in (Node.duration, Node.size):
        node = value("0s" if read is Node.duration else "0KiB")
        read(node)
        assert "at all" in node.problems[0]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *[("duration", bad) for bad in ("90", "1.5h", "-1d", "1w", "1 d", "01d", "1000000d", "1d 2h", "[1d]", "٣d", "")],
        *[("size", bad) for bad in ("64K", "64kb", "1 MiB", "1.5MiB", "-1KiB", "1000000KiB", "{a: 1MiB}")],
        *[("boolean", bad) for bad in ("yes", "no", "on", "Off", "True", "1", "[true]")],
        *[("integer", bad) for bad in ("5", "-1", "1.0", "01", "1_0", "one", "٣", "0x1", "99999999999999999999")],
        *[("number", bad) for bad in ("1.1", "-0.1", "nan", "inf", "1e-1", ".5", "0,5")],
        *[("date", bad) for bad in ("2026-13-01", "2026-02-30", "20260101", "2026-1-1", "2026-01-01T00:00:00Z", "2026-W01-1")],
        *[
            ("instant", bad)
            for bad in ("2026-11-23T10:00:00", "2026-11-23T10:00Z", "2026-11-23 10:00:00Z", "0001-01-01T00:00:00+23:00")
        ],
        *[("name", bad) for bad in ("Payments", "a", "-a", "a_b", "a" * 64, '"a\\n"')],
        *[("principal", bad) for bad in ("Dev@Example.org", "a", "a b")],
        *[("choice", bad) for bad in ("blue", "Red", "[red]")],
        *[("text", bad) for bad in ('"  "', "[a]", "{a: b}", "null", '""')],
        *[("strings", bad) for bad in ("one", "[]", "[a, [b]]", "[a, null]", "{a: b}")],
        *[("integers", bad) for bad in ("1", "[1, 9]", "[]")],
        *[("some_of", bad) for bad in ("red", "[blue]")],
    ],
)
def test_values_that_cannot_be_meant_are_refused(read: str, text: str) -> None:
    node = value(text)
    readers: dict[str, Callable[[], object]] = {
        "integer": lambda: node.integer(0, 4),
        "number": lambda: node.number(0, 1),
        "choice": lambda: node.choice(Colour, Colour.RED),
        "integers": lambda: node.integers(1, 4),
        "some_of": lambda: node.some_of(list(Colour)),
    }
    read_it: Callable[[], object] = readers.get(read) or getattr(node, read)
    read_it()
    assert len(node.problems) == 1
    assert re.match(r"a\.yaml:1: .+; .+", node.problems[0])


def test_values_that_are_meant_are_read() -> None:
    assert value("4").integer(1, 4) == 4
    assert value("-2").integer(-2, 4) == -2
    assert value("0.45").number(0, 1) == pytest.approx(0.45)
    assert value("true").boolean()
    assert not value('"false"').boolean(default=True)
    assert value("2027-01-31").date() == date(2027, 1, 31)
    assert value("2027-01-31").instant() == datetime(2027, 1, 31, tzinfo=UTC)
    assert value("2027-01-31T12:00:00+02:00").instant() == datetime(2027, 1, 31, 10, tzinfo=UTC)
    assert value("green").choice(Colour, Colour.RED) is Colour.GREEN
    assert value("[green, red, green]").some_of(list(Colour)) == ("green", "red")
    assert value("[3, 1, 3]").integers(1, 4) == (1, 3)
    assert value("team-payments").principal() == "team-payments"
    assert value("admin-ui").name() == "admin-ui"
    assert value("[]").strings(empty=True) == ()
    assert [key for key, _ in value("{b: 1, a: 2}").entries()] == ["b", "a"]


def test_a_mapping_is_wanted_where_there_is_none() -> None:
    for text, kind in (("a", "text"), ("[a]", "a list"), ("", "empty")):
        node = value(text)
        node.mapping({"a"}, {"a"})
        assert node.problems == [f"a.yaml:1: key is {kind}, not a mapping; write key: value pairs"]
    node = value("{a: b}")
    node.items()
    assert node.problems == ["a.yaml:1: key is a mapping, not a list; write [one, two]"]


def test_items_are_named_by_their_place() -> None:
    root = load(b"key:\n  - a\n  - [b]\n", "a.yaml")
    assert root.mapping({"key"})["key"].strings() == ("a",)
    assert root.problems == ["a.yaml:3: item 2 of key is a list, not text; write a single value"]
