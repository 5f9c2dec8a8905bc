"""Cutting spans: nothing inside survives, nothing outside changes, lines stay where they are, and the result is left alone."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.filter.redact import Placeholders, Span, Unsettled, cut, merged, placeholder, settle
from contextd.model.content import RedactionKind

TEXT = st.text(alphabet="ab\u00e9\u6f22\U0001f642 \n\r", max_size=60).map(str.encode)


def span(start: int, end: int, rule: str = "rule", kind: RedactionKind = RedactionKind.SECRET, value: bytes = b"") -> Span:
    return Span(start, end, rule, kind, value)


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, list[Span]]:
    text = draw(TEXT)
    places = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(places, places, st.sampled_from(["one", "two", "generic-key"])), max_size=5))
    return text, [span(min(a, b), max(a, b), rule) for a, b, rule in spans]


@settings(max_examples=200, deadline=None)
@given(cases())
def test_outside_unchanged_inside_gone_lines_kept(case: tuple[bytes, list[Span]]) -> None:
    text, spans = case
    done = cut(text, spans)
    done.text.decode()
    assert done.text.count(b"\n") == text.count(b"\n")
    groups = merged(text, spans)
    assert len(groups) == len(done.redactions)
    at = there = 0
    for group, redaction in zip(groups, done.redactions, strict=True):
        assert done.text[at : redaction.start] == text[there : group.start]
        assert done.text[redaction.start : redaction.end] == placeholder(redaction.rule)
        assert redaction.line == done.text[: redaction.start].count(b"\n") + 1 == text[: group.start].count(b"\n") + 1
        ends = b"".join(re.findall(rb"\r?\n", text[group.start : group.end]))
        assert done.text[redaction.end : redaction.end + len(ends)] == ends
        assert done.origin(redaction.start, redaction.end) == (group.start, group.end)
        at, there = redaction.end + len(ends), group.end
    assert done.text[at:] == text[there:]
    covered = {n for s in spans for n in range(s.start, s.end)} - {n for n in range(len(text)) if text[n] in b"\r\n"}
    assert covered <= {n for g in groups for n in range(g.start, g.end)}


@settings(max_examples=100, deadline=None)
@given(cases(), st.data())
def test_origin_maps_what_was_left_alone_exactly(case: tuple[bytes, list[Span]], data: st.DataObject) -> None:
    text, spans = case
    done = cut(text, spans)
    if not done.text:
        return
    start = data.draw(st.integers(0, len(done.text) - 1))
    end = data.draw(st.integers(start + 1, len(done.text)))
    first, last = done.origin(start, end)
    assert 0 <= first <= last <= len(text)
    touched = any(r.start < end and start < r.end for r in done.redactions)
    if not touched and not set(done.text[start:end]) & set(b"\r\n"):  # line ends may be what a span left behind
        assert text[first:last] == done.text[start:end]


def test_a_private_key_becomes_a_placeholder_and_its_line_ends() -> None:
    text = b'key = """begin\r\nbody\r\nend"""\r\nnext\r\n'
    done = cut(text, [span(9, 9 + len(b"begin\r\nbody\r\nend"), "private-key")])
    assert done.text == b'key = """[REDACTED:private-key]\r\n\r\n"""\r\nnext\r\n'


def test_the_line_end_at_the_edge_of_a_span_stays_where_it_is() -> None:
    assert cut(b"a\r\nb\n", [span(0, 2)]).text == b"[REDACTED:rule]\r\nb\n"
    assert cut(b"a\nb\n", [span(1, 4)]).text == b"a\n[REDACTED:rule]\n"
    assert cut(b"a\n\n", [span(1, 3)]).text == b"a\n\n"


def test_a_span_takes_whole_characters() -> None:
    text = "x\u6f22\u00e9y".encode()
    assert cut(text, [span(2, 5)]).text == b"x[REDACTED:rule]y"


def test_overlapping_spans_are_one_and_the_most_telling_rule_names_it() -> None:
    generic, token, mail = (
        span(0, 8, "generic-api-key"),
        span(4, 7, "forge-token"),
        span(6, 10, "EMAIL_ADDRESS", RedactionKind.PII),
    )
    done = cut(b"0123456789abc", [mail, generic, token])
    assert done.text == b"[REDACTED:forge-token]abc"
    assert cut(b"0123456789abc", [mail, generic]).text == b"[REDACTED:generic-api-key]abc"
    longer = cut(b"0123456789abc", [span(2, 4, "a"), span(1, 5, "b")])
    assert longer.text == b"0[REDACTED:b]56789abc"


def test_spans_that_touch_stay_apart() -> None:
    assert cut(b"aabb", [span(0, 2, "a"), span(2, 4, "b")]).text == b"[REDACTED:a][REDACTED:b]"


def test_a_fingerprint_is_a_keyed_digest_of_the_value() -> None:
    key, value = b"k" * 32, b"value"
    (redaction,) = cut(b"x value", [span(2, 7, value=value)], key).redactions
    assert redaction.fingerprint == hmac.new(key, value, hashlib.sha256).hexdigest()
    (without,) = cut(b"x value", [span(2, 7, value=value)]).redactions
    assert without.fingerprint == ""
    assert "value" not in repr(span(2, 7, value=value))


def test_a_rule_id_cannot_close_its_placeholder() -> None:
    assert placeholder("a]\nb [") == b"[REDACTED:a__b__]"


@pytest.mark.parametrize(
    ("text", "start", "end", "kept"),
    [
        (b"k = [REDACTED:one]", 4, 18, False),
        (b"k = [REDACTED:one]", 14, 17, False),
        (b"[REDACTED:one] [REDACTED:two]\n\n", 0, 31, False),
        (b"[REDACTED:one]x[REDACTED:two]", 0, 29, True),
        (b"k = [REDACTED:one]tail", 4, 22, True),
        (b"k = head[REDACTED:one]", 4, 22, True),
        (b"[REDACTED:one] word", 15, 19, True),
        (b"word [REDACTED:one]", 0, 4, True),
        (b"[REDACTED:unknown]", 0, 18, True),
        (b"[REDACTED:unknown]", 10, 17, True),
        (b"[REDACTED:one", 0, 13, True),
        (b"[REDACTED:[REDACTED:one]", 0, 10, True),
    ],
)
def test_only_what_lies_outside_known_placeholders_counts(text: bytes, start: int, end: int, *, kept: bool) -> None:
    known = Placeholders(["one", "two"])
    assert bool(known.outside(text, [span(start, end)])) is kept


def everything_like(pattern: bytes, known: Placeholders) -> Callable[[bytes], list[Span]]:
    def find(text: bytes) -> list[Span]:
        return known.outside(text, [span(*m.span(), "one", value=m[0]) for m in re.finditer(pattern, text)])

    return find


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["token=", "ab12", "[REDACTED:", "one]", "two]", "]", " ", "\n", "\r\n", "é", "zz99zz"]), max_size=14
    ),
    st.sampled_from(
        [rb"token=\S+", rb"[a-z]+\d+[a-z]*", rb"\S*\d\S*", rb"(?s)ab.*?zz", rb"\[REDACTED:\S+", rb"[^\n]*\d+[^\n]*\n?"]
    ),
)
def test_settling_is_idempotent_and_leaves_nothing(pieces: list[str], pattern: bytes) -> None:
    text = "".join(pieces).encode()
    find = everything_like(pattern, Placeholders(["one", "two"]))
    done = settle(text, find)
    assert done.text.count(b"\n") == text.count(b"\n")
    assert find(done.text) == []
    again = settle(done.text, find)
    assert (again.text, again.redactions) == (done.text, ())
    for redaction in done.redactions:
        assert done.text[redaction.start : redaction.end] == b"[REDACTED:one]"


def test_what_only_a_first_cut_brings_to_light_is_cut_with_it() -> None:
    def find(text: bytes) -> list[Span]:
        if b"core" in text:
            return [span(text.index(b"core"), text.index(b"core") + 4, "one", value=b"core")]
        at = text.find(b"<[REDACTED:one]>")
        return [span(at, at + 16, "two", value=text[at : at + 16])] if at >= 0 else []

    done = settle(b"a <core> b", find)
    assert done.text == b"a [REDACTED:two] b"
    assert [(r.rule, r.start, r.end, r.line) for r in done.redactions] == [("two", 2, 16, 1)]


def test_what_never_settles_is_said_so() -> None:
    with pytest.raises(Unsettled):
        settle(b"x" * 100, lambda text: [span(len(text) - 1, len(text), "a")] if text.endswith(b"x") else [span(0, 1, "b")])
