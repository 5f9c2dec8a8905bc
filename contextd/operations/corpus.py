"""One published snapshot as detectors see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from contextd.model.snapshot import Snapshot
from contextd.model.source import Descriptor
from contextd.store.shelf.rows import StoredDocument
from contextd.store.shelf.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Looked:
    """The last look of the detectors at a ref: when, under which bundle and descriptor, and which texts they asked for."""

    at: datetime
    rules: str
    descriptor: Descriptor
    asked: frozenset[str]


class ShelfCorpus:
    """The ``Corpus`` of a snapshot that a shelf holds; texts are read when they are asked for.

    ``asked`` are the paths whose texts were asked for so far: what else changed cannot change what detectors said.
    """

    def __init__(self, shelf: Shelf, snapshot: Snapshot) -> None:
        self.descriptor: Descriptor = snapshot.descriptor
        self._shelf = shelf
        self._at = (snapshot.ref, snapshot.sequence)
        self.asked: set[str] = set()

    def paths(self) -> Sequence[str]:
        """Every listed path, admitted or excluded, in byte order."""
        return self._paths

    def admitted(self) -> Iterator[str]:
        """Paths of admitted documents, in byte order."""
        return iter(self._documents)

    def text(self, path: str) -> bytes | None:
        """Redacted text of an admitted document; None when it is not one."""
        self.asked.add(path)
        document = self._documents.get(path)
        return None if document is None else self._shelf.text(document)

    def component(self, path: str) -> str:
        """The component that has ``path``; empty for a path that is not here."""
        document = self._documents.get(path)
        return document.component if document else self._excluded.get(path, "")

    @cached_property
    def _documents(self) -> dict[str, StoredDocument]:
        return {document.path: document for document in self._shelf.documents(*self._at)}

    @cached_property
    def _excluded(self) -> dict[str, str]:
        return {excluded.path: excluded.component for excluded in self._shelf.exclusions(*self._at)}

    @cached_property
    def _paths(self) -> list[str]:
        return sorted([*self._documents, *self._excluded], key=str.encode)
