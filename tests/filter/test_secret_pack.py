"""Our own rule pack against tokens made from the providers' published formats.

``secret_formats/*.toml`` tells for each rule how its tokens look: ``<a:36>`` is 36 random characters of a kind, and what the
rule is to cut out stands between « and ». Tokens are made here, at run time, from seeds; no file holds one.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contextd.filter.secrets import SecretScanner
from contextd.policy.rules import SecretRules
from contextd.policy.secretrules import parse_secret_rules

HERE = Path(__file__).parent
PACK = HERE.parents[1] / "boundaries" / "secrets"
SEEDS = range(6)
LETTERS = string.ascii_letters
KINDS = {
    "d": string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "L": LETTERS,
    "n": string.ascii_lowercase + string.digits,
    "N": string.ascii_uppercase + string.digits,
    "a": LETTERS + string.digits,
    "w": LETTERS + string.digits + "_-",
    "b": LETTERS + string.digits + "+/",
    "p": LETTERS + string.digits + "!#%^*+=~",
    "B32": string.ascii_uppercase + "234567",
    "b32": string.ascii_lowercase + "234567",
    "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
PART = re.compile(r"<(uuid|jwt|\w+:\d+)>")


def of_kind(rng: random.Random, kind: str, length: int) -> str:
    """Random characters; as issuers' tokens do, ones long enough hold a letter and a digit where their kind has both."""
    alphabet = KINDS[kind]
    while True:
        made = "".join(rng.choice(alphabet) for _ in range(length))
        if length < 8 or all(any(c in made for c in some) for some in (string.digits, LETTERS) if set(some) & set(alphabet)):
            return made


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def part(rng: random.Random, spec: str) -> str:
    if spec == "uuid":
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if spec == "jwt":
        payload = {"sub": of_kind(rng, "a", 12), "exp": rng.randrange(1 << 31)}
        return f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(payload)}.{of_kind(rng, 'w', 43)}"
    kind, length = spec.split(":")
    if kind == "pem":
        return "\n".join(of_kind(rng, "b", 64) for _ in range(int(length)))
    return of_kind(rng, kind, int(length))


def make(template: str, seed: int) -> tuple[bytes, int, int]:
    """The text, and where in it the secret starts and ends."""
    rng = random.Random(f"{template}{seed}")  # noqa: S311  (tokens must be the same each time)
    text = PART.sub(lambda found: part(rng, found.group(1)), template)
    before, secret, after = re.split("[«»]", text)
    start = len(before.encode())
    return (before + secret + after).encode(), start, start + len(secret.encode())


def formats() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted((HERE / "secret_formats").glob("*.toml")):
        for rule, said in tomllib.loads(file.read_text(encoding="utf-8")).items():
            yield rule, said if isinstance(said, dict) else {"real": said}


FORMATS = dict(formats())


@pytest.fixture(scope="module")
def rules() -> SecretRules:
    found, problems = parse_secret_rules([(f"secrets/{file.name}", file.read_bytes()) for file in sorted(PACK.glob("*.toml"))])
    assert problems == []
    return found


@pytest.fixture(scope="module")
def scanner(rules: SecretRules) -> SecretScanner:
    return SecretScanner(rules)


def test_every_rule_has_a_format_and_every_format_a_rule(rules: SecretRules) -> None:
    assert {rule.id for rule in rules.rules} == set(FORMATS)
    assert len(rules.rules) >= 120
    assert all(rule.description for rule in rules.rules)


@pytest.mark.parametrize("rule", FORMATS)
def test_tokens_of_the_published_format_are_cut_out_exactly(rule: str, scanner: SecretScanner) -> None:
    said = FORMATS[rule]
    path = said.get("path", "src/settings.py")
    for template in said["real"]:
        for seed in SEEDS:
            text, start, end = make(template, seed)
            for before, after in ((b"", b""),) if said.get("alone") else ((b"", b""), (b"# a line\n", b"\nlast line\n")):
                hits = [(hit.start, hit.end) for hit in scanner.find(path, before + text + after) if hit.rule == rule]
                assert (start + len(before), end + len(before)) in hits, (rule, template, seed)


BARE = [rule for rule, said in FORMATS.items() if re.fullmatch("«[^\n]*»", said["real"][0]) and not said.get("alone")]


@pytest.mark.parametrize("rule", BARE)
def test_a_prefix_inside_a_longer_run_is_no_token(rule: str, scanner: SecretScanner) -> None:
    for seed in SEEDS:
        text, start, end = make(FORMATS[rule]["real"][0], seed)
        run = b"q3VtYW" + text[start:end] + b"dGhlIHJ1biBnb2Vz"
        assert [hit for hit in scanner.find("src/data.py", run) if hit.rule == rule] == []


@pytest.mark.parametrize("rule", BARE)
def test_what_follows_a_token_is_taken_whole_or_makes_it_none(rule: str, scanner: SecretScanner) -> None:
    for seed in SEEDS:
        text, _, end = make(FORMATS[rule]["real"][0], seed)
        run = text[:end] + b"dGhlIHJ1biBnb2Vz"
        ends = [hit.end for hit in scanner.find("src/data.py", run) if hit.rule == rule]
        assert ends in ([], [len(run)])


@pytest.mark.parametrize("family", [file.stem for file in sorted((HERE / "secret_negatives").glob("*.txt"))])
def test_what_only_looks_like_a_secret_is_left_alone(family: str, scanner: SecretScanner) -> None:
    content = (HERE / "secret_negatives" / f"{family}.txt").read_text(encoding="utf-8")
    for sample in content.split("\n----\n"):
        for path in ("src/settings.py", "deploy/app.yaml", "README.md"):
            found = [(hit.rule, sample.encode()[hit.start : hit.end]) for hit in scanner.find(path, sample.encode())]
            assert found == [], (path, sample)


def test_generic_rules_leave_lock_files_alone(scanner: SecretScanner) -> None:
    text, _, _ = make('"token": "«<h:40>»"', 0)
    assert scanner.find("web/package-lock.json", text) == []
    assert scanner.find("web/settings.json", text) != []


def test_the_pack_holds_nothing_that_it_finds_itself(scanner: SecretScanner) -> None:
    for file in PACK.glob("*.toml"):
        assert scanner.find("rules.txt", file.read_bytes()) == [], file.name
