"""Receipts: every answer is recorded in the audit log before it leaves, then signed; no entry, no answer."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from contextd.model.access import Use, Workflow
from contextd.model.answer import Hit, Question, Receipt, Served
from contextd.operations.plane import Caller, Plane, stamp
from contextd.operations.view import Scope
from contextd.snapshot.receipt import receipt_id, served_root, signed_bytes
from contextd.store.control.events import Event
from contextd.store.control.receipts import ReceiptRow

ALLOW = "allow"


def record_answer(
    plane: Plane, caller: Caller, question: Question, text: str, scopes: Sequence[Scope], hits: Sequence[Hit], now: datetime
) -> Receipt:
    """Record one answer and return its receipt. ``text`` is the question with secrets cut out.

    Raises:
        AuditUnavailable: it could not be recorded; the answer must not leave.
    """
    served = tuple(_served(hit) for hit in hits)
    root = served_root(served)
    snapshots = tuple(sorted({scope.snapshot.id for scope in scopes}))
    ingest, query = plane.bundle.ingest.digest, plane.bundle.digest
    identity = receipt_id(
        principal=caller.principal,
        created_at=now,
        use=question.use,
        root=root,
        snapshots=snapshots,
        ingest_digest=ingest,
        query_digest=query,
        decision=ALLOW,
        exceptions=(),
    )
    digest = hmac.digest(plane.fingerprint_key, text.encode(), "sha256").hex()
    body = receipt_body(question.use, served, root, snapshots, ingest, query)
    if plane.keep_query_text:
        body["query"] = text
    sources = sorted({scope.source.name for scope in scopes})
    tiers = sorted({scope.source.descriptor.tier_of(part) for scope in scopes for part in scope.components})
    index = plane.record("served", caller, identity, at=stamp(now), query_key=digest, sources=sources, tiers=tiers, **body)
    signature = plane.signer.sign(signed_bytes(identity, index))
    receipt = Receipt(
        id=identity,
        principal=caller.principal,
        created_at=now,
        use=question.use,
        served=served,
        served_root=root,
        snapshots=snapshots,
        ingest_digest=ingest,
        query_digest=query,
        decision=ALLOW,
        exceptions=(),
        query_key=digest,
        audit_index=index,
        key_id=plane.signer.key_id,
        signature=signature,
    )
    plane.control.record_answer(row_of(receipt), *(_allowed(now, scope, question.use) for scope in scopes))
    return receipt


def row_of(receipt: Receipt) -> ReceiptRow:
    """The row by which the control plane finds a receipt again."""
    return ReceiptRow(
        receipt.id,
        receipt.audit_index,
        receipt.principal,
        receipt.use.pathway,
        receipt.use.session,
        receipt.created_at,
        receipt.snapshots,
        receipt.key_id,
        receipt.signature,
    )


def receipt_body(
    use: Use, served: Sequence[Served], root: bytes, snapshots: Sequence[str], ingest: str, query: str
) -> dict[str, Any]:
    """What the audit entry of an answer says besides who and when; ``receipt_from`` reads it back."""
    return {
        "pathway": use.pathway,
        "workflow": use.workflow.value,
        "intent": use.intent,
        "session": use.session,
        "client": use.client,
        "client_version": use.client_version,
        "decision": ALLOW,
        "exceptions": [],
        "ingest_digest": ingest,
        "query_digest": query,
        "snapshots": list(snapshots),
        "served_root": root.hex(),
        "served": [[s.source, s.path, s.snapshot, s.start_byte, s.end_byte, s.text_sha256.hex()] for s in served],
    }


def receipt_from(event: dict[str, Any], index: int, key_id: str, signature: bytes) -> Receipt:
    """The receipt that an audit entry of kind ``served`` holds."""
    served = tuple(Served(row[0], row[1], row[2], row[3], row[4], bytes.fromhex(row[5])) for row in event["served"])
    use = Use(
        event["pathway"],
        Workflow(event["workflow"]),
        event["intent"],
        event["session"],
        event["client"],
        event["client_version"],
    )
    return Receipt(
        id=event["subject"],
        principal=event["principal"],
        created_at=datetime.fromisoformat(event["at"]),
        use=use,
        served=served,
        served_root=bytes.fromhex(event["served_root"]),
        snapshots=tuple(event["snapshots"]),
        ingest_digest=event["ingest_digest"],
        query_digest=event["query_digest"],
        decision=event["decision"],
        exceptions=tuple(event["exceptions"]),
        query_key=event["query_key"],
        audit_index=index,
        key_id=key_id,
        signature=signature,
    )


def _allowed(at: datetime, scope: Scope, use: Use) -> Event:
    body = {"action": "answer", "allowed": True, "pathway": use.pathway, "workflow": use.workflow.value, "client": use.client}
    tier = max(scope.source.descriptor.tier_of(part) for part in scope.components)
    return Event(at, "decision", scope.source.name, ",".join(sorted(scope.components)), tier, body)


def _served(hit: Hit) -> Served:
    digest = sha256(hit.text.encode()).digest()
    return Served(hit.source, hit.path, hit.snapshot, hit.span.start_byte, hit.span.end_byte, digest)
