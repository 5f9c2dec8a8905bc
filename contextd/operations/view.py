"""What one caller may see of one snapshot: the mask that search scores under, and what today's rules withhold from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from contextd.detect.prose import markup_of
from contextd.filter.filtering import Filter, PathDecision
from contextd.filter.patterns import Patterns
from contextd.model.answer import Filter as Narrowing
from contextd.model.content import ContentClass, EntryKind, Excluded, Observed
from contextd.model.finding import Freshness, FreshnessState
from contextd.model.snapshot import Snapshot
from contextd.model.source import Source
from contextd.store.shelf.rows import StoredChunk, StoredDocument
from contextd.store.shelf.shelf import Shelf

Flags = NDArray[np.bool_]

_NOT_JUDGED = "the detectors have not looked at it"

_ORDER = (
    FreshnessState.EXEMPT,
    FreshnessState.FRESH,
    FreshnessState.DUE,
    FreshnessState.STALE,
    FreshnessState.INVALIDATED,
    FreshnessState.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What decisions opened to a caller: components of one snapshot, and in which of them restricted labels are open too.

    ``floor`` gives the worst freshness that each open component's tier serves.
    """

    source: Source
    snapshot: Snapshot
    components: frozenset[str]
    restricted: frozenset[str]
    floor: Mapping[str, FreshnessState]
    behind: int = 0


class View:
    """A scope laid over a shelf, with the rules in force now.

    Documents fall into three sets: closed (another component, or a label that is not open: they leave no trace), withheld
    (open, but kept back by today's boundary or by freshness: they are counted), and visible.

    Args:
        scope: what is open.
        shelf: the source's.
        freshness: the recorded state by path.
        boundary: today's filter, or None when the snapshot was built under today's rules and has nothing to fear from them.
        now: the instant of the question.
    """

    def __init__(
        self, scope: Scope, shelf: Shelf, freshness: Mapping[str, Freshness], boundary: Filter | None, now: datetime
    ) -> None:
        self.scope = scope
        self.shelf = shelf
        self.boundary = boundary
        self._freshness = freshness
        self._now = now
        self.sets: dict[str, list[StoredDocument]] = {"visible": [], "stale": [], "outside": []}
        self._found: dict[str, tuple[StoredDocument, str]] = {}
        for document in shelf.documents(scope.snapshot.ref, scope.snapshot.sequence):
            today = None if boundary is None else boundary.path_decision(document.path)
            if self._open(document, today):
                which = "outside" if today and today.excluded else self._set_of(document)
                self.sets[which].append(document)
                self._found[document.path] = (document, which)
        self._cut: dict[str, frozenset[int] | None] = {}
        self._states = freshness
        turns = (t for f in freshness.values() for t in (f.warn_at, f.error_at) if t is not None and t > now)
        self._turns = min(turns, default=None)

    def freshness(self, path: str) -> Freshness:
        """How current an open document is at the instant of the question."""
        return self._current(self._found[path][0])

    def holds(self, states: Mapping[str, Freshness], now: datetime) -> bool:
        """Whether the view is still true at ``now`` with these recorded states: none was changed, and none turned with time."""
        return self._states is states and (self._turns is None or now < self._turns)

    def find(self, path: str) -> tuple[StoredDocument, str] | None:
        """An open document and its set (visible, stale, outside); None for what is closed or not there."""
        return self._found.get(path)

    def cut_today(self, chunk: StoredChunk) -> bool:
        """Whether the rules in force now would cut something out of a chunk's lines, or keep its whole document out.

        The whole document is looked at: what a rule cuts out may reach beyond a chunk, and be known by what stands there.
        """
        if self.boundary is None:
            return False
        if chunk.path not in self._cut:
            document = self._found[chunk.path][0]
            self._cut[chunk.path] = _lines_cut(self.boundary, document, self.shelf.text(document))
        lines = self._cut[chunk.path]
        return lines is None or any(chunk.start_line <= line <= chunk.end_line for line in lines)

    def flags(self, which: str, narrowing: Narrowing) -> Flags:
        """By chunk id, whether a chunk belongs to one of the sets, narrowed as asked."""
        steps = np.zeros(self.shelf.highest_chunk() + 2, dtype=np.int32)
        for document in _narrowed(self.sets[which], narrowing):
            steps[document.chunks.start] += 1
            steps[document.chunks.stop] -= 1
        alive = np.cumsum(steps) > 0
        if narrowing.symbols:
            named = np.zeros_like(alive)
            for symbol in narrowing.symbols:
                named[self.shelf.chunks_of_symbol(symbol)] = True
            alive &= named
        return alive

    def _open(self, document: StoredDocument, today: PathDecision | None) -> bool:
        restricted = document.labels or (today is not None and today.labels)
        return document.component in self.scope.components and (not restricted or document.component in self.scope.restricted)

    def _set_of(self, document: StoredDocument) -> str:
        floor = self.scope.floor[document.component]
        return "stale" if _ORDER.index(self._current(document).state) > _ORDER.index(floor) else "visible"

    def _current(self, document: StoredDocument) -> Freshness:
        recorded = self._freshness.get(document.path)
        if recorded is not None:
            return current(recorded, self._now)
        # Every document of the head has a state once the detectors have run; where one has none, nobody has judged it.
        judged = document.content_class == ContentClass.CODE.value or markup_of(document.path) is None
        state, cause = (FreshnessState.EXEMPT, "") if judged else (FreshnessState.UNKNOWN, _NOT_JUDGED)
        return Freshness(document.path, state, cause)


def _lines_cut(boundary: Filter, document: StoredDocument, text: bytes) -> frozenset[int] | None:
    """The lines of a stored text that the rules would change, from 1; None when they would not admit it at all."""
    entry = Observed(document.path.encode(), document.mode, EntryKind.FILE, len(text), "")
    outcome = boundary.apply(entry, text)
    if isinstance(outcome, Excluded):
        return None
    before, after = text.split(b"\n"), outcome.text.split(b"\n")
    if len(before) != len(after):
        return None
    return frozenset(number for number, (one, other) in enumerate(zip(before, after, strict=True), 1) if one != other)


def _narrowed(documents: list[StoredDocument], narrowing: Narrowing) -> list[StoredDocument]:
    keep: list[Callable[[StoredDocument], bool]] = []
    if narrowing.languages:
        keep.append(lambda d: d.language in narrowing.languages)
    if narrowing.paths:
        patterns = Patterns(narrowing.paths)
        keep.append(lambda d: patterns.match(d.path) is not None)
    return [d for d in documents if all(test(d) for test in keep)] if keep else documents


def current(recorded: Freshness, now: datetime) -> Freshness:
    """A recorded freshness as it stands at ``now``: time alone makes fresh due and due stale."""
    state = recorded.state
    if state in {FreshnessState.FRESH, FreshnessState.DUE, FreshnessState.STALE}:
        state = FreshnessState.FRESH
        if recorded.warn_at and now >= recorded.warn_at:
            state = FreshnessState.DUE
        if recorded.error_at and now >= recorded.error_at:
            state = FreshnessState.STALE
    if state is recorded.state:
        return recorded
    return replace(recorded, state=state)
