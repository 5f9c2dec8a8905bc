"""Secret rules in the gitleaks TOML format, read into values.

Read: ``[[rules]]`` with ``id``, ``description``, ``regex``, ``secretGroup``, ``entropy``, ``keywords``, ``path``, ``tags`` and
allow-lists; global ``[allowlist]`` and ``[[allowlists]]``, with ``targetRules``; ``[extend]`` with ``useDefault``, since the
bundle's other files hold anyway, and ``disabledRules``. ``title``, ``description``, ``minVersion`` and ``tags`` say nothing
about what is a secret and are read past. What cannot be honoured (``commits``, ``extend.path``, rules that need other rules) is
refused, not ignored.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import re2

from contextd.policy.rules import Allowlist, SecretRule, SecretRules
from contextd.policy.tomllines import TomlLines

MAX_ENTROPY = 8.0
_At = Callable[[str], int]  # the line of a key of one table
_MEMORY = 64 << 20  # RE2's default of 8 MiB makes long alternations fall back to its slow engine
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_AT_LINE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")
_STRINGS = "a list of strings"
_TABLES = "a list of tables"
_KINDS: dict[str, tuple[type, ...]] = {
    "a string": (str,),
    "a whole number": (int,),
    "a number": (int, float),
    "a table": (dict,),
}
_TOP = {
    "title": "a string",
    "description": "a string",
    "minVersion": "a string",
    "extend": "a table",
    "rules": _TABLES,
    "allowlist": "a table",
    "allowlists": _TABLES,
}
_RULE = {
    "id": "a string",
    "description": "a string",
    "regex": "a string",
    "secretGroup": "a whole number",
    "entropy": "a number",
    "keywords": _STRINGS,
    "path": "a string",
    "tags": _STRINGS,
    "allowlist": "a table",
    "allowlists": _TABLES,
}
_ALLOW = {
    "description": "a string",
    "regexes": _STRINGS,
    "stopwords": _STRINGS,
    "paths": _STRINGS,
    "regexTarget": "a string",
    "condition": "a string",
}
_EXTEND = {"useDefault": "true or false", "disabledRules": _STRINGS}
_CONDITIONS = {"": "OR", "or": "OR", "||": "OR", "and": "AND", "&&": "AND"}
_REFUSED = {
    "commits": "commits are not read here, contents are; use paths or regexes",
    "required": "rules that need other rules are not supported; write one regex for both",
    "skipReport": "a rule that is not reported redacts nothing; remove the rule or the key",
    "path": "rules are not read from elsewhere; put that file into secrets/ itself",
    "url": "nothing is downloaded; put that file into secrets/ itself",
}


def compile_pattern(pattern: str) -> Any:  # noqa: ANN401  (google-re2 publishes no types)
    """Compile an RE2 pattern that searches bytes, one byte a character; non-ASCII literals match their UTF-8 bytes.

    Raises:
        ValueError: RE2 cannot compile it; the message says why in words.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern.encode("utf-8"), options=options)
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(_in_words(said)) from None


def parse_secret_rules(files: Sequence[tuple[str, bytes]]) -> tuple[SecretRules, list[str]]:
    """Read rule files.

    Args:
        files: name as in ``secrets/cloud.toml`` and content, in the order that decides the order of rules.

    Returns:
        The rules that are valid, in file and document order, and the problems, each ``file:line: what; mend``. A bundle with
        problems must not take effect.
    """
    readers = [_File(name, data) for name, data in files]
    problems = [problem for reader in readers for problem in reader.problems]
    rules: dict[str, SecretRule] = {}
    for rule in (rule for reader in readers for rule in reader.rules):
        if (first := rules.get(rule.id)) is not None:
            what = f'the id "{rule.id}" is taken by {first.file}:{first.line}; give one of the two another id'
            problems.append(f"{rule.file}:{rule.line}: {what}")
        else:
            rules[rule.id] = rule
    known = frozenset(rules)
    for reader in readers:
        for place, target, allowlist in reader.targeted:
            if target in known:
                rules[target] = replace(rules[target], allowlists=(*rules[target].allowlists, allowlist))
            else:
                problems.append(f'{place}: targetRules names "{target}", which is no rule; correct the name or remove it')
    for reader in readers:
        for place, disabled in reader.disabled:
            if disabled not in known:
                problems.append(f'{place}: disabledRules names "{disabled}", which is no rule; correct the name or remove it')
            rules.pop(disabled, None)
    everywhere = tuple(allowlist for reader in readers for allowlist in reader.allowlists)
    return SecretRules(tuple(rules.values()), everywhere), problems


