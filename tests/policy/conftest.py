from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contextd.model.access import Grant, Role
from contextd.policy.access import Permit
from contextd.policy.bundle import Bundle, load_bundle

DEFAULT = Path(__file__).parents[2] / "boundaries"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

BOUNDARY = """\
schema: contextd.dev/boundary/v1
limits: {file: 1MiB, line: 64KiB, decompressed: 8MiB}
zones:
  - {name: credentials, action: never-ingest, paths: ["*.env", "*.pem"], reason: Keys are never context.}
  - {name: generated, action: never-ingest, paths: ["vendor/"], code: EXCL-GENERATED}
  - {name: fixtures, action: redact, paths: ["tests/fixtures/"], tiers: [1, 2], kinds: [git]}
  - {name: incidents, action: restrict, labels: [incident], paths: ["docs/incidents/"], contents: [repo], components: [core]}
admit:
  - {kinds: [git, directory], paths: ["*"]}
allow:
  - {rule: acme-token, paths: ["tests/data/"], owner: team-platform, reason: Published samples}
export_ignore: true
"""
PII = """\
schema: contextd.dev/pii/v1
entities:
  - {entity: EMAIL_ADDRESS, action: keep, tiers: [1], contents: [docs]}
  - {entity: EMAIL_ADDRESS, action: redact, allow_domains: [example.org], min_score: 0.5}
  - {entity: US_SSN, action: exclude-document, context: [ssn, social]}
"""
SECRETS = """\
[[rules]]
id = "acme-token"
description = "Acme"
regex = '''acme_[0-9a-f]{32}'''
entropy = 3.5
"""
OURS = ("access.cedar", "access.cedarschema", "pathways.yaml", "tiers.yaml", "freshness.yaml", "drift.yaml")


def whole() -> dict[str, bytes]:
    files = {name: (DEFAULT / name).read_bytes() for name in OURS}
    return files | {"boundary.yaml": BOUNDARY.encode(), "pii.yaml": PII.encode(), "secrets/acme.toml": SECRETS.encode()}


@pytest.fixture
def bundle_files() -> dict[str, bytes]:
    """A whole valid bundle: the default one's serving part, and an ingest part with every kind of key."""
    return whole()


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return load_bundle(whole())


@pytest.fixture(scope="session")
def permit(bundle: Bundle) -> Permit:
    return Permit(bundle)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def grant() -> Callable[..., Grant]:
    """Make a live grant for dev@example.org; keywords change it."""

    def make(role: str = "reader", scope: str = "all", **changes: object) -> Grant:
        given: dict[str, object] = {
            "principal": "dev@example.org",
            "requester": "dev@example.org",
            "rationale": "works on it",
            "approver": "steward@example.org",
            "created_at": NOW - timedelta(days=1),
            "review_by": NOW + timedelta(days=30),
        }
        return Grant(role=Role(role), scope=scope, **(given | changes))  # type: ignore[arg-type]  # keywords of a test

    return make
