"""Looking back: snapshots and what differs between them, receipts and whether they hold, the audit log."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from contextd.model.access import Action, Target
from contextd.model.answer import Receipt
from contextd.model.errors import NotFound, Refused
from contextd.model.names import id_prefix, short_id
from contextd.model.snapshot import DocumentChange, Snapshot
from contextd.operations.plane import Caller, Plane
from contextd.operations.restricted import closed_to
from contextd.operations.serving import receipt_from
from contextd.snapshot import identity
from contextd.snapshot.receipt import receipt_id, served_root, signed_bytes
from contextd.store.audit.entry import Entry
from contextd.store.audit.errors import AuditDamaged, EntryNotFound
from contextd.store.audit.verification import AuditVerification
from contextd.store.control.errors import RecordUnknown
from contextd.store.control.receipts import ReceiptRow
from contextd.store.shelf.rows import StoredDocument
from contextd.store.shelf.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a verification: its name, whether it holds, and what was looked at."""

    name: str
    holds: bool
    what: str


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A receipt's whole id, the receipt as the audit log has it (None where it cannot be read there), and what was checked."""

    id: str
    receipt: Receipt | None
    checks: tuple[Check, ...]


def list_snapshots(plane: Plane, caller: Caller, name: str, limit: int = 50) -> list[Snapshot]:
    """Snapshots of a source, newest first.

    Raises:
        NotFound, Refused: the source is not one that the caller may look into.
    """
    plane.source(caller, name, Action.INSPECT)
    return plane.shelf(name).snapshots()[:limit]


def show_snapshot(plane: Plane, caller: Caller, name: str, value: str = "") -> Snapshot:
    """A snapshot of a source by id, unique prefix or commit; its newest when nothing is said.

    Raises:
        NotFound, Refused: no such snapshot, or the source is not one that the caller may look into.
    """
    plane.source(caller, name, Action.INSPECT)
    found = plane.shelf(name).snapshots()
    if value:
        by_commit = [s for s in found if s.commit != "-" and s.commit.startswith(value) and len(value) >= 7]  # noqa: PLR2004 - git's own short form
        prefix = "" if by_commit else id_prefix(value, "ctx1")
        found = by_commit or [s for s in found if s.id.startswith(prefix)]
    if len({s.id for s in found}) > 1 and value:
        raise NotFound(f"{value} could be {len(found)} snapshots", hint="give more digits", reason="SNAPSHOT_NOT_FOUND")
    if not found:
        what = f"no snapshot {value}" if value else "no snapshot yet"
        hint = f"contextd snapshot list {name}" if value else f"contextd crawl {name}"
        raise NotFound(f"{name} has {what}", reason="SNAPSHOT_NOT_FOUND" if value else "NO_HEAD", hint=hint)
    return found[0]


def diff_snapshots(plane: Plane, caller: Caller, name: str, older: str = "", newer: str = "") -> Iterator[DocumentChange]:
    """What differs between two snapshots of a source (by default the newest two of a ref), by path.

    Raises:
        NotFound, Refused: see ``show_snapshot``; or there is only one.
    """
    new = show_snapshot(plane, caller, name, newer)
    shelf = plane.shelf(name)
    if older:
        old = show_snapshot(plane, caller, name, older)
    else:
        before = [s for s in shelf.snapshots(new.ref) if s.sequence < new.sequence]
        if not before:
            raise NotFound(
                f"{name} has no snapshot before {new.id[:17]}", reason="SNAPSHOT_NOT_FOUND", hint="crawl it again later"
            )
        old = before[0]
    closed = closed_to(plane, caller, plane.source(caller, name, Action.INSPECT))
    return (change for change in _changes(shelf, old, new) if not closed(change.path))


def show_receipt(plane: Plane, caller: Caller, value: str) -> Receipt:
    """A receipt by id or unique prefix: one's own, or anybody's for who may audit.

    Raises:
        InvalidInput, NotFound: no such receipt, or not one that the caller may see.
        AuditDamaged: the entry that holds it was edited.
    """
    row = _row(plane, caller, value)
    return _receipt(row, plane.audit.entry(row.audit_index))


def _row(plane: Plane, caller: Caller, value: str) -> ReceiptRow:
    """Where the receipt is that the caller may see by this id or prefix."""
    try:
        row: ReceiptRow | None = plane.control.receipts.get(value)
    except RecordUnknown:
        row = None
    mine = row is not None and row.principal == caller.principal
    if row is None or not (mine or plane.decide(caller, Action.AUDIT, Target()).allowed):
        raise NotFound(f"no receipt {value} of yours", hint="contextd receipt show takes ids that your answers named")
    return row


def _receipt(row: ReceiptRow, entry: Entry) -> Receipt:
    """The receipt that an audit entry holds; AuditDamaged when it holds something else."""
    try:
        return receipt_from(entry.event, row.audit_index, row.key_id, row.signature)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        what = f"audit entry {row.audit_index} does not hold receipt {row.id}"
        raise AuditDamaged(what, hint="contextd audit verify") from error


