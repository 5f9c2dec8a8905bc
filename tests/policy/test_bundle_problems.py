"""Each kind of mistake in a bundle is found, with its file and line, and nothing of the bundle is loaded."""

from __future__ import annotations

import re

import pytest

from contextd.model.errors import BundleInvalid
from contextd.policy.bundle import load_bundle

BOUNDARY = "schema: contextd.dev/boundary/v1\nzones:\n{zones}\nadmit:\n  - paths: ['*']\n"
TIERS_HEAD = "schema: contextd.dev/tiers/v1\ntiers:\n"
TIER = "  {n}: {{approval: {{by: [context-steward]}}, min_freshness: due, pathways: {{always: [terminal]}}{more}}}\n"


def zones(*lines: str) -> str:
    return BOUNDARY.format(zones="\n".join(f"  - {line}" for line in lines))


def tiers(third: str = "", *, of: str = "1234") -> str:
    return TIERS_HEAD + "".join(TIER.format(n=n, more=f", {third}" if third and n == "3" else "") for n in of)


def pathways(*lines: str, more: str = "") -> str:
    return "schema: contextd.dev/pathways/v1\npathways:\n" + "".join(f"  - {line}\n" for line in lines) + more


TERMINAL = "{name: terminal, kind: cli, clients: ['*']}"
PII = "schema: contextd.dev/pii/v1\nentities:\n"
PERMIT = '@id("all")\npermit (principal, action, resource);\n'

