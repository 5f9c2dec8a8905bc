"""The engine finds what re2 alone finds, with gitleaks' semantics, whatever the text."""

from __future__ import annotations

import functools
import math
import random
import threading
import time
from pathlib import Path

import hyperscan
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.filter import secretdb
from contextd.filter.entropy import shannon
from contextd.filter.secrets import SecretHit, SecretScanner
from contextd.policy.rules import Allowlist, SecretRule, SecretRules
from contextd.policy.secretrules import parse_secret_rules

PACK = Path(__file__).parents[2] / "boundaries" / "secrets"


@functools.cache
def compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options=options)


def entropy(text: bytes) -> float:
    counts = [text.count(byte) / len(text) for byte in set(text)]
    return -sum(share * math.log2(share) for share in counts)


def allowed(allowlist: Allowlist, path: str, data: bytes, match: re2._Match, secret: bytes) -> bool:
    start, end = match.span()
    line = data[data.rfind(b"\n", 0, start) + 1 : (data + b"\n").index(b"\n", end)]
    looked_at = {"secret": secret, "match": match.group(), "line": line}[allowlist.target]
    verdicts = []
    if allowlist.regexes:
        verdicts.append(any(compiled(regex).search(looked_at) for regex in allowlist.regexes))
    if allowlist.stopwords:
        verdicts.append(any(word.lower().encode() in secret.lower() for word in allowlist.stopwords))
    if allowlist.paths:
        verdicts.append(any(compiled(regex).search(path.encode()) for regex in allowlist.paths))
    return all(verdicts) if allowlist.condition == "AND" else any(verdicts)


def naive(rules: SecretRules, path: str, data: bytes) -> list[SecretHit]:
    """The semantics, spelled out: one re2 pass a rule over everything, no prefilter, nothing cached."""
    hits = set()
    for rule in rules.rules:
        if not rule.regex or (rule.path and not compiled(rule.path).search(path.encode())):
            continue
        if rule.keywords and not any(word.lower().encode() in data.lower() for word in rule.keywords):
            continue
        for match in compiled(rule.regex).finditer(data):
            groups = [rule.secret_group] if rule.secret_group else range(1, match.re.groups + 1)
            span = next((match.span(group) for group in groups if match.group(group)), match.span())
            secret = data[slice(*span)]
            if not secret or entropy(secret) < rule.entropy - 1e-9:
                continue
            if not any(allowed(allowlist, path, data, match, secret) for allowlist in (*rule.allowlists, *rules.allowlists)):
                hits.add(SecretHit(rule.id, *span))
    return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.rule))