def verify_receipt(plane: Plane, caller: Caller, value: str) -> VerifiedReceipt:
    """Whether a receipt holds: its id, its signature, what was served, and its place in the audit log.

    Raises:
        InvalidInput, NotFound: see ``show_receipt``.
    """
    row = _row(plane, caller, value)
    try:
        entry = plane.audit.entry(row.audit_index)
        receipt = _receipt(row, entry)
    except (AuditDamaged, EntryNotFound) as error:
        return VerifiedReceipt(row.id, None, (Check("audit", holds=False, what=error.message),))
    same = receipt.id == receipt_id(
        principal=receipt.principal,
        created_at=receipt.created_at,
        use=receipt.use,
        root=served_root(receipt.served),
        snapshots=receipt.snapshots,
        ingest_digest=receipt.ingest_digest,
        query_digest=receipt.query_digest,
        decision=receipt.decision,
        exceptions=receipt.exceptions,
    )
    signed = plane.signer.verify(signed_bytes(receipt.id, receipt.audit_index), receipt.signature)
    good = sum(
        _served_again(plane, hit.source, hit.path, hit.snapshot, hit.start_byte, hit.end_byte) == hit.text_sha256
        for hit in receipt.served
    )
    head = plane.audit.sign_head()
    proof = plane.audit.prove(receipt.audit_index, head.size)
    included = proof.leaf == entry.leaf and proof.holds(head)
    checks = (
        Check("id", same, "recomputed from what it says" if same else "does not follow from what it says"),
        Check("signature", signed, f"by {short_id(receipt.key_id)}"),
        Check("served", good == len(receipt.served), f"{good} of {len(receipt.served)} texts are what the snapshots hold"),
        Check("audit", included, f"entry {receipt.audit_index} under the signed tree head of size {head.size}"),
    )
    return VerifiedReceipt(row.id, receipt, checks)


def verify_audit(plane: Plane, caller: Caller) -> AuditVerification:
    """Recompute the whole audit log against its signed heads.

    Raises:
        Refused: the caller may not audit; recorded.
    """
    plane.require(caller, Action.AUDIT, Target())
    return plane.audit.verify()


def head_problems(plane: Plane, name: str) -> list[str]:
    """What does not fit together in the heads of a source: each id is worked out again from the texts that the shelf holds.

    An edited text gives another document, another document another root, another root another id; and the id that is left must
    be one whose publication the audit log holds. Empty when all of it fits.
    """
    shelf = plane.shelf(name)
    problems = []
    for head in shelf.heads().values():
        documents = []
        for found in shelf.documents(head.ref, head.sequence):
            digest = identity.document(found.path, found.mode, shelf.text(found), found.labels)
            documents.append((found.path, digest))
            if digest != found.digest:
                problems.append(f"{found.path} is not the text that was published")
        if identity.snapshot_id(name, identity.tree(documents)) != head.id:
            problems.append(f"{head.ref}: the documents do not give {short_id(head.id)}")
        elif not plane.audit.find(head.id, "snapshot-published"):
            problems.append(f"{head.ref}: the audit log does not know {short_id(head.id)}")
    return problems


def _served_again(plane: Plane, source: str, path: str, snapshot: str, start: int, end: int) -> bytes:
    """The digest of what a snapshot holds at a span; empty when it is not there any more."""
    try:
        shelf = plane.shelf(source)
    except Refused:
        return b""
    for found in shelf.find_snapshots(snapshot):
        document = shelf.document(found.ref, found.sequence, path)
        if document is not None:
            return sha256(shelf.text(document)[start:end]).digest()
    return b""


def _changes(shelf: Shelf, old: Snapshot, new: Snapshot) -> Iterator[DocumentChange]:
    before = {d.path: d for d in shelf.documents(old.ref, old.sequence)}
    after = {d.path: d for d in shelf.documents(new.ref, new.sequence)}
    kept_out = {e.path for e in shelf.exclusions(new.ref, new.sequence)}
    kept_out_before = {e.path for e in shelf.exclusions(old.ref, old.sequence)}
    for path in sorted(before.keys() | after.keys()):
        one, other = before.get(path), after.get(path)
        if one and other and one.digest == other.digest:
            continue
        added, removed = _lines(shelf, one, other)
        if one is None:
            why = "policy" if path in kept_out_before and old.commit == new.commit else "content"
            yield DocumentChange(path, "added", why, added, removed)
        elif other is None:
            why = "policy" if path in kept_out and old.ingest_digest != new.ingest_digest else "content"
            yield DocumentChange(path, "removed", why, added, removed)
        else:
            yield DocumentChange(path, "changed", _why(old, new), added, removed)


def _why(old: Snapshot, new: Snapshot) -> str:
    """Why a text differs: the source moved on, or the rules, or the code that applies them."""
    if old.commit != new.commit or new.commit == "-":
        return "content"
    if old.ingest_digest != new.ingest_digest or old.descriptor != new.descriptor:
        return "policy"
    return "pipeline"


def _lines(shelf: Shelf, one: StoredDocument | None, other: StoredDocument | None) -> tuple[int, int]:
    a = shelf.text(one).splitlines() if one else []
    b = shelf.text(other).splitlines() if other else []
    if not a or not b:
        return len(b), len(a)
    added = removed = 0
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            added, removed = added + b2 - b1, removed + a2 - a1
    return added, removed
