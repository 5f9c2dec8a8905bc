"""``contextd findings``: what has drifted, with the evidence and the mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from contextd.cli.output import printable, table
from contextd.cli.session import session_of, utc_now
from contextd.cli.times import span
from contextd.model.finding import FindingState, Severity
from contextd.model.names import short_id

if TYPE_CHECKING:
    from contextd.store.control.findings import FindingRecord

app = typer.Typer(help="Findings: where what AI is told has left reality.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="Only this source")] = "",
    code: Annotated[list[str] | None, typer.Option(help="Only this code, for example DRIFT-PATH-GONE")] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Only this severity")] = None,
    state: Annotated[list[FindingState] | None, typer.Option(help="Only this state; default: open and acknowledged")] = None,
    limit: Annotated[int, typer.Option(help="At most this many")] = 50,
    fail_on: Annotated[Severity | None, typer.Option(help="Exit 1 when one is at least this bad")] = None,
) -> None:
    """Findings, by source, path and line."""
    from contextd.operations.findings import ACTIVE, list_findings

    session = session_of(context)
    with session.plane() as (plane, caller):
        found = list_findings(plane, caller, source, code or (), severity or (), state or ACTIVE)
        owners = {registered.name: registered.owner for registered in plane.sources()}
    shown = found[:limit]
    rows = [
        [
            short_id(record.id),
            record.finding.severity.value,
            record.finding.code,
            record.source,
            f"{printable(record.finding.path)}:{record.finding.line}",
            printable(record.finding.claim),
            owners.get(record.source, ""),
        ]
        for record in shown
    ]
    lines = table(rows, ["ID", "SEV", "CODE", "SOURCE", "WHERE", "SAYS", "OWNER"]) if rows else ["no findings"]
    session.out.listing("finding", [as_json(record) for record in shown], lines)
    if len(found) > limit:
        session.out.note(f"{limit} shown of {len(found)}; more: --limit {len(found)}")
    order = list(Severity)
    if fail_on and any(order.index(record.finding.severity) >= order.index(fail_on) for record in found):
        session.no()


@app.command("show")
def show(context: typer.Context, identity: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """One finding: claim, observation, history, mend."""
    from contextd.operations.findings import show_finding

    session = session_of(context)
    with session.plane() as (plane, caller):
        record = show_finding(plane, caller, identity)
        owner = next((s.owner for s in plane.sources() if s.name == record.source), "")
    finding = record.finding
    age = span(utc_now() - record.first_seen)
    where = f"{record.source} {printable(finding.path)}:{finding.line}"
    lines = [
        f"{finding.code}  {finding.severity.value}  {record.state.value} {age}  {where}  owner {owner}",
        *([f"  claim     {printable(finding.quote.strip())}"] if finding.quote.strip() else []),
        f"  observed  {printable(finding.observed)}",
    ]
    if finding.history:
        lines.append(f"  history   {printable(finding.history)}")
    if finding.breaking:
        moved = f", renamed to {printable(finding.rename_target)}" if finding.rename_target else ""
        when = f"{finding.breaking.time:%Y-%m-%d}"
        lines.append(f'  broke at  {finding.breaking.id[:7]} ({when}) "{printable(finding.breaking.subject)}"{moved}')
    last = "" if record.first_snapshot == record.last_snapshot else f", last in {short_id(record.last_snapshot)}"
    lines.append(f"  seen in   {short_id(record.first_snapshot)}{last}.  confidence {finding.confidence:.2f}")
    mend = finding.remediation.split("\n")
    lines.append(f"  mend      {printable(mend[0])}")
    lines += [f"            {printable(line)}" for line in mend[1:]]
    session.out.text(lines)
    session.out.document("finding", as_json(record))


def as_json(record: FindingRecord) -> dict[str, object]:
    """A finding as JSON, with its life."""
    from contextd.wire.json import finding_json, time_json

    seen = {
        "ref": record.ref,
        "first_seen_time": time_json(record.first_seen),
        "last_seen_time": time_json(record.last_seen),
        "snapshot": record.last_snapshot,
        "resolve_time": time_json(record.resolved_at),
        "resolved_by": record.resolved_by,
    }
    return finding_json(record.id, record.source, record.finding, record.state.value, seen)