MISTAKES = [
    # boundary.yaml
    ("boundary.yaml", zones("{name: a1, action: never-ingest, paths: []}"), 3, "paths is empty"),
    ("boundary.yaml", zones("{name: a1, action: never-ingest, paths: '*.pem'}"), 3, "paths is text, not a list"),
    ("boundary.yaml", zones("{name: a1, action: never-ingest, paths: ['!']}"), 3, "matches nothing"),
    ("boundary.yaml", zones("{name: a1, action: never-ingest, paths: ['# x']}"), 3, "matches nothing"),
    ("boundary.yaml", zones("{name: a1, action: never-ingest, paths: ['[a']}"), 3, "matches nothing"),
    ("boundary.yaml", zones('{name: a1, action: never-ingest, paths: ["a\\nb"]}'), 3, "control character"),
    ("boundary.yaml", zones("{name: a1, action: never-injest, paths: [a]}"), 3, "did you mean never-ingest?"),
    ("boundary.yaml", zones("{name: A1, action: redact, paths: [a]}"), 3, "is not a name"),
    (
        "boundary.yaml",
        zones("{name: a1, action: redact, paths: [a]}", "{name: a1, action: redact, paths: [b]}"),
        4,
        "named twice",
    ),
    ("boundary.yaml", zones("{name: a1, action: restrict, paths: [a]}"), 3, "lacks labels"),
    ("boundary.yaml", zones("{name: a1, action: restrict, paths: [a], labels: [No Name]}"), 3, "is not a name"),
    ("boundary.yaml", zones("{name: a1, action: redact, paths: [a], labels: [xy]}"), 3, "labels belong to a restrict zone"),
    (
        "boundary.yaml",
        zones("{name: a1, action: redact, paths: [a], code: EXCL-GENERATED}"),
        3,
        "code belongs to a never-ingest",
    ),
    ("boundary.yaml", zones("{name: a1, action: never-ingest, paths: [a], code: EXCL-SECRET}"), 3, "code is 'EXCL-SECRET'"),
    ("boundary.yaml", zones("{name: a1, action: redact, paths: [a], tiers: [5]}"), 3, "a whole number from 1 to 4"),
    (
        "boundary.yaml",
        zones("{name: a1, action: redact, paths: [a], kinds: [svn]}"),
        3,
        "choose one of git, directory, tickets",
    ),
    ("boundary.yaml", zones("{name: a1, action: redact, paths: [a], until: 2027-01-01}"), 3, "unknown key until"),
    ("boundary.yaml", zones("{name: a1, name: a2, action: redact, paths: [a]}"), 3, "name is given twice"),
    ("boundary.yaml", zones("{action: redact, paths: [a]}"), 3, "lacks name"),
    ("boundary.yaml", zones("*anchor"), 3, "alias *anchor"),
    ("boundary.yaml", zones("a1") + "limits: {file: 1MB}\n", 6, "'1MB' is not a size"),
    ("boundary.yaml", zones("a1") + "export_ignore: yes\n", 6, "write true"),
    ("boundary.yaml", "schema: contextd.dev/boundary/v1\nzones: []\n", 1, "lacks admit"),
    (
        "boundary.yaml",
        "schema: contextd.dev/boundary/v2\nzones: []\nadmit: [{paths: [a]}]\n",
        1,
        "write schema: contextd.dev/boundary/v1",
    ),
    ("boundary.yaml", "zones: []\nadmit: [{paths: [a]}]\n", 1, "lacks schema"),
    ("boundary.yaml", "zones: [\n", 2, "not YAML"),
    ("boundary.yaml", b"schema: \xff\n", 1, "not UTF-8"),
    (
        "boundary.yaml",
        zones("a1") + "allow:\n  - {rule: no-such, paths: [a], owner: me2, reason: r}\n",
        7,
        "rule no-such is in no file",
    ),
    ("boundary.yaml", zones("a1") + "allow:\n  - {rule: acme-token, paths: [a], owner: me2}\n", 7, "lacks reason"),
    (
        "boundary.yaml",
        zones("a1") + "allow:\n  - {rule: acme-token, paths: [a], owner: me2, reason: r, until: 2027-01-01}\n",
        7,
        "whatever has an end is a waiver",
    ),
    # pii.yaml
    (
        "pii.yaml",
        PII + "  - {entity: EMAIL_ADRESS, action: redact}\n",
        3,
        "did you mean EMAIL_ADDRESS?",
    ),
    ("pii.yaml", PII + "  - {entity: US_SSN, action: hide}\n", 3, "action is 'hide'"),
    (
        "pii.yaml",
        PII + "  - {entity: US_SSN, action: redact, min_score: 2}\n",
        3,
        "a number from 0 to 1",
    ),
    (
        "pii.yaml",
        PII + "  - {entity: US_SSN, action: keep, tiers: [2, 3]}\n",
        3,
        "at tier 3, where redaction is locked",
    ),
    (
        "pii.yaml",
        PII + "  - {entity: CRYPTO, action: redact}\n  - {entity: CRYPTO, action: redact, tiers: [1]}",
        4,
        "decided by line 3 already",
    ),
    (
        "pii.yaml",
        PII + "  - {entity: EMAIL_ADDRESS, action: redact, allow_domains: ['@x.org']}\n",
        3,
        "is not a domain",
    ),
    (
        "pii.yaml",
        PII + "  - {entity: US_SSN, action: redact, allow_domains: [x.org]}\n",
        3,
        "allow_domains belongs to EMAIL_ADDRESS",
    ),
    # tiers.yaml
    ("tiers.yaml", tiers(of="123"), 2, "tiers lacks 4"),
    ("tiers.yaml", tiers() + "  5: {}\n", 7, "unknown key 5"),
    ("tiers.yaml", tiers("redaction: open"), 5, "redaction is 'open'"),
    ("tiers.yaml", tiers("workflows: {always: [deploy]}"), 5, "item 1 of always is 'deploy'"),
    ("tiers.yaml", tiers("workflows: {always: [test], never: [test]}"), 5, "test is always already"),
    ("tiers.yaml", tiers("package: {required: false, max_age: 9d}"), 5, "a package that is not required"),
    ("tiers.yaml", tiers("package: {required: true, max_age: soon}"), 5, "'soon' is not a duration"),
    ("tiers.yaml", tiers("exception: {longest: forever}"), 5, "'forever' is not a duration"),
    ("tiers.yaml", tiers().replace("always: [terminal]", "always: [terminl]", 1), 3, "did you mean terminal?"),
    ("tiers.yaml", tiers().replace("{always: [terminal]}", "{}", 1), 3, "names no way at all"),
    ("tiers.yaml", tiers().replace("context-steward", "steward", 1), 3, "did you mean context-steward?"),
    ("tiers.yaml", tiers().replace("min_freshness: due", "min_freshness: exempt", 1), 3, "min_freshness is 'exempt'"),
    ("tiers.yaml", tiers().replace("by: [context-steward]", "self: no", 1), 3, "self is 'no'; write false"),
    # pathways.yaml
    ("pathways.yaml", pathways(TERMINAL, TERMINAL), 4, "named twice"),
    ("pathways.yaml", pathways("{name: terminal, kind: shell, clients: ['*']}"), 3, "choose one of ide, cli, ci, agent"),
    ("pathways.yaml", pathways("{name: terminal, kind: cli, clients: ['acme >>2']}"), 3, "no version range that can be read"),
    ("pathways.yaml", pathways("{name: terminal, kind: cli, clients: ['a?']}"), 3, "is not a client"),
    ("pathways.yaml", pathways("{name: terminal, kind: cli, clients: []}"), 3, "clients is empty"),
    (
        "pathways.yaml",
        pathways("{name: terminal, kind: cli, clients: ['*'], intent_from_tier: 0}"),
        3,
        "intent_from_tier is '0'",
    ),
    (
        "pathways.yaml",
        pathways("{name: terminal, kind: cli, clients: ['*'], assurance: strong}"),
        3,
        "choose one of user, workload",
    ),
    ("pathways.yaml", pathways(TERMINAL, more="unapproved: {1: warn}\n"), 4, "choose one of flag, refuse"),
    # freshness.yaml, drift.yaml
    ("freshness.yaml", "schema: contextd.dev/freshness/v1\nrules:\n  - {selector: {content: wiki}}\n", 3, "content is 'wiki'"),
    (
        "freshness.yaml",
        "schema: contextd.dev/freshness/v1\nrules:\n  - {selector: {}, warn_after: 1y}\n",
        3,
        "'1y' is not a duration",
    ),
    (
        "freshness.yaml",
        "schema: contextd.dev/freshness/v1\nrules:\n  - {selector: {}, warn_after: 9d, error_after: 8d}\n",
        3,
        "comes before warn_after",
    ),
    (
        "freshness.yaml",
        "schema: contextd.dev/freshness/v1\nrules:\n  - {selector: {}, suppress_until: 2027-01-31}\n",
        3,
        "has no reason",
    ),
    (
        "freshness.yaml",
        "schema: contextd.dev/freshness/v1\nrules:\n  - {selector: {}, suppress_until: 2027-02-31, reason: r}\n",
        3,
        "is no instant",
    ),
    ("freshness.yaml", "schema: contextd.dev/freshness/v1\nrules:\n  - {clock: changed}\n", 3, "lacks selector"),
    (
        "drift.yaml",
        "schema: contextd.dev/drift/v1\ndetectors:\n  - {code: DRIFT-PATH-LOST}\n",
        3,
        "did you mean DRIFT-PATH-GONE?",
    ),
    (
        "drift.yaml",
        "schema: contextd.dev/drift/v1\ndetectors:\n  - {code: DRIFT-PATH-GONE}\n  - {code: DRIFT-PATH-GONE}\n",
        4,
        "named twice",
    ),
    (
        "drift.yaml",
        "schema: contextd.dev/drift/v1\ndetectors:\n  - {code: DRIFT-PATH-GONE, severity: fatal}\n",
        3,
        "severity is 'fatal'",
    ),
    # access.cedar, access.cedarschema
    ("access.cedar", "// nothing\n", 1, "the file has no policy"),
    ("access.cedar", PERMIT + "\n// next; one\npermit (principal, action;\n", 5, "not Cedar"),
    ("access.cedar", PERMIT + '\npermit (principal, action, resource) when { context.x == "', 4, "not Cedar"),
    ("access.cedar", PERMIT + "permit (principal, action, resource);\n", 3, "no @id"),
    ("access.cedar", PERMIT + PERMIT, 3, "@id all is given twice (first in line 1)"),
    ("access.cedar", PERMIT + '@id("no")\nforbid (principal, action, resource);\n', 3, "no @reason that is a code"),
    ("access.cedar", '@reason("X_Y")\n' + PERMIT, 1, "a permit has a @reason"),
    ("access.cedar", PERMIT + '@id("slot")\npermit (principal == ?principal, action, resource);\n', 3, "a template"),
    (
        "access.cedar",
        PERMIT + '@id("xy")\npermit (principal, action, resource)\nwhen { context.nope };\n',
        3,
        "attribute `nope` in context",
    ),
    (
        "access.cedar",
        PERMIT + '@id("xy")\npermit (principal, action, resource)\nwhen { context.tier == "3" };\n',
        3,
        "not compatible",
    ),
    (
        "access.cedar",
        PERMIT + '@id("xy")\npermit (principal, action == Action::"steal", resource);\n',
        3,
        "unrecognized action",
    ),
    ("access.cedar", b"// \xff\n", 1, "not UTF-8"),
    ("access.cedarschema", "entity Principal;\n\nentity Source\nentity Home;\n", 3, "not a Cedar schema"),
    ("access.cedarschema", 'entity Principal;\n// ; "\nentity Principal;\n', 3, "declared twice"),
    # the secret rules, which have a room of their own
    ("secrets/acme.toml", '[[rules]]\nid = "acme-token"\nregex = "("\n', 3, "regex"),
    # strangers
    ("boundry.yaml", "a: b\n", 1, "not a file of a bundle"),
    ("secrets/notes.txt", "a", 1, "not a file of a bundle"),
    ("secrets/../tiers.toml", "a", 1, "not a file of a bundle"),
]


