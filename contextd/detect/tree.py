"""The tree that documents speak of: which paths exist, by what part of their name, and which are never committed."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from pathspec import GitIgnoreSpec

from contextd.model.finding import Corpus

_PAGE_SUFFIXES: Final = (".md", ".mdx", ".markdown", ".rst", ".adoc", ".asciidoc", ".ipynb")
_INDEX_PAGES: Final = ("index", "README", "readme", "_index")


class Tree:
    """Every listed path of a corpus, excluded ones included, as files and as the folders that they make."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.files = frozenset(corpus.paths())
        folders: set[str] = set()
        by_name: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.files:
            by_name[path.rpartition("/")[2]].append(path)
            parent = path.rpartition("/")[0]
            while parent and parent not in folders:
                folders.add(parent)
                by_name[parent.rpartition("/")[2]].append(parent)
                parent = parent.rpartition("/")[0]
        self.folders = frozenset(folders)
        self._by_name = dict(by_name)

    def has(self, path: str) -> bool:
        """Whether ``path`` is a file, a folder, or below something whose inside is not listed (a submodule, a link)."""
        if not path or path in self.files or path in self.folders:
            return True
        return any(str(parent) in self.files for parent in PurePosixPath(path).parents)

    def has_suffix(self, path: str) -> bool:
        """Whether some file or folder ends in ``path`` by whole segments: ``retry.py`` for ``src/retry.py``."""
        return bool(self.ending_in(path))

    def ending_in(self, path: str) -> list[str]:
        """Files and folders that end in ``path`` by whole segments, in byte order."""
        ending = f"/{path}"
        return sorted(found for found in self._by_name.get(path.rpartition("/")[2], ()) if f"/{found}".endswith(ending))

    def has_page(self, path: str) -> bool:
        """Whether a site generator would serve a document at ``path``: ``guide`` or ``guide.html`` for ``guide.md``."""
        stem = path.removesuffix(".html").removesuffix("/")
        if self.has(stem):
            return True
        if any(stem + suffix in self.files for suffix in _PAGE_SUFFIXES):
            return True
        return any(f"{stem}/{index}{suffix}" in self.files for index in _INDEX_PAGES for suffix in _PAGE_SUFFIXES)

    def is_never_committed(self, path: str) -> bool:
        """Whether a ``.gitignore`` of this tree, as far as it was admitted, keeps ``path`` out of it.

        One file's patterns decide for what lies below it; a nearer file that says otherwise is not weighed, so this errs
        towards yes.
        """
        return any(
            path.startswith(folder) and spec.match_file(path.removeprefix(folder)) for folder, spec in self._ignore_files
        )

    @cached_property
    def _ignore_files(self) -> tuple[tuple[str, GitIgnoreSpec], ...]:
        found = []
        for path in sorted(self._by_name.get(".gitignore", ())):
            text = self._corpus.text(path)
            if text is None:
                continue
            patterns = [line for line in text.decode("utf-8", "replace").splitlines() if _is_pattern(line)]
            found.append((path.removesuffix(".gitignore"), GitIgnoreSpec.from_lines(patterns)))
        return tuple(found)


def _is_pattern(line: str) -> bool:
    """Whether a line of a ``.gitignore`` is a pattern that can be read; git ignores the others too."""
    return bool(line.strip()) and not line.startswith("#") and line.strip() not in {"!", "/", "\\"} and not line.endswith("\\")


def folder_of(path: str) -> str:
    """The folder of ``path``, empty for the root."""
    return path.rpartition("/")[0]


def joined(folder: str, target: str) -> str | None:
    """``target`` as seen from ``folder``, normalized and without a trailing slash; None when it leaves the tree."""
    parts: list[str] = [] if not folder else folder.split("/")
    for part in target.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def relative(folder: str, target: str) -> str:
    """How a document in ``folder`` names the path ``target`` in a link: the inverse of ``joined``."""
    here = folder.split("/") if folder else []
    there = target.split("/")
    shared = 0
    while shared < min(len(here), len(there) - 1) and here[shared] == there[shared]:
        shared += 1
    return "/".join([".."] * (len(here) - shared) + there[shared:])
