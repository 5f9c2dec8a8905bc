"""``contextd receipt``: what an answer was based on, and whether that still holds."""

from __future__ import annotations

from typing import Annotated

import typer

from contextd.cli.output import printable, table
from contextd.cli.session import session_of
from contextd.cli.times import stamp
from contextd.model.answer import Receipt
from contextd.model.names import short_id

app = typer.Typer(help="Receipts: evidence of what was served.", no_args_is_help=True)

Identity = Annotated[str, typer.Argument(metavar="ID", help="The receipt's id, or a unique prefix")]


@app.command("show")
def show(context: typer.Context, identity: Identity) -> None:
    """What was served, to whom, on which decision."""
    from contextd.operations.history import show_receipt
    from contextd.wire.json import receipt_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        receipt = show_receipt(plane, caller, identity)
    session.out.text(describe(receipt))
    session.out.document("receipt", receipt_json(receipt))


@app.command("verify")
def verify(context: typer.Context, identity: Identity) -> None:
    """Check a receipt: its id, signature, what was served, and its place in the audit log."""
    from contextd.operations.history import Check, VerifiedReceipt, verify_receipt
    from contextd.store.audit.errors import AuditDamaged
    from contextd.wire.json import receipt_json

    session = session_of(context)
    try:
        with session.plane() as (plane, caller):
            found = verify_receipt(plane, caller, identity)
    except AuditDamaged as error:  # the home does not open over such a log, and no receipt of it holds
        found = VerifiedReceipt(identity, None, (Check("audit", holds=False, what=error.message),))
    good = all(check.holds for check in found.checks)
    session.out.text(table([["ok" if check.holds else "FAIL", check.name, check.what] for check in found.checks]))
    session.out.text(f"{'pass' if good else 'FAIL'}  {found.id}")
    body = [{"name": check.name, "holds": check.holds, "what": check.what} for check in found.checks]
    receipt = receipt_json(found.receipt) if found.receipt else None
    session.out.document("receipt-verification", {"holds": good, "id": found.id, "checks": body, "receipt": receipt})
    if not good:
        session.no()


def describe(receipt: Receipt) -> list[str]:
    """A receipt in lines for people."""
    use = receipt.use
    lines = [
        receipt.id,
        f"  served to   {receipt.principal} over {printable(use.pathway)}, to {use.workflow.value}"
        + (f", intent {printable(use.intent)}" if use.intent else "")
        + (f", session {printable(use.session)}" if use.session else ""),
        f"  at          {stamp(receipt.created_at)}, audit {receipt.audit_index}",
        f"  decision    {receipt.decision} under {short_id(receipt.query_digest)}",
        f"  snapshots   {', '.join(short_id(snapshot) for snapshot in receipt.snapshots)}",
        f"  signed by   {short_id(receipt.key_id)}",
    ]
    return lines + [
        f"  {number:>3}  {hit.source} {printable(hit.path)} bytes {hit.start_byte}-{hit.end_byte} of {short_id(hit.snapshot)}"
        for number, hit in enumerate(receipt.served, 1)
    ]
