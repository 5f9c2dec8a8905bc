"""``contextd audit``: the log that cannot be edited unseen."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from contextd.cli.output import table
from contextd.cli.session import session_of

if TYPE_CHECKING:
    from contextd.store.audit.verification import AuditVerification

app = typer.Typer(help="The audit log: every decision, in order, unchangeable once signed.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep ``audit`` a noun with verbs."""


@app.command("verify")
def verify(context: typer.Context) -> None:
    """Recompute the whole log against its signed tree heads."""
    from contextd.home import verify_damaged
    from contextd.operations.history import verify_audit
    from contextd.store.audit.errors import AuditDamaged

    session = session_of(context)
    try:
        with session.plane() as (plane, caller):
            found = verify_audit(plane, caller)
    except AuditDamaged as error:
        found = verify_damaged(session.options.home, error)
    lines, body = describe(found)
    session.out.text(lines)
    session.out.document("audit-verification", body)
    if not found.ok:
        session.no()


def describe(found: AuditVerification) -> tuple[list[str], dict[str, object]]:
    """A verification as lines for people and as JSON."""
    signed = found.heads - found.heads_broken
    entries = f"{found.entries:,} read; {found.covered:,} of them recomputed to a signed tree head"
    heads = f"{found.heads:,} signed, each extends the last" if found.ok else f"{signed:,} of {found.heads:,} hold"
    rows = [["ok" if found.ok else "FAIL", "entries", entries], ["ok" if not found.heads_broken else "FAIL", "heads", heads]]
    if found.tail:
        rows.append(["warn", "tail", f"{found.tail:,} entries are newer than the newest signed head"])
    rows.append(["warn", "anchor", "no head is kept elsewhere: who has the signing key could rewrite all of it unseen"])
    lines = table(rows) + [f"FAIL  {problem}" for problem in found.problems]
    if found.ok:
        lines.append(
            f"pass  nothing edited, removed or reordered up to entry {found.covered - 1:,}" if found.covered else "pass  empty"
        )
    else:
        lines.append(f"FAIL  the first entry that cannot be trusted is {found.first_bad}")
    return lines, {"holds": found.ok, **asdict(found)}
