"""Whether the log is still what was recorded and signed.

Every row is checked against what stands beside it: its text against its leaf hash, its inner hashes against the subtrees they
are made of, its place against the row before. Every signed head is checked against the tree over the first rows: where all
roots agree, each head extends the one before it. So an edit, a deletion or a move is found at its row, and whoever rewrote the
hashes as well is found by the next signed head. Entries after the last head are counted: nobody has vouched for them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from contextd.merkle import rfc6962
from contextd.model.errors import InvalidInput
from contextd.store.audit import storage
from contextd.store.audit.head import TreeHead, Verifier, parse_head

_SHOWN = 20
# As bytes, whatever type an editor may have left behind.
_ROWS = """SELECT idx, CAST(kind AS BLOB), CAST(subject AS BLOB), CAST(data AS BLOB), CAST(hashes AS BLOB)
    FROM entries ORDER BY idx"""


@dataclass(frozen=True, slots=True)
class AuditVerification:
    """What a verification found. Counts are of entries, except the first two that say heads.

    ``heads`` were checked and ``heads_broken`` of them do not hold; ``covered`` entries stand under the newest that does,
    ``tail`` are newer. ``edited`` no longer give the hash that was recorded, ``reordered`` stand where another was recorded,
    ``misplaced`` have hashes that do not fit where they stand (a moved or rewritten row), ``missing`` are gaps, ``truncated``
    were signed and are gone from the end. ``first_bad`` is the lowest index known to be touched; where only a signed head tells
    of it, the lowest that may be. ``problems`` are sentences, the
    first 20 of them written out.
    """

    entries: int
    heads: int
    heads_broken: int
    covered: int
    tail: int
    edited: int
    reordered: int
    misplaced: int
    missing: int
    truncated: int
    first_bad: int | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Nothing was edited, moved, removed or cut off, as far as the signed heads reach."""
        return not self.problems


def head_problem(head: TreeHead, origin: str, keys: Sequence[Verifier]) -> str:
    """Why ``head`` is not one of this log's: of another origin, or not signed by a known key. Empty when it is."""
    if head.origin != origin:
        return f"has a tree head of another log: {head.origin}, not {origin}"
    if head.signed_by(keys) is None:
        return f"has a tree head over {head.size} entries that no known key signed"
    return ""


def verify_log(path: Path, origin: str, keys: Sequence[Verifier], anchors: Sequence[TreeHead] = ()) -> AuditVerification:
    """Check the whole log at ``path``, even one that ``AuditLog.open`` refuses.

    Args:
        path: the file; it is only read.
        origin: the name that its heads carry.
        keys: whose signatures are accepted.
        anchors: heads that were kept elsewhere and must hold too.

    AuditUnavailable when the file cannot be read, AuditDamaged when it is not a database.
    """
    with storage.told(path, "verify the audit log"):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        with closing(db):
            db.execute("BEGIN")
            return _Check(db, origin, keys).run(anchors)


