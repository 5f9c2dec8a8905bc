"""Find secrets: hyperscan says which rules can match at all, google-re2 finds the matches, entropy and allow-lists judge them.

What is found is what re2 alone would find, rule by rule, left to right without overlap (gitleaks semantics: keywords are looked
for in the whole file without regard to case; a secret below a rule's entropy is none; allow-lists of the rule and of the bundle
are applied last). For each rule every step is linear in the text, whatever the text holds, as long as the rule's regex does not
look past its match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hyperscan

from contextd.filter.allowlists import CompiledAllowlist
from contextd.filter.entropy import shannon
from contextd.filter.secretdb import candidate_database
from contextd.policy.rules import SecretRule, SecretRules
from contextd.policy.secretrules import compile_pattern


@dataclass(frozen=True, slots=True)
class SecretHit:
    """A secret that was found: the rule's id, and the bytes ``start`` to ``end`` of the text (the rule's secret group)."""

    rule: str
    start: int
    end: int


class SecretScanner:
    """All secret rules of a bundle, ready to search. Safe for use by several threads at once.

    Args:
        rules: valid rules, as ``parse_secret_rules`` returns them without problems.
        cache_dir: a directory of this user's for the compiled form; None compiles anew in each process.
    """

    def __init__(self, rules: SecretRules, cache_dir: Path | None = None) -> None:
        everywhere = [CompiledAllowlist(allowlist) for allowlist in rules.allowlists]
        self._everywhere = everywhere
        self._rules = [_Rule(rule, everywhere) for rule in rules.rules]
        self._on_paths = [rule for rule in self._rules if not rule.regex]
        self._candidates = candidate_database([rule.regex for rule in rules.rules], cache_dir)

    def find(self, path: str, data: bytes) -> list[SecretHit]:
        """Every secret in a file, sorted by start, end and rule, each once. Never raises, whatever the bytes.

        Args:
            path: the file's path within its source, for rules and allow-lists that look at it.
            data: the file's content, in any encoding.
        """
        name = _path_bytes(path)
        if not data or any(allowlist.allows_path(name) for allowlist in self._everywhere):
            return []
        text = _Text(data)
        hits = {hit for index in self._possible(data) for hit in self._rules[index].find(name, text)}
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.rule))

    def path_hit(self, path: str) -> str | None:
        """The id of the first rule without a regex whose path matches and is not allowed; None when there is none."""
        name = _path_bytes(path)
        return next((rule.id for rule in self._on_paths if rule.holds_for(name)), None)

    def _possible(self, data: bytes) -> list[int]:
        try:
            indexes = self._candidates.indexes(data)
        except hyperscan.error:  # too long for it: every rule is tried
            indexes = set(range(len(self._rules)))
        return [index for index in sorted(indexes) if self._rules[index].regex]


class _Text:
    """One text, with what is needed at most once: its lower-case form and the lines last looked at."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._lower: bytes | None = None
        self._lines = (0, -1)
        self._between = b""

    @property
    def lower(self) -> bytes:
        if self._lower is None:
            self._lower = self.data.lower()
        return self._lower

    def lines(self, start: int, end: int) -> bytes:
        """The lines on which ``start`` to ``end`` stand, without the last line end.

        Matches come from left to right, so the lines of the last one are kept: a long line is found and copied once.
        """
        first, last = self._lines
        if not first <= start <= end <= last:
            first = self.data.rfind(b"\n", 0, start) + 1
            last = self.data.find(b"\n", end)
            last = len(self.data) if last < 0 else last
            self._lines = (first, last)
            self._between = self.data[first:last]
        return self._between


class _Rule:
    """One rule; its regex is compiled when a text first needs it."""

    def __init__(self, rule: SecretRule, everywhere: list[CompiledAllowlist]) -> None:
        self.id = rule.id
        self.regex = rule.regex
        self._group = rule.secret_group
        self._entropy = rule.entropy
        self._keywords = [keyword.encode("utf-8").lower() for keyword in rule.keywords]
        self._path = compile_pattern(rule.path) if rule.path else None
        self._everywhere = everywhere
        self._own = rule.allowlists
        self._compiled: tuple[Any, list[CompiledAllowlist]] | None = None

    def holds_for(self, path: bytes) -> bool:
        """Whether the rule looks at the file at ``path``."""
        if self._path is not None and self._path.search(path) is None:
            return False
        allowlists = self._ready()[1]
        return not any(allowlist.allows_path(path) for allowlist in allowlists)

    def find(self, path: bytes, text: _Text) -> Iterator[SecretHit]:
        if not self.holds_for(path) or (self._keywords and not any(keyword in text.lower for keyword in self._keywords)):
            return
        pattern, allowlists = self._ready()
        allowlists = [allowlist for allowlist in allowlists if allowlist.looks_at_secrets(path)]
        for match in pattern.finditer(text.data):
            start, end = self._secret(match)
            secret = text.data[start:end]
            if not secret or (self._entropy and shannon(secret) < self._entropy):
                continue
            if not any(allowlist.allows(secret, match, text.lines) for allowlist in allowlists):
                yield SecretHit(self.id, start, end)

    def _ready(self) -> tuple[Any, list[CompiledAllowlist]]:
        if self._compiled is None:
            own = [CompiledAllowlist(allowlist) for allowlist in self._own]
            self._compiled = (compile_pattern(self.regex), [*own, *self._everywhere])
        return self._compiled

    def _secret(self, match: Any) -> tuple[int, int]:  # noqa: ANN401  (google-re2 publishes no types)
        """The rule's group; without one the first group that is not empty; failing that the whole match."""
        groups = (self._group,) if self._group else range(1, match.re.groups + 1)
        for group in groups:
            start, end = match.span(group)
            if end > start:
                return start, end
        return match.span(0)  # type: ignore[no-any-return]  # google-re2 publishes no types


def _path_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogatepass")
