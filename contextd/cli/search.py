"""``contextd search`` and ``contextd fetch``: governed context, with where it comes from and a receipt."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from contextd.cli.output import printable
from contextd.cli.session import Session, session_of, utc_now
from contextd.cli.times import span
from contextd.model.access import Use, Workflow
from contextd.model.errors import InvalidInput
from contextd.model.names import short_id

if TYPE_CHECKING:
    from contextd.model.answer import Hit, Permitted

_LINES = re.compile(r"(?P<path>.+):(?P<first>\d+)(?:-(?P<last>\d+))?\Z", re.DOTALL)
_SHOWN_LINES = 3

Ref = Annotated[str, typer.Option(help="A followed ref other than the default one")]
Commit = Annotated[str, typer.Option(help="The snapshot of this commit")]
Snapshot = Annotated[str, typer.Option(help="This snapshot")]
Pathway = Annotated[str, typer.Option(help="The approved way by which the context is used")]
WorkflowName = Annotated[Workflow, typer.Option(help="What it is used for")]
Intent = Annotated[str, typer.Option(help="The intent that it is used for, for example INT-7")]
SessionName = Annotated[str, typer.Option("--session", help="The working session that it belongs to")]
Budget = Annotated[int, typer.Option(help="Tokens that the answer may take")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("search")(search)
    app.command("fetch")(fetch)


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='Words, identifiers, "phrases"')],
    source: Annotated[list[str] | None, typer.Option(help="Only this source")] = None,
    path: Annotated[list[str] | None, typer.Option(help="Only paths that match this gitignore pattern")] = None,
    lang: Annotated[list[str] | None, typer.Option(help="Only this language")] = None,
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol")] = None,
    ref: Ref = "",
    commit: Commit = "",
    snapshot: Snapshot = "",
    pathway: Pathway = "terminal",
    workflow: WorkflowName = Workflow.EXPLAIN,
    intent: Intent = "",
    working_session: SessionName = "",
    budget: Budget = 4000,
    limit: Annotated[int, typer.Option(help="Hits at most")] = 10,
) -> None:
    """Ask a question of the sources that are open to you."""
    from contextd.model.answer import Filter, Question
    from contextd.operations.ask import search as act

    session = session_of(context)
    use = Use(pathway, workflow, intent, working_session)
    narrowing = Filter(tuple(path or ()), tuple(lang or ()), tuple(symbol or ()))
    question = Question(text, tuple(source or ()), use, narrowing, ref, commit, snapshot, budget, limit)
    with session.plane() as (plane, caller):
        answer = act(plane, caller, question)
        marker = plane.data_marker(answer.receipt.id)
    _print(session, answer, marker, whole=False)


def fetch(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    place: Annotated[str, typer.Argument(metavar="PATH[:A-B]", help="A document, or lines of it")],
    ref: Ref = "",
    commit: Commit = "",
    snapshot: Snapshot = "",
    pathway: Pathway = "terminal",
    workflow: WorkflowName = Workflow.EXPLAIN,
    intent: Intent = "",
    working_session: SessionName = "",
    budget: Budget = 4000,
) -> None:
    """Read a document, or lines of it, with its provenance."""
    from contextd.model.answer import Question
    from contextd.operations.ask import fetch as act

    session = session_of(context)
    path, lines = split_place(place)
    use = Use(pathway, workflow, intent, working_session)
    question = Question(path, (source,), use, ref=ref, commit=commit, snapshot=snapshot, budget=budget)
    with session.plane() as (plane, caller):
        answer = act(plane, caller, question, path, lines)
        marker = plane.data_marker(answer.receipt.id)
    _print(session, answer, marker, whole=True)


def split_place(place: str) -> tuple[str, tuple[int, int] | None]:
    """``path``, ``path:12`` or ``path:41-68`` as the path and its lines; InvalidInput when they are not a range."""
    match = _LINES.match(place)
    if not match:
        return place, None
    first = int(match["first"])
    last = int(match["last"] or first)
    if not 1 <= first <= last:
        raise InvalidInput(f"{place}: {first}-{last} is not a range of lines", hint=f"{match['path']}:1-20", field="span")
    return match["path"], (first, last)


def _print(session: Session, answer: Permitted, marker: str, *, whole: bool) -> None:
    from contextd.wire.json import answer_json
    from contextd.wire.tool import tool_text

    if session.options.format == "tool":
        session.out.text(printable(tool_text(answer, marker, utc_now()), "\n\t"))
        return
    session.out.document("answer", answer_json(answer))
    now = utc_now()
    if not answer.hits:
        session.out.text("nothing that you can read matches")
    width = max((len(_place(hit)) for hit in answer.hits), default=0)
    for hit in answer.hits:
        session.out.text(f"{hit.rank}  {_place(hit).ljust(width)}  {_about(hit)}".rstrip())
        lines = hit.text.rstrip("\n").split("\n")
        shown = lines if whole else [line for line in lines if line.strip()][:_SHOWN_LINES]
        session.out.text("     " + printable(line, "\t") for line in shown)
    session.out.text(_foot(answer, now))


def _place(hit: Hit) -> str:
    return f"{hit.source} {printable(hit.path)}:{hit.span.start_line}-{hit.span.end_line}"


def _about(hit: Hit) -> str:
    codes = " ".join(sorted({finding.code for finding in hit.open_findings}))
    state = hit.freshness.state.value
    current = "" if state == "exempt" else state if state == "fresh" else f"{state} ({hit.freshness.cause})"
    labels = f"[{', '.join(hit.labels)}]" if hit.labels else ""
    return "  ".join(part for part in (printable(hit.symbol), current, codes, labels) if part)


def _foot(answer: Permitted, now: datetime) -> str:
    marks = answer.watermarks
    snapshots = "1 snapshot" if marks.snapshots_behind == 1 else f"{marks.snapshots_behind} snapshots"
    behind = f", {snapshots} behind the head" if marks.snapshots_behind else ""
    cut = f"  cut at {answer.budget:,} tokens" if answer.truncated else ""
    return (
        f"as of: content {_age(marks.content, now)}, drift {_age(marks.drift, now)}, access and boundary now{behind}"
        f"  withheld {answer.withheld}{cut}  receipt {short_id(answer.receipt.id)}  audit {answer.receipt.audit_index}"
    )


def _age(time: datetime, now: datetime) -> str:
    return "now" if now - time < timedelta(seconds=1) else span(now - time)