class _Check:
    """One pass over the rows, in order of their index. Keeps the newest recorded subtree of each level."""

    def __init__(self, db: sqlite3.Connection, origin: str, keys: Sequence[Verifier]) -> None:
        self._db = db
        self._origin = origin
        self._keys = keys
        self._due: list[TreeHead] = []
        self._subtrees: dict[int, tuple[int, bytes]] = {}
        self._strays: list[bytes] = []
        self._displaced: set[bytes] = set()
        self._heads = self._heads_broken = self._covered = self._mislabelled = self._misplaced = self._missing = 0
        self._first_bad: int | None = None
        self._problems: list[str] = []
        self._unsaid = 0

    def run(self, anchors: Sequence[TreeHead]) -> AuditVerification:
        self._due = sorted([*self._stored_heads(), *anchors], key=lambda head: head.size)
        self._heads += len(self._due)
        entries = following = 0
        for row in self._db.execute(_ROWS):
            index = row[0]
            entries += 1
            if index < 0:
                self._misplaced += 1
                self._note(0, f"there is an entry {index}, before the first")
                continue
            if index > following:
                self._missing += index - following
                self._note(following, f"entries {following} to {index - 1} are missing")
            self._settle(index)
            self._row(*row)
            following = index + 1
        self._settle(following)
        truncated = self._due[-1].size - following if self._due else 0
        if truncated:
            self._heads_broken += len(self._due)
            self._note(following, f"the last {truncated} of {following + truncated} signed entries are gone")
        reordered = sum(leaf in self._displaced for leaf in self._strays)
        return AuditVerification(
            entries=entries,
            heads=self._heads,
            heads_broken=self._heads_broken,
            covered=self._covered,
            tail=following - self._covered,
            edited=len(self._strays) - reordered + self._mislabelled,
            reordered=reordered,
            misplaced=self._misplaced,
            missing=self._missing,
            truncated=truncated,
            first_bad=self._first_bad,
            problems=(*self._problems, f"and {self._unsaid} more") if self._unsaid else tuple(self._problems),
        )

    def _stored_heads(self) -> Iterator[TreeHead]:
        """Heads as they are kept; those that cannot be read are broken."""
        for size, note in self._db.execute("SELECT size, CAST(note AS BLOB) FROM heads ORDER BY size"):
            try:
                head = parse_head(note.decode(errors="replace"))
            except InvalidInput as error:
                problem = error.message
            else:
                problem = "" if head.size == size else f"it says {head.size}"
                if not problem:
                    yield head
                    continue
            self._heads += 1
            self._heads_broken += 1
            self._note(None, f"the tree head kept for {size} entries: {problem}")

    def _row(self, index: int, kind: bytes, subject: bytes, data: bytes, hashes: bytes) -> None:
        """Check one entry against its recorded hashes, and these against the subtrees to their left."""
        depth = ((index + 1) & -(index + 1)).bit_length()
        recorded = [hashes[at : at + storage.HASH] for at in range(0, max(1, len(hashes)), storage.HASH)]
        leaf = rfc6962.leaf(data)
        if leaf != recorded[0]:
            self._strays.append(leaf)
            self._displaced.add(recorded[0])
            self._note(index, f"entry {index} is not what was recorded there")
        elif (kind, subject) != _labels(data):
            self._mislabelled += 1
            self._note(index, f"entry {index} is filed under another kind or subject than it has")
        start = index
        fits = len(recorded) == depth
        for level, (below, above) in enumerate(pairwise(recorded[:depth])):
            position, left = self._subtrees.get(level, (-1, b""))
            if position == (index >> level) - 1 and rfc6962.node(left, below) != above:
                fits = False
                start = min(start, position << level)
        if not fits:
            self._misplaced += 1
            self._note(start, f"entry {index} has hashes that do not fit its place")
        for level, recorded_hash in enumerate(recorded[:depth]):
            self._subtrees[level] = (index >> level, recorded_hash)

    def _settle(self, size: int) -> None:
        """Judge the heads over at most ``size`` entries, now that those have been read."""
        while self._due and self._due[0].size <= size:
            head = self._due.pop(0)
            problem = head_problem(head, self._origin, self._keys)
            peaks = [self._peak(level, position) for level, position in rfc6962.peaks(head.size)]
            whole = [peak for peak in peaks if peak is not None]
            untouched = self._first_bad is None or self._first_bad < self._covered
            where = self._covered if untouched and not problem else None
            if not problem and len(whole) < len(peaks):
                problem, where = f"has a tree head over {head.size} entries that cannot be checked: entries are missing", None
            elif not problem and rfc6962.Frontier(head.size, whole).root() != head.root:
                problem = f"has other entries than were signed: somewhere from {self._covered} to {head.size - 1}"
            if problem:
                self._heads_broken += 1
                self._note(where, f"the log {problem}")
            else:
                self._covered = head.size

    def _peak(self, level: int, position: int) -> bytes | None:
        found = self._subtrees.get(level)
        return found[1] if found is not None and found[0] == position else None

    def _note(self, index: int | None, problem: str) -> None:
        if index is not None:
            self._first_bad = index if self._first_bad is None else min(self._first_bad, index)
        if len(self._problems) < _SHOWN:
            self._problems.append(problem)
        else:
            self._unsaid += 1


def _labels(data: bytes) -> tuple[bytes, bytes] | None:
    """Kind and subject as the event itself says them; None when it does not."""
    try:
        event = json.loads(data)
        return str(event["kind"]).encode(), str(event["subject"]).encode()
    except (ValueError, TypeError, KeyError):
        return None