class _File:
    """One file: what it says, and what is wrong with it."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self.problems: list[str] = []
        self.rules: list[SecretRule] = []
        self.allowlists: list[Allowlist] = []
        self.targeted: list[tuple[str, str, Allowlist]] = []
        self.disabled: list[tuple[str, str]] = []
        try:
            source = data.decode("utf-8").replace("\r\n", "\n")
            tables = tomllib.loads(source)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._problem(line, "the file is not UTF-8; save it as UTF-8")
            return
        except tomllib.TOMLDecodeError as error:
            found = _AT_LINE.search(str(error))
            line = int(found.group(1)) if found and found.group(1) else data.count(b"\n") + 1
            self._problem(line, f"not valid TOML: {_AT_LINE.sub('', str(error)).strip()}; mend the syntax")
            return
        self._lines = TomlLines(source)
        self._read(tables)

    def _problem(self, line: int, what: str) -> None:
        self.problems.append(f"{self._name}:{line}: {what}")

    def _read(self, tables: dict[str, Any]) -> None:
        top = self._fields(tables, _TOP, self._at("", 0))
        if "extend" in top:
            at = self._at("extend", 0)
            disabled = self._fields(top["extend"], _EXTEND, at).get("disabledRules", ())
            self.disabled = [(f"{self._name}:{at('disabledRules')}", rule) for rule in disabled]
        if "allowlist" in top:
            self._global(top["allowlist"], self._at("allowlist", 0))
        for place, table in enumerate(top.get("allowlists", [])):
            self._global(table, self._at("allowlists", place))
        for place, table in enumerate(top.get("rules", [])):
            self._rule(table, place)

    def _at(self, header: str, place: int) -> _At:
        return partial(self._lines.of, header, place)

    def _fields(self, table: dict[str, Any], shape: dict[str, str], at: _At) -> dict[str, Any]:
        """The keys of ``table`` that are known and of the right kind; a problem for each that is not."""
        good = {}
        for key, value in table.items():
            if key in shape and _is(value, shape[key]):
                good[key] = value
            elif key in shape:
                self._problem(at(key), f"{key} must be {shape[key]}; correct it")
            elif key in _REFUSED:
                self._problem(at(key), f"{key}: {_REFUSED[key]}")
            else:
                self._problem(at(key), f'unknown key "{key}"; known here are {", ".join(shape)}')
        return good

    def _global(self, table: dict[str, Any], at: _At) -> None:
        targets = table.get("targetRules", [])
        if not _is(targets, _STRINGS):
            self._problem(at("targetRules"), f"targetRules must be {_STRINGS}; correct it")
            return
        allowlist = self._allowlist({key: value for key, value in table.items() if key != "targetRules"}, at)
        if allowlist is not None and targets:
            self.targeted += [(f"{self._name}:{at('targetRules')}", target, allowlist) for target in targets]
        elif allowlist is not None:
            self.allowlists.append(allowlist)

    def _rule(self, table: dict[str, Any], place: int) -> None:
        before = len(self.problems)
        at = self._at("rules", place)
        fields = self._fields(table, _RULE, at)

        def problem(key: str, what: str) -> None:
            self._problem(at(key), what)

        name = fields.get("id", "")
        if table.get("id", "") == "":
            problem("id", "the rule has no id; name it, for example acme-token")
        elif name and not _ID.match(name):
            problem("id", f'the id "{name}" may hold letters, digits, ".", "_" and "-" only, at most 100; rename the rule')
        regex, path = fields.get("regex", ""), fields.get("path", "")
        if not regex and not path:
            problem("id", f'the rule "{name}" has neither regex nor path; say what it looks for')
        groups = self._groups(regex, at("regex"))
        self._compiles(path, "path", at("path"))
        group = fields.get("secretGroup", 0)
        if group < 0 or (regex and groups is not None and group > groups):
            problem("secretGroup", f"secretGroup is {group}, the regex has {groups or 0} groups; correct the number")
        entropy = float(fields.get("entropy", 0.0))
        if not 0.0 <= entropy <= MAX_ENTROPY:
            problem("entropy", f"entropy is {entropy:g}, outside 0 to {MAX_ENTROPY:g} bits a character; correct it")
        allowlists = self._rule_allowlists(fields, place)
        if len(self.problems) == before:
            self.rules.append(
                SecretRule(
                    id=name,
                    description=fields.get("description", ""),
                    regex=regex,
                    secret_group=group,
                    entropy=entropy,
                    keywords=tuple(word for word in fields.get("keywords", ()) if word),
                    path=path,
                    allowlists=tuple(allowlists),
                    file=self._name,
                    line=at("id"),
                )
            )

    def _groups(self, regex: str, line: int) -> int | None:
        """How many groups the rule's regex has; None, with a problem, when it cannot serve."""
        compiled = self._compiles(regex, "regex", line)
        if compiled is None:
            return None
        if regex and compiled.search(b"") is not None:
            self._problem(line, "regex matches the empty text, so it matches everywhere; make it ask for something")
            return None
        return int(compiled.groups)

    def _compiles(self, pattern: str, what: str, line: int) -> Any:  # noqa: ANN401  (google-re2 publishes no types)
        try:
            return compile_pattern(pattern)
        except ValueError as error:
            self._problem(line, f"{what} is not RE2 syntax: {error}; rewrite it")
            return None

    def _rule_allowlists(self, fields: dict[str, Any], place: int) -> list[Allowlist]:
        found = []
        for key in ("allowlist", "allowlists"):
            tables = [fields[key]] if key == "allowlist" and key in fields else fields.get(key, [])
            places = list(self._lines.within(f"rules.{key}", "rules", place))
            inline = self._lines.of("rules", place, key)
            for number, table in enumerate(tables):
                at = self._at(f"rules.{key}", places[number]) if number < len(places) else lambda _key, line=inline: line
                allowlist = self._allowlist(table, at)
                found += [allowlist] if allowlist is not None else []
        return found

    def _allowlist(self, table: dict[str, Any], at: _At) -> Allowlist | None:
        before = len(self.problems)
        fields = self._fields(table, _ALLOW, at)
        kinds = {key: tuple(fields.get(key, ())) for key in ("regexes", "stopwords", "paths")}
        if len(self.problems) == before and not any(kinds.values()):
            self._problem(at(""), "the allow-list allows nothing; give it regexes, stopwords or paths, or remove it")
        for key, values in kinds.items():
            for value in values:
                if not value:
                    self._problem(at(key), f"{key} holds an empty text, which allows everything; remove it")
                elif key != "stopwords":
                    self._compiles(value, key, at(key))
        condition = _CONDITIONS.get(fields.get("condition", "").lower())
        if condition is None:
            self._problem(at("condition"), "condition must be OR or AND; correct it")
        target = fields.get("regexTarget", "") or "secret"
        if target not in {"secret", "match", "line"}:
            self._problem(at("regexTarget"), "regexTarget must be secret, match or line; correct it")
        if condition is None or len(self.problems) > before:
            return None
        return Allowlist(kinds["regexes"], kinds["stopwords"], kinds["paths"], target, condition)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, list):
        return kind in {_STRINGS, _TABLES} and all(isinstance(item, str if kind == _STRINGS else dict) for item in value)
    if isinstance(value, bool):
        return kind == "true or false"
    return isinstance(value, _KINDS.get(kind, ()))


def _in_words(said: str) -> str:
    """RE2's message, with what it means where it is one of the usual surprises."""
    if re.search(r"perl operator: \(\?<?[=!]", said):
        return f"{said} (RE2 has no lookahead and no lookbehind)"
    if "perl operator: (?>" in said or "bad repetition operator" in said:
        return f"{said} (RE2 has no atomic groups and no possessive repetition)"
    if re.search(r"invalid escape sequence: \\\d", said):
        return f"{said} (RE2 has no back-references)"
    return said
