"""What the ingest part of a bundle says, as values: boundary zones, secret rules, personal-data rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ZoneAction(StrEnum):
    """What a zone does to the paths it names."""

    NEVER_INGEST = "never-ingest"
    REDACT = "redact"
    RESTRICT = "restrict"


@dataclass(frozen=True, slots=True)
class Zone:
    """A boundary zone. Empty ``tiers``, ``kinds``, ``contents`` and ``components`` mean every one.

    ``paths`` are gitignore patterns. ``code`` is the exclusion code of a never-ingest zone; ``labels`` go onto what a restrict
    zone covers; ``line`` is where it stands in ``boundary.yaml``, from 1.
    """

    name: str
    action: ZoneAction
    paths: tuple[str, ...]
    line: int
    code: str = "EXCL-NEVER-INGEST"
    labels: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes: of a file, of one line, of what a compressed view may grow to."""

    file: int = 1 << 20
    line: int = 64 << 10
    decompressed: int = 8 << 20


@dataclass(frozen=True, slots=True)
class Admit:
    """What may be context at all: gitignore patterns for some source kinds (empty means every kind)."""

    paths: tuple[str, ...]
    line: int
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allow:
    """A standing allowance: findings of secret rule ``rule`` under ``paths`` are not redacted. Never dated."""

    rule: str
    paths: tuple[str, ...]
    owner: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class BoundaryRules:
    """``boundary.yaml``. ``export_ignore`` makes that git attribute a denial too; it often names tests, so it is asked for."""

    limits: Limits
    zones: tuple[Zone, ...]
    admit: tuple[Admit, ...]
    allow: tuple[Allow, ...] = ()
    export_ignore: bool = False


@dataclass(frozen=True, slots=True)
class Allowlist:
    """A gitleaks allow-list: what it matches is not a secret. ``condition`` is OR or AND over the kinds that are given.

    ``target`` is what ``regexes`` look at: secret, match or line.
    """

    regexes: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    target: str = "secret"
    condition: str = "OR"


@dataclass(frozen=True, slots=True)
class SecretRule:
    """One rule in the gitleaks format. ``regex`` is RE2 syntax, empty for a rule on paths only; ``entropy`` 0 asks for none.

    ``secret_group`` 0 means the first group, or the whole match when there is none.
    """

    id: str
    description: str
    regex: str
    secret_group: int = 0
    entropy: float = 0.0
    keywords: tuple[str, ...] = ()
    path: str = ""
    allowlists: tuple[Allowlist, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class SecretRules:
    """All secret rules of a bundle, and the allow-lists that hold for each of them."""

    rules: tuple[SecretRule, ...]
    allowlists: tuple[Allowlist, ...] = ()


class PiiAction(StrEnum):
    """What is done with a detected entity."""

    KEEP = "keep"
    REDACT = "redact"
    EXCLUDE = "exclude-document"


@dataclass(frozen=True, slots=True)
class PiiRule:
    """What to do with one Presidio entity, by tier and content kind (empty means every one); the first that fits decides.

    ``context`` are words one of which must stand near (empty: none is needed), ``allow_domains`` are e-mail domains left alone.
    """

    entity: str
    action: PiiAction
    line: int
    tiers: tuple[int, ...] = ()
    contents: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    allow_domains: tuple[str, ...] = ()
    min_score: float = 0.4


@dataclass(frozen=True, slots=True)
class IngestRules:
    """The part of a bundle that decides what becomes context, and its digest ``bnd1:…``."""

    boundary: BoundaryRules
    secrets: SecretRules
    pii: tuple[PiiRule, ...]
    digest: str
