"""JSON with line numbers: the standard library parses it but does not say where a value stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from contextd.manifests.manifest import ManifestError

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]', re.DOTALL)


def load(path: str, text: str) -> Mapping[str, Any]:
    """Parse a JSON object (RFC 8259); ManifestError with the line where it is not one."""
    try:
        root = json.loads(text)
    except RecursionError as error:
        raise ManifestError(path, 1, "JSON nested less deeply") from error
    except json.JSONDecodeError as error:
        raise ManifestError(path, error.lineno, f"JSON ({error.msg})") from error
    except ValueError as error:
        raise ManifestError(path, 1, f"JSON ({error})") from error
    if not isinstance(root, dict):
        raise ManifestError(path, 1, "a JSON object")
    return root


def lines(text: str, depth: int) -> dict[tuple[str, ...], int]:
    """The line of every key down to ``depth`` levels of objects, by its path, in a text that ``load`` has accepted.

    Objects within arrays are passed over. A key that is given twice has the line of its last, which is the one that holds.
    """
    found: dict[tuple[str, ...], int] = {}
    path: list[str | None] = []  # the key last seen in each open object; None for an array
    line, string, string_line = 1, "", 1
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece == "\n":
            line += 1
        elif piece in "{[":
            path.append("" if piece == "{" else None)
        elif piece in "}]":
            path.pop()
        elif piece == ":":
            path[-1] = string
            keys = tuple(key for key in path if key is not None)
            if len(keys) == len(path) <= depth:
                found[keys] = string_line
        elif piece[0] == '"':
            string, string_line = (json.loads(piece) if "\\" in piece else piece[1:-1]), line
    return found
