"""Secret rules in the gitleaks format: what is read, and every kind of mistake with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.rules import Allowlist, SecretRule, SecretRules
from contextd.policy.secretrules import compile_pattern, parse_secret_rules
from contextd.policy.tomllines import TomlLines


def parse(*sources: str) -> tuple[SecretRules, list[str]]:
    return parse_secret_rules([(f"secrets/{number}.toml", source.encode()) for number, source in enumerate(sources)])


FULL = """\
title = "Acme's rules"
minVersion = "v8.25.0"

[extend]
useDefault = true

[[allowlists]]
description = "everywhere"
paths = ['^vendor/']

[[rules]]
id = "acme-token"
description = "Acme token"
regex = '''(?i)acme_([a-z0-9]{8})(x)'''   # [[rules]] in a comment
secretGroup = 1
entropy = 3
keywords = ["acme", "ACME_"]
path = '''\\.env$'''
tags = ["acme"]
  [[rules.allowlists]]
  description = "samples"
  regexTarget = "line"
  condition = "AND"
  regexes = ['''sample''']
  stopwords = ["example"]
  paths = ["docs/"]
  [[rules.allowlists]]
  stopwords = ["[[rules]]"]

[[rules]]
id = "acme-file"
path = '''acme\\.key$'''
[rules.allowlist]
paths = ["tests/"]
"""


def test_everything_that_a_rule_can_say() -> None:
    rules, problems = parse(FULL)
    assert problems == []
    assert rules == SecretRules(
        rules=(
            SecretRule(
                id="acme-token",
                description="Acme token",
                regex="(?i)acme_([a-z0-9]{8})(x)",
                secret_group=1,
                entropy=3.0,
                keywords=("acme", "ACME_"),
                path=r"\.env$",
                allowlists=(
                    Allowlist(("sample",), ("example",), ("docs/",), "line", "AND"),
                    Allowlist(stopwords=("[[rules]]",)),
                ),
                file="secrets/0.toml",
                line=12,
            ),
            SecretRule(
                "acme-file",
                "",
                "",
                path=r"acme\.key$",
                allowlists=(Allowlist(paths=("tests/",)),),
                file="secrets/0.toml",
                line=31,
            ),
        ),
        allowlists=(Allowlist(paths=("^vendor/",)),),
    )


def rule(extra: str, name: str = "a", regex: str = "regex = 'abc'") -> str:
    return f'[[rules]]\nid = "{name}"\n{regex}\n{extra}\n'


def test_rules_keep_the_order_of_files_and_documents() -> None:
    rules, _ = parse(rule("", "z") + rule("", "y"), rule("", "a"))
    assert [(found.id, found.file, found.line) for found in rules.rules] == [
        ("z", "secrets/0.toml", 2),
        ("y", "secrets/0.toml", 6),
        ("a", "secrets/1.toml", 2),
    ]


@pytest.mark.parametrize(("condition", "read"), [("or", "OR"), ("||", "OR"), ("", "OR"), ("And", "AND"), ("&&", "AND")])
def test_conditions(condition: str, read: str) -> None:
    rules, problems = parse(rule(f"[rules.allowlist]\npaths = ['x']\nregexTarget = ''\ncondition = '{condition}'"))
    assert problems == []
    assert rules.rules[0].allowlists == (Allowlist(paths=("x",), condition=read),)


def test_a_global_allow_list_for_some_rules_goes_to_them() -> None:
    rules, problems = parse(rule("", "a"), rule("", "b"), "[[allowlists]]\ntargetRules = ['b']\nstopwords = ['w']")
    assert problems == []
    assert [found.allowlists for found in rules.rules] == [(), (Allowlist(stopwords=("w",)),)]
    assert rules.allowlists == ()


def test_disabled_rules_leave_the_bundle() -> None:
    rules, problems = parse(rule("", "a") + rule("", "b"), "[extend]\nuseDefault = true\ndisabledRules = ['a']")
    assert problems == []
    assert [found.id for found in rules.rules] == ["b"]


def test_an_empty_bundle_and_windows_line_ends_are_fine() -> None:
    assert parse() == (SecretRules(()), [])
    assert parse("# nothing\n") == (SecretRules(()), [])
    rules, problems = parse(FULL.replace("\n", "\r\n"))
    assert problems == []
    assert [found.line for found in rules.rules] == [12, 31]


ONE_PROBLEM = {
    "invalid TOML": ("title = 'x'\n[[rules]\nid = 1", 2, "not valid TOML"),
    "invalid TOML at the end": ("title = 'x'\nid = '''", 2, "not valid TOML"),
    "unknown key": (rule("regexp = 'x'"), 4, 'unknown key "regexp"'),
    "unknown key at the top": ("\ntitel = 'x'", 2, 'unknown key "titel"'),
    "unknown table": ("title = 'x'\n[ruels]\nid = 'x'", 2, 'unknown key "ruels"'),
    "unknown key in an allow-list": (rule("[[rules.allowlists]]\nregexes = ['x']\nregexs = ['y']"), 6, 'unknown key "regexs"'),
    "lookahead": (rule("", regex="regex = '''a(?=b)'''"), 3, "RE2 has no lookahead and no lookbehind"),
    "lookbehind": (rule("", regex="regex = '''(?<!a)b'''"), 3, "RE2 has no lookahead and no lookbehind"),
    "back-reference": (rule("", regex=r"regex = '''(a)\1'''"), 3, "RE2 has no back-references"),
    "atomic group": (rule("", regex="regex = '''(?>a)b'''"), 3, "RE2 has no atomic groups"),
    "possessive": (rule("", regex="regex = '''a++'''"), 3, "no possessive repetition"),
    "unbalanced": (rule("", regex="regex = '''(a'''"), 3, "missing ): (a"),
    "path": (rule("path = '''['''"), 4, "path is not RE2 syntax"),
    "matches everywhere": (rule("", regex="regex = 'a*'"), 3, "regex matches the empty text"),
    "group beyond the groups": (rule("secretGroup = 2", regex="regex = '(a)'"), 4, "secretGroup is 2, the regex has 1 groups"),
    "group below zero": (rule("secretGroup = -1"), 4, "secretGroup is -1"),
    "group without a regex": ("[[rules]]\nid = 'a'\npath = 'x'\nsecretGroup = true", 4, "secretGroup must be a whole number"),
    "entropy too high": (rule("entropy = 8.5"), 4, "entropy is 8.5, outside 0 to 8"),
    "entropy below zero": (rule("entropy = -1"), 4, "entropy is -1"),
    "entropy not a number": (rule("entropy = nan"), 4, "entropy is nan"),
    "neither regex nor path": ("[[rules]]\nid = 'a'\ndescription = 'x'", 2, "neither regex nor path"),
    "no id": ("title = 'x'\n[[rules]]\nregex = 'x'", 2, "the rule has no id"),
    "empty id": ("[[rules]]\nid = ''\nregex = 'x'", 2, "the rule has no id"),
    "id with a space": (rule("", name="a b"), 2, 'the id "a b"'),
    "id of another type": ("[[rules]]\nid = 7\nregex = 'x'", 2, "id must be a string"),
    "keywords of another type": (rule("keywords = 'x'"), 4, "keywords must be a list of strings"),
    "keywords of numbers": (rule("keywords = [1]"), 4, "keywords must be a list of strings"),
    "rules of another type": ("[rules]\nid = 'a'", 1, "rules must be a list of tables"),
    "extend of another type": ("extend = 'x'", 1, "extend must be a table"),
    "useDefault of another type": ("[extend]\nuseDefault = 1", 2, "useDefault must be true or false"),
    "extend.path": ("[extend]\npath = 'x.toml'", 2, "path: rules are not read from elsewhere; put that file into secrets/"),
    "extend.url": ("[extend]\nurl = 'x'", 2, "url: nothing is downloaded"),
    "disabled rule unknown": ("[extend]\ndisabledRules = ['x']", 2, 'disabledRules names "x"'),
    "commits": (rule("[rules.allowlist]\ncommits = ['x']\npaths = ['x']"), 5, "commits: commits are not read here"),
    "required rules": (rule("[[rules.required]]\nid = 'b'"), 4, "required: rules that need other rules"),
    "not reported": (rule("skipReport = true"), 4, "skipReport: a rule that is not reported"),
    "allows nothing": (rule("[rules.allowlist]\ndescription = 'x'"), 4, "the allow-list allows nothing"),
    "allows everything": (rule("[rules.allowlist]\nregexes = ['x', '']"), 5, "regexes holds an empty text"),
    "allow-list regex": (
        rule("[[rules.allowlists]]\nregexes = ['a']\n[[rules.allowlists]]\nregexes = ['(']"),
        7,
        "regexes is not RE2",
    ),
    "allow-list condition": (rule("[rules.allowlist]\npaths = ['x']\ncondition = 'XOR'"), 6, "condition must be OR or AND"),
    "allow-list target": (
        rule("[rules.allowlist]\nregexes = ['x']\nregexTarget = 'file'"),
        6,
        "regexTarget must be secret, match or line",
    ),
    "second rule's allow-list": (
        rule("[rules.allowlist]\npaths = ['x']") + rule("[rules.allowlist]\npaths = ['(']", "b"),
        10,
        "paths is not RE2",
    ),
    "target unknown": ("[[allowlists]]\ntargetRules = ['x']\npaths = ['x']", 2, 'targetRules names "x"'),
    "target of another type": ("[[allowlists]]\ntargetRules = 'x'\npaths = ['x']", 2, "targetRules must be a list of strings"),
    "inline allow-list": (rule("allowlists = [{paths = ['(']}]"), 4, "paths is not RE2"),
    "inline rules": ("title = 'x'\nrules = [{id = 'a', regex = '('}]", 2, "regex is not RE2"),
}


@pytest.mark.parametrize("kind", ONE_PROBLEM)
def test_every_kind_of_mistake_has_its_line_and_its_mend(kind: str) -> None:
    source, line, what = ONE_PROBLEM[kind]
    _, problems = parse("", source)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"secrets/1.toml:{line}: ")
    assert what in problems[0]
    assert "; " in problems[0]


def test_a_file_that_is_not_utf8_says_where() -> None:
    _, problems = parse_secret_rules([("secrets/x.toml", b"# a\n# \xff\n")])
    assert problems == ["secrets/x.toml:2: the file is not UTF-8; save it as UTF-8"]


@pytest.mark.parametrize("sources", [(rule("", "a") + rule("", "a"),), (rule("", "a"), rule("", "a"))])
def test_an_id_twice_names_both_places(sources: tuple[str, ...]) -> None:
    rules, problems = parse(*sources)
    assert len(rules.rules) == 1
    [problem] = problems
    assert problem.startswith("secrets/0.toml:6: " if len(sources) == 1 else "secrets/1.toml:2: ")
    assert 'the id "a" is taken by secrets/0.toml:2' in problem


def test_one_mistake_does_not_hide_the_next() -> None:
    rules, problems = parse("[[rules]", rule("entropy = 9\nsecretGroup = 3\nx = 1") + rule("", "good"))
    assert [problem.split(":")[:2] for problem in problems] == [
        ["secrets/0.toml", "1"],
        *([["secrets/1.toml", n] for n in ("6", "5", "4")]),
    ]
    assert [found.id for found in rules.rules] == ["good"]


def test_our_own_pack_is_valid() -> None:
    folder = Path(__file__).parents[2] / "boundaries" / "secrets"
    rules, problems = parse_secret_rules([(file.name, file.read_bytes()) for file in sorted(folder.glob("*.toml"))])
    assert problems == []
    for found in rules.rules:
        lines = (folder / found.file).read_text(encoding="utf-8").split("\n")
        assert lines[found.line - 1] == f'id = "{found.id}"'


@given(st.binary(max_size=60))
def test_no_content_is_an_exception(data: bytes) -> None:
    parse_secret_rules([("secrets/x.toml", data)])


def test_patterns_search_bytes() -> None:
    assert compile_pattern("é+").search("né".encode()).span() == (1, 3)
    assert compile_pattern("a.b").search(b"a\xffb") is not None
    with pytest.raises(ValueError, match="missing"):
        compile_pattern("(")


def test_lines_of_what_is_not_there() -> None:
    lines = TomlLines("a = 1\nb = 2\n[t]\nc = '''\nd = 1\n'''\ne = 2\n")
    assert [lines.of("", 0, "b"), lines.of("t", 0, "e"), lines.of("t", 0, "d"), lines.of("t", 1), lines.of("", 0, "z")] == [
        2,
        7,
        3,
        1,
        1,
    ]
    assert list(lines.within("t", "none", 0)) == []