# Each of these is written differently for the two engines, or is beyond hyperscan.
TRICKY = SecretRules(
    (
        SecretRule("plain", "", r"tok_[a-f0-9]{4,6}"),
        SecretRule("greedy", "", r"k=(\w+)(;|$)"),
        SecretRule("lazy-prefix", "", r"(?i)[\w.-]{0,50}?(?:key|secret)[\s'\"]{0,3}[=:]\s*([a-z0-9]{3,})", entropy=1.0),
        SecretRule("class-spaces", "", r"a[\s]b|a[^\s]c|<\S+>"),
        SecretRule("lines", "", r"(?m)^pw:[ \t]*(\S+)$"),
        SecretRule("whole", "", r"\Atok(.)"),
        SecretRule("end", "", r"(end)$"),
        SecretRule("ungreedy", "", r"(?U)x(a+)b?"),
        SecretRule("unicode", "", r"schlüssel=(é+)"),
        SecretRule("property", "", r"\pN{2}z"),
        SecretRule("high-bytes", "", r"[\x80-\xff]{2}tok"),
        SecretRule("brackets", "", r"[]a]{2}\[[^]]{1,9}\]|[[:alpha:]]{9,}="),
        SecretRule("overlap", "", r"abab"),
        SecretRule("alternatives", "", r"(?:pw=(\d+)|key=([a-z]+))", secret_group=2),
        SecretRule("keyword", "", r"id=(\d+)", keywords=("SeCret", "nothing")),
        SecretRule("on-path", "", r"tok", path=r"\.env$"),
        SecretRule("allowed", "", r"v=(\w+)", allowlists=(Allowlist(regexes=("^a+$",), stopwords=("TOK",)),)),
        SecretRule("by-line", "", r"w=(\w+)", allowlists=(Allowlist(regexes=("(?i)test",), target="line"),)),
        SecretRule("by-match", "", r"u=(\w+)", allowlists=(Allowlist(regexes=("^u=a",), target="match"),)),
        SecretRule("words-too", "", r"t=(\w+)", allowlists=(Allowlist(regexes=("a",), stopwords=("tok",), condition="AND"),)),
        SecretRule("both", "", r"t=(\w+)", allowlists=(Allowlist(regexes=("a",), paths=("env",), condition="AND"),)),
    ),
    (Allowlist(stopwords=("example",)), Allowlist(paths=("^vendor/",))),
)
FRAGMENTS = [
    *(
        "tok_",
        "tok",
        "k=",
        "key",
        "secret",
        "=",
        ":",
        " ",
        "\n",
        "\r\n",
        "\x0b",
        "\t",
        "a",
        "ab",
        "b",
        "c",
        "z",
        "<",
        ">",
        "x",
        "'",
        '"',
    ),
    *(
        "pw:",
        "pw=",
        "end",
        "schlüssel=",
        "é",
        "12",
        "0f",
        "[",
        "]",
        "id=",
        "v=",
        "w=",
        "u=",
        "t=",
        "test",
        "EXAMPLE",
        ";",
        "abcdefghij",
    ),
]
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS).map(str.encode), st.binary(max_size=3)), max_size=40).map(b"".join)
SCANNER = SecretScanner(TRICKY)


@given(TEXTS, st.sampled_from(["src/a.py", "prod.env", "vendor/x.py"]))
@settings(max_examples=400, deadline=None)
def test_tricky_rules_find_what_re2_alone_finds(text: bytes, path: str) -> None:
    expected = naive(TRICKY, path, text)
    assert SCANNER.find(path, text) == ([] if path.startswith("vendor/") else expected)


@pytest.fixture(scope="module")
def pack() -> tuple[SecretRules, SecretScanner]:
    rules, problems = parse_secret_rules([(f"secrets/{file.name}", file.read_bytes()) for file in sorted(PACK.glob("*.toml"))])
    assert not problems
    return rules, SecretScanner(rules)


def test_the_pack_finds_what_re2_alone_finds(pack: tuple[SecretRules, SecretScanner]) -> None:
    rules, scanner = pack
    rng = random.Random(7)  # noqa: S311  (texts must be the same each time)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    starts = ["AKIA", "ghp_", "sk_live_", "xoxb-", "password = '", 'api_key: "', "https://u:", "eyJ", "SG.", "AIza", "hvs."]
    joints = [
        b"\n",
        b" ",
        b"'",
        b'"',
        b"@host",
        b".",
        b"-",
        b"_",
        b"=",
        b"\\n",
        b";",
        b"AccountKey=",
        b"\xff",
        b"machine h login l password ",
    ]
    kinds = set()
    for _ in range(60):
        text = b"".join(
            rng.choice(starts).encode()
            + bytes(rng.choices(alphabet, k=rng.choice([3, 16, 24, 35, 36, 48])))
            + rng.choice(joints)
            for _ in range(rng.randrange(1, 20))
        )
        found = scanner.find("deploy/.env", text)
        assert found == naive(rules, "deploy/.env", text)
        kinds |= {hit.rule for hit in found}
    assert len(kinds) >= 6


@given(st.binary(max_size=300), st.text(max_size=20))
@settings(max_examples=150, deadline=None)
def test_any_bytes_and_any_path_are_searched_without_an_error(data: bytes, path: str) -> None:
    for hit in SCANNER.find(path, data):
        assert 0 <= hit.start < hit.end <= len(data)
    SCANNER.path_hit(path)


