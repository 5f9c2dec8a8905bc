"""What a model reads: quoted data that no text can close, with its provenance and what was withheld."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contextd.model.access import Use
from contextd.model.answer import Hit, OpenFinding, Permitted, Receipt, Watermarks
from contextd.model.content import ContentClass
from contextd.model.document import Span
from contextd.model.finding import Freshness, FreshnessState
from contextd.wire.tool import HEADER, tool_text

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MARKER = "8c1f0a7755d2e3b9"
SNAPSHOT = "ctx1:" + "5" * 64
HIT = Hit(
    source="payments",
    component="rest",
    path="src/retry.py",
    symbol="RetryPolicy.backoff",
    language="python",
    content_class=ContentClass.CODE,
    span=Span(41, 42, 0, 20),
    text="def backoff():\n    1\n",
    snapshot=SNAPSHOT,
    commit="4b7e1c9" + "0" * 33,
    rank=1,
    score=1.0,
    tokens=5,
    labels=(),
    freshness=Freshness("src/retry.py", FreshnessState.EXEMPT, ""),
    open_findings=(),
)
RECEIPT = Receipt(
    id="rcpt1:" + "c" * 64,
    principal="dev@example.org",
    created_at=NOW,
    use=Use(),
    served=(),
    served_root=b"",
    snapshots=(SNAPSHOT,),
    ingest_digest="",
    query_digest="",
    decision="allow",
    exceptions=(),
    query_key="",
    audit_index=31,
    key_id="",
    signature=b"",
)
MARKS = Watermarks(NOW - timedelta(minutes=2), NOW, NOW, NOW)


def answer(*hits: Hit, withheld: int = 0, truncated: bool = False) -> Permitted:
    return Permitted(hits, MARKS, withheld, RECEIPT, 4000, 1180, truncated)


def test_every_part_of_the_interface_is_there() -> None:
    stale = Freshness("a.md", FreshnessState.STALE, "reviewed 212d ago")
    second = replace(
        HIT, rank=2, path="docs/a.md", symbol="", freshness=stale, open_findings=(OpenFinding("fnd1:x", "DRIFT-PATH-GONE"),)
    )
    text = tool_text(answer(HIT, second, withheld=2, truncated=True), MARKER, NOW)
    lines = text.split("\n")
    assert lines[0] == HEADER
    assert lines[1] == "[1/2] payments src/retry.py:41-42 RetryPolicy.backoff (python, code)"
    assert lines[2] == "      ctx1:555555555555@4b7e1c9 · content 2m ago · no open findings"
    assert lines[3:7] == [f"<<data {MARKER}", "41 def backoff():", "42     1", f"data {MARKER}>>"]
    assert "stale, content 2m ago · open findings: DRIFT-PATH-GONE" in text
    assert lines[-1] == "receipt rcpt1:cccccccccccc · 1,180 of 4,000 tokens · 2 withheld by policy · cut to the budget"


def test_an_answer_without_hits_says_so_and_not_to_ask_again() -> None:
    assert "do not ask again" in tool_text(answer(), MARKER, NOW)


@given(st.text(), st.text(max_size=40), st.text(max_size=40))
def test_no_text_path_or_symbol_can_close_the_quotation_or_begin_a_line_of_ours(text: str, path: str, symbol: str) -> None:
    rendered = tool_text(answer(replace(HIT, text=text, path=path, symbol=symbol)), MARKER, NOW)
    lines = rendered.split("\n")
    opened, closed = lines.index(f"<<data {MARKER}"), lines.index(f"data {MARKER}>>")
    numbered = lines[opened + 1 : closed]
    assert [line.split(" ", 1)[0] for line in numbered] == [str(41 + n) for n in range(len(numbered))]
    assert lines[1].startswith("[1/1] payments ")
    assert len(lines) == 3 + len(numbered) + 3
