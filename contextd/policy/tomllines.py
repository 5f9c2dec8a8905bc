"""Where things stand in a TOML source: ``tomllib`` gives values without lines, and an error without a line helps nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What a header or a key must not be read from: multi-line strings (up to two quotes may end one), strings, comments.
_OPAQUE = re.compile(
    r"""'{3}.*?'{3,5} | "{3}(?:\\.|[^\\])*?"{3,5} | '[^'\n]*' | "(?:\\.|[^"\\\n])*" | \#[^\n]*""",
    re.DOTALL | re.VERBOSE,
)
_HEADER = re.compile(r"^\s*\[\[?([^\[\]]+)\]\]?")
_KEY = re.compile(r"^\s*([\w-]+)\s*=")


class TomlLines:
    """Lines of the headers and keys of one TOML source that is known to parse.

    A table is named by its dotted header as written without spaces (``rules``, ``rules.allowlists``, ``""`` for the top).
    Its place is how often that header was seen before, from 0. Inline tables have the line of the key that holds them.
    """

    def __init__(self, source: str) -> None:
        blank = _OPAQUE.sub(lambda found: re.sub(r"[^\n]", "_", found.group()), source)
        self._headers: dict[str, list[int]] = {"": [0]}
        self._keys: dict[tuple[str, int], dict[str, int]] = {}
        table, place = "", 0
        for number, line in enumerate(blank.split("\n"), start=1):
            if header := _HEADER.match(line):
                table = header.group(1).replace(" ", "")
                seen = self._headers.setdefault(table, [])
                place = len(seen)
                seen.append(number)
            elif key := _KEY.match(line):
                self._keys.setdefault((table, place), {}).setdefault(key.group(1), number)

    def of(self, table: str, place: int = 0, key: str = "") -> int:
        """The line, from 1, of ``key`` in the ``place``-th ``table``.

        Failing that, of the first header of a table by that name within it, of the table's own header, or line 1.
        """
        seen = self._headers.get(table, [])
        if place >= len(seen):
            return self._keys.get(("", 0), {}).get(table, 1)
        line = self._keys.get((table, place), {}).get(key)
        if line is None:
            below = f"{table}.{key}" if table else key
            line = next((self._headers[below][index] for index in self.within(below, table, place)), seen[place])
        return max(line, 1)

    def within(self, table: str, outer: str, place: int) -> Iterator[int]:
        """Places of the headers ``table`` that stand below the ``place``-th header ``outer`` and above the next one."""
        bounds = self._headers.get(outer, [])
        if place >= len(bounds):
            return
        start = bounds[place]
        end = bounds[place + 1] if place + 1 < len(bounds) else float("inf")
        yield from (index for index, line in enumerate(self._headers.get(table, [])) if start < line < end)
