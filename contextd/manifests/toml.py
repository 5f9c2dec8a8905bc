"""TOML with line numbers: the standard library parses it but does not say where a value stands."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import Any

from contextd.manifests.manifest import ManifestError

Table = Mapping[str, Any]

_AT_LINE = re.compile(r"at line (\d+)")


def load(path: str, text: str) -> Table:
    """Parse TOML 1.0; ManifestError with the line where it is not."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ManifestError(path, 1, "TOML nested less deeply") from error
    except ValueError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise ManifestError(path, line, f"TOML ({str(error).partition(' (at ')[0]})") from error


def table(value: object) -> Table:
    """``value`` when it is a table, an empty one otherwise: a key of another type declares nothing."""
    return value if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    """The strings of an array; empty when it is none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def string(value: object) -> str:
    """``value`` when it is a string, empty otherwise."""
    return value if isinstance(value, str) else ""


@dataclass(slots=True)
class Places:
    """Where keys stand: by dotted path the line of the key, and the lines of the strings directly in its array."""

    keys: dict[tuple[str, ...], int] = field(default_factory=dict)
    items: defaultdict[tuple[str, ...], list[int]] = field(default_factory=lambda: defaultdict(list))

    def line(self, *key: str) -> int:
        """The line of a key or table, or of the nearest table above it that is written; 1 when none is."""
        while key and key not in self.keys:
            key = key[:-1]
        return self.keys.get(key, 1)

    def item(self, index: int, *key: str) -> int:
        """The line of the string with that index in the array ``key``."""
        lines = self.items.get(key, [])
        return lines[index] if index < len(lines) else self.line(*key)


_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|\n|[\[\]{}=,.]|[^\s"\'#\[\]{}=,.]+',
    re.DOTALL,
)


def places(text: str) -> Places:
    """Find the places of all keys of a text that ``load`` has accepted. Keys directly within inline tables are found too."""
    found = Places()
    here: tuple[str, ...] = ()
    for pieces in _statements(text):
        left = [piece for piece, _ in takewhile(lambda pair: pair[0] != "=", pieces)]
        value = pieces[len(left) + 1 :]
        line = pieces[0][1]
        if left[0] == "[":
            here = _key(left)
            found.keys.setdefault(here, line)
            continue
        key = here + _key(left)
        for end in range(len(here) + 1, len(key) + 1):
            found.keys.setdefault(key[:end], line)
        if value[0][0] == "[":
            found.items[key] = list(_items(value))
        elif value[0][0] == "{":
            for (name, at_line), (sign, _) in pairwise(value):
                if sign == "=":
                    found.keys.setdefault((*key, _bare(name)), at_line)
    return found


def _statements(text: str) -> Iterator[list[tuple[str, int]]]:
    """Pieces with their lines, by statement: a header or one ``key = value`` that may go over several lines."""
    statement: list[tuple[str, int]] = []
    depth, line = 0, 1
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece == "\n" and depth == 0 and statement:
            yield statement
            statement = []
        elif piece != "\n" and not piece.startswith("#"):
            depth += (piece in "[{") - (piece in "]}")
            statement.append((piece, line))
        line += piece.count("\n")
    if statement:
        yield statement


def _items(value: list[tuple[str, int]]) -> Iterator[int]:
    depth = 0
    for piece, line in value:
        depth += (piece in "[{") - (piece in "]}")
        if depth == 1 and piece[0] in "\"'":
            yield line


def _key(pieces: Iterable[str]) -> tuple[str, ...]:
    return tuple(_bare(piece) for piece in pieces if piece not in {"[", "]", "."})


def _bare(piece: str) -> str:
    return piece[1:-1] if piece[0] in "\"'" and len(piece) > 1 else piece
