"""An invalid bundle: every problem with its file and line; nothing changes, and the last good one holds again once restored."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import House, Repository

Spoil = Callable[[Path], object]


def edit(name: str, old: str, new: str) -> Spoil:
    """Change one place of a file."""

    def spoil(bundle: Path) -> None:
        text = (bundle / name).read_text(encoding="utf-8")
        assert old in text
        (bundle / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def write(name: str, data: bytes) -> Spoil:
    """Replace a whole file."""
    return lambda bundle: (bundle / name).write_bytes(data)


def link_out(bundle: Path) -> None:
    (bundle.parent / "elsewhere.yaml").write_bytes((bundle / "pii.yaml").read_bytes())
    (bundle / "pii.yaml").unlink()
    (bundle / "pii.yaml").symlink_to(bundle.parent / "elsewhere.yaml")


KINDS: dict[str, tuple[Spoil, str]] = {
    "not YAML": (edit("tiers.yaml", "tiers:\n", "tiers: [\n"), r"tiers\.yaml:\d+: "),
    "unknown key": (edit("boundary.yaml", "limits:", "limit:"), r"boundary\.yaml:\d+: .*limit"),
    "unknown key deep inside": (edit("tiers.yaml", "{required: false}", "{require: false}"), r"tiers\.yaml:\d+: .*require"),
    "key twice": (edit("pathways.yaml", "unapproved:", "pathways: []\nunapproved:"), r"pathways\.yaml:\d+: .*pathways"),
    "no schema": (edit("freshness.yaml", "schema: contextd.dev/freshness/v1\n", ""), r"freshness\.yaml:\d+: .*schema"),
    "other schema": (edit("drift.yaml", "drift/v1", "drift/v9"), r"drift\.yaml:\d+: .*drift/v1"),
    "yes for true": (edit("tiers.yaml", "self: true", "self: yes"), r"tiers\.yaml:\d+: .*yes"),
    "no duration": (edit("freshness.yaml", "warn_after: 365d", "warn_after: a year"), r"freshness\.yaml:\d+: .*a year"),
    "no size": (edit("boundary.yaml", "file: 1MiB", "file: big"), r"boundary\.yaml:\d+: .*big"),
    "no pattern": (edit("boundary.yaml", '      - ".envrc"\n', '      - "!"\n'), r"boundary\.yaml:\d+: pattern '!'"),
    "unknown zone action": (edit("boundary.yaml", "action: restrict", "action: hide"), r"boundary\.yaml:\d+: .*hide"),
    "label without restriction": (
        edit("boundary.yaml", "action: redact", "labels: [x]\n    action: redact"),
        r"boundary\.yaml:\d+: labels belong to a restrict zone",
    ),
    "dated allowance": (
        edit("boundary.yaml", "allow: []", "allow:\n  - {rule: x, paths: [a], owner: team-a, reason: r, until: 2027-01-01}"),
        r"boundary\.yaml:\d+: an allowance has no until",
    ),
    "allowance of no rule": (
        edit("boundary.yaml", "allow: []", "allow:\n  - {rule: no-such-rule, paths: [a], owner: team-a, reason: r}"),
        r"boundary\.yaml:\d+: rule no-such-rule is in no file",
    ),
    "unknown role": (edit("tiers.yaml", "by: [context-steward]", "by: [king]"), r"tiers\.yaml:\d+: .*king"),
    "unknown pathway": (
        edit("tiers.yaml", "always: [terminal, ide-assistant", "always: [telepathy"),
        r"tiers\.yaml:\d+: .*telepathy",
    ),
    "missing tier": (edit("tiers.yaml", "  4:\n", "  5:\n"), r"tiers\.yaml:\d+: "),
    "unknown entity": (edit("pii.yaml", "entity: CRYPTO", "entity: PERSON"), r"pii\.yaml:\d+: .*PERSON"),
    "not TOML": (write("secrets/ai.toml", b"[[rules]\nid = 1\n"), r"secrets/ai\.toml:1: "),
    "bad regular expression": (
        write("secrets/house.toml", b"[[rules]]\nid = \"house\"\ndescription = \"d\"\nregex = '''(a'''\n"),
        r"secrets/house\.toml:\d+: ",
    ),
    "rule twice": (
        write("secrets/house.toml", b"[[rules]]\nid = \"stripe-secret-key\"\ndescription = \"d\"\nregex = '''abc'''\n"),
        r"secrets/\w+\.toml:\d+: .*stripe-secret-key",
    ),
    "not Cedar": (edit("access.cedar", '@id("discover")\npermit', '@id("discover")\nallow'), r"access\.cedar:\d+: "),
    "attribute that the schema lacks": (
        edit("access.cedar", "context.approvers", "context.approverz"),
        r"access\.cedar:\d+: .*approverz",
    ),
    "forbid without a reason": (edit("access.cedar", '@reason("INTENT_REQUIRED")\n', ""), r"access\.cedar:\d+: "),
    "schema that is none": (write("access.cedarschema", b"entity ;\n"), r"access\.cedarschema:\d+: "),
    "missing file": (lambda bundle: (bundle / "pii.yaml").unlink(), r"pii\.yaml:1: "),
    "no text": (write("drift.yaml", b"\xff\xfe\x00"), r"drift\.yaml:1: "),
    "too large": (write("drift.yaml", b"# " + b"x" * (1 << 20) + b"\n"), r"drift\.yaml:1: "),
    "link out of the folder": (link_out, r"pii\.yaml:1: a link out of the folder"),
}


@pytest.fixture
def served(house: House, repository: Repository) -> House:
    repository.commit({"src/refund.py": "def refund(amount):\n    return -amount\n"})
    house.add("code", repository.place)
    house.crawl("code")
    return house


def test_every_kind_of_problem_is_told_with_file_line_and_mend_and_changes_nothing(served: House) -> None:
    bundle = served.home / "boundaries"
    good = {path.relative_to(bundle): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    before = served.audited()
    unmet = {}
    for kind, (spoil, where) in KINDS.items():
        spoil(bundle)
        told = served.run("--format", "json", "search", "refund")
        assert (told.code, told.json["reason"]) == (3, "BUNDLE_INVALID"), kind
        problems = told.json["metadata"]["problems"]
        if not any(re.match(where, problem) for problem in problems):
            unmet[kind] = problems
        assert all(re.match(r"[\w./-]+:\d+: ", problem) for problem in problems), (kind, problems)
        for path in bundle.rglob("*"):
            if path.is_file() and path.relative_to(bundle) not in good:
                path.unlink()
        for path, data in good.items():
            (bundle / path).unlink(missing_ok=True)
            (bundle / path).write_bytes(data)
    assert unmet == {}
    assert served.audited() == before
    assert served.search("refund")


def test_several_problems_are_told_together(served: House) -> None:
    bundle = served.home / "boundaries"
    for kind in ("unknown key", "unknown role", "unknown entity"):
        KINDS[kind][0](bundle)
    problems = served.ask("source", "list", expect=(3,))["metadata"]["problems"]
    shown = served.run("search", "refund")
    assert shown.stdout == ""
    assert [line for line in shown.stderr.splitlines() if line[:1] != " "] == [
        f"BUNDLE_INVALID  {problem}" for problem in problems
    ]
    assert {problem.split(":")[0] for problem in problems} >= {"boundary.yaml", "tiers.yaml", "pii.yaml"}
    assert "(and " in served.ask("source", "list", expect=(3,))["message"]


def test_a_bundle_that_takes_effect_is_recorded_and_named(served: House) -> None:
    served.rewrite("tiers.yaml", "review_every: 365d", "review_every: 364d")
    served.ask("source", "list")
    served.ask("source", "list")
    kinds = [event["subject"] for event in served.audited("bundle-in-force")]
    assert len(kinds) == 2
    assert len(set(kinds)) == 2
    with served.opened() as plane:
        assert [period.digest for period in plane.control.bundles.periods()] == kinds[::-1]
        assert plane.bundle.digest == kinds[-1]


def test_other_bundles_are_checked_where_they_are_named(run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.md").write_text("# A\n")
    (tmp_path / "bundle").mkdir()
    words = ("snapshot", "build", str(tmp_path / "folder"), "--source", "aa", "--tier", "1", "--bundle")
    for bundle in (tmp_path / "bundle", tmp_path / "none"):
        code, stdout, stderr = run_cli(*words, str(bundle))
        assert (code, stdout) == (3, "")
        assert stderr.startswith("BUNDLE_INVALID  ")
