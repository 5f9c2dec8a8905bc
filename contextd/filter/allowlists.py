"""Allow-lists of secret rules: what they match is not a secret (gitleaks semantics)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from contextd.policy.rules import Allowlist
from contextd.policy.secretrules import compile_pattern


class CompiledAllowlist:
    """One allow-list, its patterns joined into one search for each kind. Stop-words are compared without ASCII case."""

    def __init__(self, allowlist: Allowlist) -> None:
        self._all = allowlist.condition == "AND"
        self._target = allowlist.target
        self._regex = _any_of(allowlist.regexes)
        self._paths = _any_of(allowlist.paths)
        words = [re2.escape(word.encode("utf-8").lower()).decode("utf-8") for word in allowlist.stopwords]
        self._words = _any_of(tuple(words))

    def allows_path(self, path: bytes) -> bool:
        """Whether the path alone is enough to allow everything in the file."""
        if self._paths is None or (self._all and (self._regex is not None or self._words is not None)):
            return False
        return self._paths.search(path) is not None

    def looks_at_secrets(self, path: bytes) -> bool:
        """Whether ``allows`` can say yes in the file at ``path``, which ``allows_path`` does not allow as a whole."""
        if self._all and self._paths is not None and self._paths.search(path) is None:
            return False
        return self._regex is not None or self._words is not None

    def allows(self, secret: bytes, match: Any, lines: Callable[[int, int], bytes]) -> bool:  # noqa: ANN401  (re2 has no types)
        """Whether one match is allowed, in a file for which ``looks_at_secrets`` holds: by any kind given, or by all under AND.

        Args:
            secret: the bytes that would be cut out.
            match: the match as re2 gives it.
            lines: gives the lines that a start and an end stand on.
        """
        if self._words is not None and (self._words.search(secret.lower()) is not None) is not self._all:
            return not self._all
        if self._regex is None:
            return self._all
        if self._target == "line":
            return self._regex.search(lines(*match.span())) is not None
        return self._regex.search(match.group() if self._target == "match" else secret) is not None


def _any_of(patterns: tuple[str, ...]) -> Any:  # noqa: ANN401  (google-re2 publishes no types)
    """One pattern that matches where any of them does; None for none. Flags stay inside their own group."""
    return compile_pattern("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None
