"""Ignore files that a source brings along. They add denials and never admit what policy does not.

Read are ``.aiexclude``, ``.cursorignore``, ``.aiignore`` and ``.codeiumignore`` (gitignore patterns, relative to their folder;
whichever denies, wins) and ``.gitattributes``. An ``.aiexclude`` without a pattern blocks its whole folder, and ``!`` takes
nothing back in one. A file that cannot be read as text blocks its folder too: whoever put it there wanted something kept out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from contextd.filter.gitattributes import EXPORT_IGNORE, LINGUIST, Attribute, Attributes
from contextd.filter.patterns import Patterns, UnusablePattern

_DENYING = (".aiexclude", ".cursorignore", ".aiignore", ".codeiumignore")
_ATTRIBUTES = ".gitattributes"
IGNORE_FILE_NAMES = frozenset({*_DENYING, _ATTRIBUTES})
"""The names of the files that a crawl hands over as ``RepositoryIgnores``, at any depth."""

_MAX_BYTES = 1 << 20
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class RepositoryIgnores:
    """The ignore and attribute files of one listing: path of each within the source, and its bytes."""

    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an ignore file keeps a path out: the file's name, ``path:line`` (or its path) and the pattern, if one decided."""

    code: str
    rule: str
    where: str
    pattern: str


class _IgnoreFile:
    """One ignore file, ready to be asked about paths relative to its folder."""

    __slots__ = ("_blocks", "_lines", "_name", "_path", "_patterns")

    def __init__(self, path: str, name: str, data: bytes) -> None:
        self._path = path
        self._name = name
        text = _text(data)
        self._lines: list[int] = []
        lines: list[str] = []
        for number, line in enumerate((text or "").split("\n"), 1):
            pattern = line.rstrip("\r")
            if not pattern.strip() or pattern.startswith("#") or (name == ".aiexclude" and pattern.startswith("!")):
                continue
            try:
                Patterns([pattern])
            except UnusablePattern:
                continue
            lines.append(pattern)
            self._lines.append(number)
        self._patterns = Patterns(lines)
        self._blocks = text is None or (name == ".aiexclude" and not lines)

    def denies(self, relative: str) -> Denial | None:
        if self._blocks:
            return Denial("EXCL-IGNORE-FILE", self._name, self._path, "")
        index = self._patterns.match(relative)
        if index is None:
            return None
        return Denial("EXCL-IGNORE-FILE", self._name, f"{self._path}:{self._lines[index]}", self._patterns.patterns[index])


class IgnoreFiles:
    """All ignore files of a source.

    Args:
        ignores: the files; those with other names are left alone.
        export_ignore: whether the git attribute ``export-ignore`` denies as well.
    """

    def __init__(self, ignores: RepositoryIgnores, *, export_ignore: bool = False) -> None:
        self._export_ignore = export_ignore
        self._denying: dict[str, list[_IgnoreFile]] = {}
        self._attributes: dict[str, tuple[str, Attributes]] = {}
        top = next((text for path, data in ignores.files if path == _ATTRIBUTES and (text := _text(data))), "")
        macros = Attributes(top).macros
        for path, data in sorted(ignores.files):
            folder, _, name = path.rpartition("/")
            if name in _DENYING:
                self._denying.setdefault(folder, []).append(_IgnoreFile(path, name, data))
            elif name == _ATTRIBUTES:
                self._attributes[folder] = (path, Attributes(_text(data) or "", macros if folder else None))
        self._above = lru_cache(maxsize=4096)(self._above_folder)

    def denials(self, path: str) -> Iterator[Denial]:
        """Yield every denial of ``path``, from the top of the tree downwards, ignore files before attributes."""
        if not self._denying and not self._attributes:
            return
        path = path.replace("\n", "\x01")  # "." of a regular expression stops at a line feed
        folders = self._above(path.rpartition("/")[0])
        for folder in folders:
            for file in self._denying.get(folder, ()):
                denial = file.denies(_relative(path, folder))
                if denial is not None:
                    yield denial
        yield from self._attribute_denials(path, folders)

    def _attribute_denials(self, path: str, folders: tuple[str, ...]) -> Iterator[Denial]:
        if not self._attributes:
            return
        states = self._states(path, folders)
        for name in LINGUIST:
            if (found := states.get(name)) is not None:
                yield Denial("EXCL-GENERATED", f"{_ATTRIBUTES} {name}", found[0], found[1].pattern)
        if not self._export_ignore:
            return
        # git leaves a folder out of an archive with everything in it: ask for each folder on the way as well.
        steps = path.split("/")
        for count in range(1, len(steps) + 1):
            found = self._states("/".join(steps[:count]), folders).get(EXPORT_IGNORE)
            if found is not None:
                yield Denial("EXCL-IGNORE-FILE", f"{_ATTRIBUTES} {EXPORT_IGNORE}", found[0], found[1].pattern)
                return

    def _states(self, path: str, folders: tuple[str, ...]) -> dict[str, tuple[str, Attribute] | None]:
        """The attributes of ``path`` with where each was decided: the deepest file that speaks of one has the last word."""
        known: dict[str, Attribute | None] = {}
        where: dict[str, str] = {}
        for folder in reversed(folders):
            if folder in self._attributes and (not folder or path.startswith(folder + "/")):
                file, attributes = self._attributes[folder]
                attributes.decide(_relative(path, folder), known)
                where.update((name, file) for name in known.keys() - where.keys())
        return {name: None if a is None else (f"{where[name]}:{a.line}", a) for name, a in known.items()}

    def _above_folder(self, folder: str) -> tuple[str, ...]:
        """The folders that hold an ignore file and cover ``folder``, outermost first."""
        steps = folder.split("/") if folder else []
        chain = ["", *("/".join(steps[:count]) for count in range(1, len(steps) + 1))]
        return tuple(f for f in chain if f in self._denying or f in self._attributes)


def _relative(path: str, folder: str) -> str:
    return path[len(folder) + 1 :] if folder else path


def _text(data: bytes) -> str | None:
    """The text of an ignore file, with or without a byte order mark; None when it is not text or over 1 MiB."""
    if len(data) > _MAX_BYTES:
        return None
    encoding = "utf-8"
    for mark, name in _BOMS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
    text = data.decode(encoding, "replace")
    return None if "\0" in text else text
