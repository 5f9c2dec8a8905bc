"""What every detector is given: the corpus, its history, and what has been worked out from them once for all detectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from contextd.detect.declared import Declarations
from contextd.detect.prose import Document, markup_of, read
from contextd.detect.references import Reference, references
from contextd.detect.tree import Tree
from contextd.manifests.manifest import Manifest, ManifestError
from contextd.manifests.registry import parse, parser_of
from contextd.model.finding import Corpus, Finding, History

_SHORT_COMMIT: Final = 7
_QUOTE: Final = 240


@dataclass(frozen=True, eq=False)
class Scene:
    """One snapshot as detectors look at it. ``commit`` names the commit looked at, empty where the source is not git."""

    corpus: Corpus
    history: History
    commit: str = ""
    _documents: dict[str, Document | None] = field(default_factory=dict, repr=False)
    _references: dict[str, tuple[Reference, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def tree(self) -> Tree:
        """Every listed path."""
        return Tree(self.corpus)

    @property
    def place(self) -> str:
        """The state looked at, for people: ``at 4b7e1c9`` or ``in this snapshot``."""
        return f"at {self.commit[:_SHORT_COMMIT]}" if self.commit else "in this snapshot"

    def document(self, path: str) -> Document | None:
        """The admitted document at ``path`` taken apart; None when it is no document or not admitted."""
        if path not in self._documents:
            markup = markup_of(path)
            text = self.corpus.text(path) if markup else None
            self._documents[path] = read(path, markup, text) if markup and text is not None else None
        return self._documents[path]

    def references(self, document: Document) -> tuple[Reference, ...]:
        """The paths that a document of this scene names, line by line."""
        if document.path not in self._references:
            self._references[document.path] = tuple(references(document))
        return self._references[document.path]

    def documents(self) -> Iterator[Document]:
        """Every admitted document, in byte order of its path."""
        for path in self.corpus.admitted():
            document = self.document(path)
            if document:
                yield document

    @cached_property
    def manifests(self) -> Mapping[str, Manifest | ManifestError]:
        """Every admitted manifest and lock file by path, or why it is not what its name claims."""
        found: dict[str, Manifest | ManifestError] = {}
        for path in self.corpus.admitted():
            if parser_of(path) is None or (text := self.corpus.text(path)) is None:
                continue
            try:
                found[path] = parse(path, text)
            except ManifestError as error:
                found[path] = error
        return found

    @cached_property
    def declarations(self) -> Declarations:
        """What the manifests say, by name and nearness."""
        return Declarations(self.manifests, self.tree.files)


class Detector(Protocol):
    """One detector: pure, and looked at one document or manifest at a time, so that one it fails on leaves the others judged.

    ``codes`` are those it may report. ``subjects`` are the paths that it has something to say about; ``examine`` yields
    what does not hold in one of them. Severity is the detector's own: error where it is certain, warn or info where less so.
    """

    codes: tuple[str, ...]

    def subjects(self, scene: Scene) -> Iterator[str]:
        """Paths to examine, in byte order."""
        ...

    def examine(self, scene: Scene, path: str) -> Iterator[Finding]:
        """Findings in the document or manifest at ``path``, in order of lines."""
        ...


def quote(text: str) -> str:
    """A line as a finding quotes it: without margins and list marks, at most 240 characters."""
    bare = " ".join(text.strip().lstrip(">").split())
    return bare if len(bare) <= _QUOTE else bare[: _QUOTE - 1] + "…"


def short(commit: str) -> str:
    """The first seven digits of a commit id."""
    return commit[:_SHORT_COMMIT]
