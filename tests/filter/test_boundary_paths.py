"""Path decisions: zones, admit, components, labels, their order, and what is said about them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.content import REGULAR, Admitted, EntryKind, Excluded, Observed
from contextd.model.errors import BundleInvalid
from contextd.model.source import REST, Component, ContentKind, Descriptor, SourceKind
from contextd.policy.boundaryfile import read_boundary, read_pii
from contextd.policy.rules import (
    Admit,
    Allow,
    Allowlist,
    BoundaryRules,
    IngestRules,
    Limits,
    SecretRule,
    SecretRules,
    Zone,
    ZoneAction,
)
from contextd.yamlfile import load

SOURCE = Descriptor("payments", SourceKind.GIT, ContentKind.REPO, 3)
EVERYTHING = (Admit(("*",), 40),)
BUNDLE = Path(__file__).parents[2] / "boundaries"


def build(
    *zones: Zone,
    admit: tuple[Admit, ...] = EVERYTHING,
    source: Descriptor = SOURCE,
    ignore: tuple[tuple[str, bytes], ...] = (),
    limits: Limits | None = None,
    secrets: tuple[SecretRule, ...] = (),
    allow: tuple[Allow, ...] = (),
) -> Filter:
    boundary = BoundaryRules(limits or Limits(), zones, admit, allow)
    return Filter.compile(IngestRules(boundary, SecretRules(secrets), (), "bnd1:0"), source, RepositoryIgnores(ignore))


def never(*paths: str, line: int = 9, name: str = "credentials", code: str = "EXCL-NEVER-INGEST") -> Zone:
    return Zone(name, ZoneAction.NEVER_INGEST, paths, line, code)


def entry(path: str | bytes, *, size: int = 1, kind: EntryKind = EntryKind.FILE) -> Observed:
    raw = path.encode() if isinstance(path, str) else path
    return Observed(raw, REGULAR, kind, size, "")


def test_a_never_ingest_zone_excludes_and_names_zone_line_and_pattern() -> None:
    rules = build(never("*.pem", "*.env", "!sample.env"))
    assert rules.judge(entry("deploy/tls.pem", size=7)) == Excluded(
        "deploy/tls.pem", "EXCL-NEVER-INGEST", "zone credentials", "boundary.yaml:9", "*.pem", 7, REST
    )
    assert rules.judge(entry("prod.env")) is not None
    assert rules.judge(entry("sample.env")) is None
    assert rules.judge(entry("src/env.py")) is None


def test_a_zone_gives_its_own_code() -> None:
    excluded = build(never("vendor/", code="EXCL-GENERATED")).judge(entry("vendor/a/b.go"))
    assert excluded is not None
    assert excluded.code == "EXCL-GENERATED"


@pytest.mark.parametrize(
    ("zone", "applies"),
    [
        (replace(never("*.pem"), tiers=(3,)), True),
        (replace(never("*.pem"), tiers=(1, 2)), False),
        (replace(never("*.pem"), kinds=("git",)), True),
        (replace(never("*.pem"), kinds=("directory",)), False),
        (replace(never("*.pem"), contents=("repo",)), True),
        (replace(never("*.pem"), contents=("docs",)), False),
        (replace(never("*.pem"), components=("rest",)), True),
        (replace(never("*.pem"), components=("admin-ui",)), False),
    ],
)
def test_a_zone_holds_only_in_its_scope(zone: Zone, *, applies: bool) -> None:
    assert (build(zone).judge(entry("a.pem")) is not None) is applies


def test_the_tier_of_a_zone_is_that_of_the_component() -> None:
    source = replace(SOURCE, components=(Component("admin-ui", ("ui/",), 1, "team-ui"),))
    rules = build(replace(never("*.pem"), tiers=(3,)), source=source)
    assert rules.judge(entry("ui/a.pem")) is None
    assert rules.judge(entry("srv/a.pem")) is not None


def test_the_first_component_that_matches_has_the_file() -> None:
    parts = (Component("ui", ("ui/", "!ui/shared/"), 1, "a"), Component("web", ("*.ts",), 2, "b"))
    rules = build(source=replace(SOURCE, components=parts))
    assert [rules.component_of(p) for p in ("ui/a.ts", "x/a.ts", "ui/shared/a.py", "a.py")] == ["ui", "web", REST, REST]


def test_what_no_pattern_admits_is_unknown() -> None:
    rules = build(admit=(Admit(("*.py", "docs/"), 12), Admit(("*",), 13, kinds=("tickets",))))
    assert rules.judge(entry("src/a.py")) is None
    assert rules.judge(entry("docs/a.txt")) is None
    excluded = rules.judge(entry("src/a.rs"))
    assert excluded is not None
    assert excluded.code == "EXCL-UNKNOWN"
    assert rules.path_decision("src/a.py").admitted_by == "boundary.yaml:12"


def test_precedence_and_every_further_rule() -> None:
    rules = build(
        never("*.pem", line=9),
        never("deploy/", line=10, name="deploys"),
        admit=(),
        ignore=((".aiexclude", b"# none\n/deploy/\n"),),
    )
    decision = rules.path_decision("deploy/tls.pem", size=2 << 20)
    assert decision.excluded is not None
    assert decision.excluded.code == "EXCL-TOO-LARGE"
    assert [(e.code, e.rule, e.where, e.pattern) for e in decision.also] == [
        ("EXCL-NEVER-INGEST", "zone credentials", "boundary.yaml:9", "*.pem"),
        ("EXCL-NEVER-INGEST", "zone deploys", "boundary.yaml:10", "deploy/"),
        ("EXCL-IGNORE-FILE", ".aiexclude", ".aiexclude:2", "/deploy/"),
        ("EXCL-UNKNOWN", "no admit pattern", "boundary.yaml", ""),
    ]


def test_judge_and_path_decision_agree_on_the_first_rule() -> None:
    rules = build(never("*.pem"), ignore=((".cursorignore", b"*.txt\n!keep.txt\n"),), admit=(Admit(("*.txt", "*.pem"), 1),))
    for path in ("a.pem", "a.txt", "keep.txt", "a.py", "x/keep.txt", "\u00e9.txt"):
        assert rules.judge(entry(path, size=0)) == rules.path_decision(path).excluded


def test_restrict_zones_label_what_they_cover_once_and_in_byte_order() -> None:
    zones = [
        Zone(f"z{n}", ZoneAction.RESTRICT, ("docs/incidents/",), n, labels=labels)
        for n, labels in enumerate((("incident", "zulu"), ("incident", "alpha"), ("\u00e9",)))
    ]
    rules = build(*zones, Zone("fixtures", ZoneAction.REDACT, ("docs/",), 8))
    admitted = rules.apply(entry("docs/incidents/1.md"), b"text\n")
    assert isinstance(admitted, Admitted)
    assert admitted.labels == ("alpha", "incident", "zulu", "\u00e9")
    decision = rules.path_decision("docs/incidents/1.md")
    assert (decision.excluded, decision.labels, decision.redact_zones) == (None, admitted.labels, ("fixtures",))
    other = rules.apply(entry("docs/a.md"), b"text\n")
    assert isinstance(other, Admitted)
    assert other.labels == ()


@pytest.mark.parametrize("path", ["a\nb/.env", "a/\n.env", "x\n/y/.env", "\n/.env"])
def test_a_line_feed_in_a_path_hides_nothing(path: str) -> None:
    rules = build(never(".env", "*.env"))
    assert rules.judge(entry(path)) is not None


def test_every_path_that_can_be_is_admitted_by_a_star() -> None:
    for path in ("\n", "a\n", " ", "a b", "-x", "\x01", "\u202e", "*", "!a", "#a"):
        assert build().judge(entry(path)) is None, path


def test_long_lists_of_patterns_match_like_short_ones() -> None:
    words = [f"part{n:05}" for n in range(3000)]
    rules = build(never(*(f"{word}/*.cfg" for word in words)))
    for word in words[::100]:
        excluded = rules.judge(entry(f"{word}/a.cfg"))
        assert excluded is not None
        assert excluded.pattern == f"{word}/*.cfg"
    assert rules.judge(entry("part99999/a.cfg")) is None


def test_a_later_pattern_of_a_long_list_takes_back() -> None:
    rules = build(never("secret.txt", *(f"name{n}" for n in range(500)), "!secret.txt"))
    assert rules.judge(entry("secret.txt")) is None


def test_posix_classes_work_inside_brackets() -> None:
    rules = build(never("core.[[:digit:]]", "[[:upper:]]x"))
    assert rules.judge(entry("core.7")) is not None
    assert rules.judge(entry("Ax")) is not None
    assert rules.judge(entry("core.x")) is None


@pytest.mark.parametrize("pattern", ["!", "\\", "x" * 2000, "[z-a]"])
def test_a_pattern_that_means_nothing_is_refused_with_its_line(pattern: str) -> None:
    with pytest.raises(BundleInvalid, match=r"boundary\.yaml:9: "):
        build(never(pattern))


def test_a_component_pattern_that_means_nothing_is_refused_by_name() -> None:
    with pytest.raises(BundleInvalid, match="component ui: "):
        build(source=replace(SOURCE, components=(Component("ui", ("!",), 1, "a"),)))


def test_a_secret_rule_on_paths_excludes_unless_allowed() -> None:
    rule = SecretRule("keystore-file", "", "", path=r"\.store$", file="secrets/files.toml", line=4)
    allow = Allow("keystore-file", ("public/",), "team-platform", "Published", 50)
    rules = build(secrets=(rule,), allow=(allow,))
    assert rules.judge(entry("a/x.store")) == Excluded(
        "a/x.store", "EXCL-SENSITIVE", "secret rule keystore-file", "secrets/files.toml:4", "", 1, REST
    )
    assert rules.judge(entry("public/x.store")) is None
    assert rules.path_decision("a/x.store").excluded is not None


def test_what_a_worker_needs_pickles() -> None:
    source = replace(SOURCE, components=(Component("ui", ("ui/",), 1, "a"),))
    secrets = SecretRules((SecretRule("r", "", "x"),), (Allowlist(stopwords=("y",)),))
    rules = IngestRules(BoundaryRules(Limits(), (never("*.pem"),), EVERYTHING), secrets, (), "bnd1:0")
    ignores = RepositoryIgnores(((".aiexclude", b"*.txt\n"),))
    copy = pickle.loads(pickle.dumps((rules, source, ignores)))  # noqa: S301 - made on this line
    assert Filter.compile(*copy).judge(entry("a.txt")) == Filter.compile(rules, source, ignores).judge(entry("a.txt"))


def shipped() -> IngestRules:
    boundary_root = load((BUNDLE / "boundary.yaml").read_bytes(), "boundary.yaml")
    pii_root = load((BUNDLE / "pii.yaml").read_bytes(), "pii.yaml")
    rules = IngestRules(read_boundary(boundary_root), SecretRules(()), read_pii(pii_root, (3, 4)), "bnd1:0")
    assert boundary_root.problems == []
    assert pii_root.problems == []
    return rules


@pytest.mark.parametrize(
    ("code", "paths"),
    [
        (
            "EXCL-NEVER-INGEST",
            """deploy/prod.env .env .env.local a/.env.production deploy/tls.pem home/.ssh/config id_ed25519
            infra/terraform.tfstate
            infra/terraform.tfstate.backup .aws/credentials .npmrc .pypirc .git-credentials .netrc kubeconfig
            ops/prod.kubeconfig
            etc/.htpasswd backup/users.sql.gz data/app.sqlite3 x.p12 X.PFX release.jks .docker/config.json prod.tfvars
            .bash_history""",
        ),
        (
            "EXCL-GENERATED",
            """node_modules/a/index.js vendor/x/y.go web/app.min.js web/dist/js/app.js static/app.js.map api/v1/a_pb2.py
            api/a.pb.go""",
        ),
        (
            None,
            """.env.example .env.sample src/main.py uv.lock package-lock.json yarn.lock go.sum Cargo.lock poetry.lock
            docs/env.md
            migrations/0001_init.sql src/keys.py src/credentials.py secrets/rules.toml Makefile .gitignore Dockerfile LICENSE
            src/environment.ts config/settings.json .github/workflows/ci.yml distribution/main.js src/vendor.py README.md""",
        ),
    ],
)
def test_the_shipped_boundary_decides_as_people_expect(code: str | None, paths: str) -> None:
    rules = Filter.compile(shipped(), SOURCE, RepositoryIgnores())
    found = {path: rules.judge(entry(path)) for path in paths.split()}
    assert {path: e.code if e else None for path, e in found.items()} == dict.fromkeys(paths.split(), code)


def test_every_shipped_zone_says_why() -> None:
    assert [zone.name for zone in shipped().boundary.zones if not zone.reason] == []


def test_the_shipped_boundary_restricts_incidents_and_logs() -> None:
    rules = Filter.compile(shipped(), SOURCE, RepositoryIgnores())
    assert rules.path_decision("docs/incidents/2026-09.md").labels == ("incident",)
    logs = Filter.compile(shipped(), replace(SOURCE, content=ContentKind.LOGS), RepositoryIgnores())
    assert logs.path_decision("app.log").labels == ("logs",)
