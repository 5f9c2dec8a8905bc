r"""What a receipt commits to: pure functions from what was served to its root, id and signed bytes.

served = MTH over hits in rank order of leaf(tlv("served/v1", source, path, snapshot, start byte, end byte, SHA256(text)))
rcpt1  = "rcpt1:" ‖ hex SHA256("contextd.dev/receipt/v1\n" ‖ tlv(principal, created µs, pathway, workflow, session, served,
         tlv(snapshots), ingest digest, query digest, decision, tlv(exceptions)))
signed = "contextd.dev/receipt-signature/v1\n" ‖ tlv(rcpt1, audit index)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from contextd.merkle.rfc6962 import leaf, mth
from contextd.merkle.tlv import tlv
from contextd.model.access import Use
from contextd.model.answer import Served

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def served_root(served: Sequence[Served]) -> bytes:
    """The 32-byte root over what was served, in rank order."""
    return mth(
        [
            leaf(tlv("served/v1", hit.source, hit.path, hit.snapshot, hit.start_byte, hit.end_byte, hit.text_sha256))
            for hit in served
        ]
    )


def receipt_id(  # noqa: PLR0913 - the parts of the format
    *,
    principal: str,
    created_at: datetime,
    use: Use,
    root: bytes,
    snapshots: Sequence[str],
    ingest_digest: str,
    query_digest: str,
    decision: str,
    exceptions: Sequence[str],
) -> str:
    """``rcpt1:<64 hex>``. ``created_at`` is aware and counts in microseconds; ids and digests are in their text form."""
    parts = tlv(
        principal,
        (created_at - _EPOCH) // timedelta(microseconds=1),
        use.pathway,
        use.workflow.value,
        use.session,
        root,
        tlv(*snapshots),
        ingest_digest,
        query_digest,
        decision,
        tlv(*exceptions),
    )
    return "rcpt1:" + sha256(b"contextd.dev/receipt/v1\n" + parts).hexdigest()


def signed_bytes(receipt: str, audit_index: int) -> bytes:
    """What the signature of a receipt is over: its id and where the audit log holds it."""
    return b"contextd.dev/receipt-signature/v1\n" + tlv(receipt, audit_index)
