"""gitignore patterns that say which of them decided.

Matching is pathspec's reading of gitignore (https://git-scm.com/docs/gitignore) on RE2, whose time is linear in the path
whatever a pattern looks like. RE2 sets answer "no match" when their memory runs out, so that long lists are cut into sets far
below that point.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence

import re2
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_MAX_PATTERNS = 200
_MAX_CHARACTERS = 8_000
_LONGEST_PATTERN = 1_024
# POSIX classes, which git knows inside brackets and pathspec does not.
_CLASSES = {
    "[:alnum:]": "a-zA-Z0-9",
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:xdigit:]": "0-9a-fA-F",
    "[:space:]": " \\t",
    "[:punct:]": "!-.:-@^-`{-~",
}


class UnusablePattern(ValueError):
    """A line that is not a gitignore pattern; ``index`` says which one of the list."""

    def __init__(self, pattern: str, index: int) -> None:
        super().__init__(f"{pattern!r} is not a gitignore pattern")
        self.pattern = pattern
        self.index = index


class Patterns:
    """A list of gitignore patterns, in order; the last that matches a path decides, and ``!`` takes back.

    Args:
        patterns: one gitignore pattern each; blank ones and comments match nothing.

    Raises:
        UnusablePattern: a pattern that gitignore has no meaning for, or one of more than 1,024 characters.
    """

    __slots__ = ("_sets", "patterns")

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        compiled = [_compiled(pattern, index) for index, pattern in enumerate(self.patterns)]
        self._sets = tuple((first, GitIgnoreSpec(run, backend="re2")) for first, run in _cut(compiled))

    def match(self, path: str) -> int | None:
        """Return the index of the pattern that takes ``path`` in, or None when none does or a later one takes it back."""
        if "\n" in path:
            # "." of a regular expression stops at a line feed, and a pattern never holds one.
            path = path.replace("\n", "\x01")
        for first, spec in reversed(self._sets):
            result = spec.check_file(path)
            if result.index is not None:
                return first + result.index if result.include else None
        return None


def _compiled(pattern: str, index: int) -> GitIgnoreSpecPattern:
    if len(pattern) > _LONGEST_PATTERN:
        raise UnusablePattern(pattern[:40] + "…", index)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "[[" is plain in gitignore, and may not stay so in re
            read = GitIgnoreSpecPattern(with_classes(pattern))
        if read.regex is not None:
            re2.compile(read.regex.pattern)
    except (ValueError, re.error, re2.error) as error:
        raise UnusablePattern(pattern, index) from error
    return read


def with_classes(pattern: str) -> str:
    """Write out the POSIX classes of a pattern: ``[[:digit:]]`` becomes ``[0-9]``."""
    if "[:" in pattern:
        for name, members in _CLASSES.items():
            pattern = pattern.replace(name, members)
    return pattern


def _cut(compiled: list[GitIgnoreSpecPattern]) -> Iterator[tuple[int, list[GitIgnoreSpecPattern]]]:
    """Yield runs of patterns that one RE2 set holds with room to spare, each with the index of its first."""
    first, size = 0, 0
    run: list[GitIgnoreSpecPattern] = []
    for index, pattern in enumerate(compiled):
        length = len(pattern.regex.pattern) if pattern.regex is not None else 0
        if run and (len(run) == _MAX_PATTERNS or size + length > _MAX_CHARACTERS):
            yield first, run
            first, run, size = index, [], 0
        run.append(pattern)
        size += length
    if run:
        yield first, run
