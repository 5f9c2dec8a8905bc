"""What a command prints: the answer on stdout, everything else on stderr, in the format that was asked for."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from contextd.cli.options import Globals
from contextd.model.errors import Unavailable

_WORDS = {"ok": "green", "pass": "green", "warn": "yellow", "FAIL": "red", "refused": "red", "stale": "yellow", "error": "red"}
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *_BIDI, *range(0xD800, 0xE000))}
_BYTE, _BMP = 0xFF, 0xFFFF
_PLAIN = str.maketrans({"→": "->", "…": "...", "━": "#", "╸": "#", "·": "|"})


def printable(text: str, keep: str = "") -> str:
    r"""Text that came from outside, for one line: control and bidirectional characters are written ``\x1b``, ``\u202e``.

    Those in ``keep`` stay: a line feed or a tab where the text may have lines of its own.
    """
    return "".join(c if c in keep or (c.isprintable() and ord(c) not in _BIDI) else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> list[str]:
    """Rows as aligned columns, two spaces apart, nothing cut."""
    lines = [list(header), *map(list, rows)] if header else [list(row) for row in rows]
    if not lines:
        return []
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


class OutputUnwritable(Unavailable):
    """The file that the answer was to go to cannot be written."""


class Output:
    """Where a command's words go. ``text`` and ``document`` are the answer; ``note`` is not."""

    def __init__(self, options: Globals) -> None:
        self.options = options
        self.file = options.output
        self.pages = False
        self.lines: list[str] = []
        self._notes: list[str] = []
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        self.unicode = encoding.startswith("utf")

    @property
    def json(self) -> bool:
        """Whether the answer is to be JSON."""
        return self.options.format in {"json", "jsonl"}

    def text(self, lines: str | Iterable[str]) -> None:
        """Add lines to the answer, unless JSON was asked for."""
        if not self.json:
            self.lines += [lines] if isinstance(lines, str) else lines

    def document(self, name: str, body: Mapping[str, Any]) -> None:
        """Make this JSON document the answer, under its schema, when JSON was asked for."""
        if self.json:
            indent = 2 if self.options.format == "json" else None
            whole = {"schema": f"contextd.dev/{name}/v1", **body}
            text = json.dumps(whole, indent=indent, ensure_ascii=not self.unicode)
            self.lines.append(text.translate(_JSON_ESCAPES))

    def listing(self, name: str, items: Sequence[Mapping[str, Any]], lines: Iterable[str]) -> None:
        """The answer of a list: lines, one JSON document that holds the items, or one document a line."""
        self.text(lines)
        if self.options.format == "jsonl":
            for item in items:
                self.document(name, item)
        else:
            self.document(f"{name}-list", {f"{name.replace('-', '_')}s": list(items)})

    def note(self, text: str) -> None:
        """Say something beside the answer, on stderr, unless told to be quiet: after the answer where one has begun."""
        if self.options.quiet:
            return
        if self.lines:
            self._notes.append(text)
        else:
            sys.stderr.write(self._plain(text) + "\n")

    def close(self) -> None:
        """Write the answer out: to the file that was named (atomically), through a pager where ``pages`` says so, or to stdout.

        Raises:
            OutputUnwritable: the file cannot be written; what it held before it still holds.
        """
        text = "".join(f"{self._plain(line)}\n" for line in self.lines)
        self.lines = []
        file, self.file = self.file, None
        if file is not None:
            _write_atomically(file, text)
        elif self.pages and self._is_long(text):
            self._page(text)
        else:
            self._print(text)
        sys.stderr.writelines(self._plain(note) + "\n" for note in self._notes)
        self._notes = []

    def _plain(self, text: str) -> str:
        if self.unicode:
            return text.encode("utf-8", "backslashreplace").decode()
        return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode()

    def _print(self, text: str) -> None:
        if not self._coloured():
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        from rich.console import Console
        from rich.text import Text

        shown = Text(text, end="")
        for word, style in _WORDS.items():
            shown.highlight_regex(rf"(?m)^\s*{word}\b", style)
        Console(force_terminal=True, highlight=False, soft_wrap=True).print(shown, end="")

    def _coloured(self) -> bool:
        if self.json or self.options.color == "never" or self.options.format == "tool":
            return False
        if self.options.color == "always":
            return True
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def _is_long(self, text: str) -> bool:
        if self.options.no_pager or not (sys.stdout.isatty() and sys.stdin.isatty()):
            return False
        return text.count("\n") >= shutil.get_terminal_size().lines

    def _page(self, text: str) -> None:
        command = os.environ.get("CONTEXTD_PAGER") or os.environ.get("PAGER") or "less -FRX"
        try:
            subprocess.run(shlex.split(command), input=text, text=True, check=False)
        except OSError:
            self._print(text)


def _write_atomically(path: Path, text: str) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
            try:
                file.write(text)
                file.flush()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink()
                raise
    except OSError as error:
        raise OutputUnwritable(
            f"cannot write {path}: {error.strerror}; what it held before it still holds",
            hint=f"check that its folder is there and yours: ls -ld {path.parent}",
        ) from error