def test_a_lone_surrogate_in_a_path_is_no_error() -> None:
    assert SCANNER.path_hit("a\ud800b\udcff") is None


def test_path_rules() -> None:
    rules = SecretRules(
        (
            SecretRule("with-regex", "", "x", path="key$"),
            SecretRule("pem", "", "", path=r"(?i)\.pem$", allowlists=(Allowlist(paths=("^docs/",)),)),
            SecretRule(
                "key",
                "",
                "",
                path=r"\.(?:pem|key)$",
                allowlists=(Allowlist(paths=("^docs/",), regexes=("x",), condition="AND"),),
            ),
        ),
        (Allowlist(paths=("^vendor/",)),),
    )
    scanner = SecretScanner(rules)
    assert scanner.path_hit("a/B.PEM") == "pem"
    assert scanner.path_hit("docs/b.pem") == "key"
    assert scanner.path_hit("b.key") == "key"
    assert scanner.path_hit("vendor/b.key") is None
    assert scanner.path_hit("b.txt") is None
    assert scanner.find("a/b.pem", b"xx") == []


def test_an_allow_list_on_lines_sees_the_lines_of_each_match() -> None:
    rules = SecretRules((SecretRule("r", "", r"w=(\w+)\s*;", allowlists=(Allowlist(regexes=("test",), target="line"),)),))
    scanner = SecretScanner(rules)
    text = b"w=a; test w=b;\nw=c; w=d\n; test\nw=e;"
    assert [text[hit.start : hit.end] for hit in scanner.find("a", text)] == [b"c", b"e"]


def test_no_rules_find_nothing() -> None:
    assert SecretScanner(SecretRules(())).find("a", b"anything") == []


@pytest.mark.parametrize(
    "text",
    [
        b"password = '" + b"aB3" * 3 + b"' " + b"tok_0f0f0 " * 60_000,
        b"k=" + b"a" * 5_000_000,
        b"\n" * 2_000_000,
        b"w=a test " * 100_000,
        b"u=a\n" * 200_000,
    ],
    ids=["tiny matches", "one long line", "empty lines", "many matches on one line", "many matches on many lines"],
)
def test_hostile_texts_take_time_in_proportion_to_their_length(text: bytes) -> None:
    begun = time.process_time()
    SCANNER.find("a.env", text)
    assert time.process_time() - begun < 8  # seconds; what is quadratic takes minutes


def test_threads_share_a_scanner() -> None:
    text = b"tok_0f0f k=abc; key: 123abc\n" * 200
    expected = SCANNER.find("a.env", text)
    found: list[list[SecretHit]] = []
    threads = [threading.Thread(target=lambda: found.extend(SCANNER.find("a.env", text) for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 20


def test_a_text_that_hyperscan_refuses_is_searched_by_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_database: secretdb.CandidateDatabase, _data: bytes) -> set[int]:
        raise hyperscan.error

    expected = SCANNER.find("a.env", b"tok_0f0f k=abc;")
    assert expected
    monkeypatch.setattr(secretdb.CandidateDatabase, "indexes", refuse)
    assert SCANNER.find("a.env", b"tok_0f0f k=abc;") == expected


def test_entropy_is_in_bits_a_character() -> None:
    assert shannon(b"") == 0.0
    assert shannon(b"aaaa") == 0.0
    assert shannon(b"abab") == 1.0
    assert shannon(bytes(range(33, 97))) == pytest.approx(6.0)
    assert shannon("éàéà".encode()) == 1.0
    assert shannon(b"\xff\xfe") == 1.0


@given(st.binary(min_size=1, max_size=60))
def test_entropy_equals_its_definition(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    shares = [text.count(character) / len(text) for character in set(text)]
    assert shannon(data) == pytest.approx(-sum(share * math.log2(share) for share in shares), abs=1e-9)
