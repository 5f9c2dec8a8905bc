"""Searching several views as one: one set of statistics over exactly what the caller may see, whatever shelf holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contextd.index.query import Query
from contextd.index.rank import Mask, Searcher
from contextd.model.answer import Filter as Narrowing
from contextd.operations.postings import Postings, untagged
from contextd.operations.view import View
from contextd.store.shelf.rows import StoredChunk

_KEPT_MASKS = 32


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that was found, the view that it was found in, and its score."""

    view: View
    chunk: StoredChunk
    score: float


class Retrieval:
    """Views with the postings of their shelves, in the same order. Keep it as long as both stay the same."""

    def __init__(self, views: Sequence[View], postings: Sequence[Postings]) -> None:
        self.views = tuple(views)
        self._postings = tuple(postings)
        self._by_tag = {opened.tag: view for view, opened in zip(views, postings, strict=True)}
        self._searcher = Searcher([segment for opened in postings for segment in opened.segments])
        self._masks: dict[tuple[str, Narrowing], Mask] = {}

    def find(self, query: Query, which: str, narrowing: Narrowing, limit: int) -> list[Candidate]:
        """The best chunks of one set (visible, stale, outside) of all views, best first."""
        if not any(view.sets[which] for view in self.views):
            return []
        scored = self._searcher.search(query, self._mask(which, narrowing), limit, self._text)
        wanted: dict[int, list[int]] = {}
        for found in scored:
            tag, chunk = untagged(found.chunk_id)
            wanted.setdefault(tag, []).append(chunk)
        chunks = {(tag, i): chunk for tag, ids in wanted.items() for i, chunk in self._chunks(tag, ids).items()}
        places = [(untagged(found.chunk_id), found.score) for found in scored]
        return [Candidate(self._by_tag[place[0]], chunks[place], score) for place, score in places if place in chunks]

    def _mask(self, which: str, narrowing: Narrowing) -> Mask:
        key = (which, narrowing)
        if key not in self._masks:
            if len(self._masks) >= _KEPT_MASKS:
                self._masks.clear()
            flags = []
            for view, opened in zip(self.views, self._postings, strict=True):
                alive = view.flags(which, narrowing)
                flags += [np.take(alive, ids) for ids in opened.chunk_ids]
            self._masks[key] = self._searcher.mask(flags)
        return self._masks[key]

    def _chunks(self, tag: int, ids: Sequence[int]) -> dict[int, StoredChunk]:
        view = self._by_tag[tag]
        snapshot = view.scope.snapshot
        return view.shelf.chunks(snapshot.ref, snapshot.sequence, ids)

    def _text(self, chunk_id: int) -> bytes:
        tag, chunk = untagged(chunk_id)
        return self._by_tag[tag].shelf.chunk_text(chunk)