def problems_of(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(BundleInvalid) as raised:
        load_bundle(files)
    assert raised.value.reason == "BUNDLE_INVALID"
    return raised.value.problems


@pytest.mark.parametrize(("file", "content", "line", "words"), MISTAKES)
def test_a_mistake_is_told_with_file_and_line(
    bundle_files: dict[str, bytes], file: str, content: str | bytes, line: int, words: str
) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    found = problems_of(bundle_files | {file: data})
    assert any(problem.startswith(f"{file}:{line}: ") and words in problem for problem in found), found
    assert all(re.match(r"[A-Za-z0-9/._-]+:[1-9][0-9]*: .+", problem) for problem in found)


@pytest.mark.parametrize(
    "name",
    [
        "access.cedar",
        "access.cedarschema",
        "boundary.yaml",
        "drift.yaml",
        "freshness.yaml",
        "pathways.yaml",
        "pii.yaml",
        "tiers.yaml",
    ],
)
def test_a_missing_file_is_told_by_name_and_alone(bundle_files: dict[str, bytes], name: str) -> None:
    del bundle_files[name]
    assert problems_of(bundle_files) == [f"{name}:1: the file is missing; every bundle has one, write it"]


def test_a_bundle_without_secret_rules_is_none(bundle_files: dict[str, bytes]) -> None:
    del bundle_files["secrets/acme.toml"]
    assert problems_of(bundle_files) == ["secrets:1: the folder has no rule file; put at least one .toml into it"]


def test_all_problems_of_all_files_are_told_at_once_and_in_order(bundle_files: dict[str, bytes]) -> None:
    bundle_files["boundary.yaml"] = zones("{name: A, action: hide, paths: []}").encode()
    bundle_files["access.cedar"] = b"permit;\n"
    bundle_files["pii.yaml"] = b"schema: contextd.dev/pii/v1\nentities: 7\n"
    found = problems_of(bundle_files)
    assert [problem.split(": ")[0] for problem in found] == ["access.cedar:1", *["boundary.yaml:3"] * 3, "pii.yaml:2"]


def test_a_schema_that_does_not_fit_what_is_asked_is_told(bundle_files: dict[str, bytes]) -> None:
    bundle_files["access.cedar"] = PERMIT.encode()
    whole = bundle_files["access.cedarschema"].decode()
    for changed in (
        whole.replace("  tier: Long,", "  tier: String,"),
        whole.replace("  owner: String,", "  owner: String,\n  shoe: Long,"),
    ):
        found = problems_of(bundle_files | {"access.cedarschema": changed.encode()})
        assert all(problem.startswith("access.cedarschema:1: does not describe what") for problem in found)
        assert "search" in "".join(found)
