"""The policy bundle: read, checked as a whole, and named by digests of what it says rather than of how it is written."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import rfc8785

from contextd.merkle.tlv import tlv
from contextd.model.errors import BundleInvalid
from contextd.policy.boundaryfile import read_boundary, read_pii, unknown_rules
from contextd.policy.cedar import POLICIES, SCHEMA, AccessPolicy, read_access
from contextd.policy.detection import DriftRules, FreshnessRules
from contextd.policy.detectionfile import read_drift, read_freshness
from contextd.policy.facts import usual_calls
from contextd.policy.pathways import Pathways, read_pathways
from contextd.policy.rules import IngestRules
from contextd.policy.secretrules import parse_secret_rules
from contextd.policy.tiers import LOCKED_FROM, TierRules, read_tiers
from contextd.yamlfile import MAX_BYTES, Node, load

_YAML = ("boundary.yaml", "drift.yaml", "freshness.yaml", "pathways.yaml", "pii.yaml", "tiers.yaml")
REQUIRED = tuple(sorted((*_YAML, POLICIES, SCHEMA)))
"""The files that every bundle has; besides them it has at least one ``secrets/*.toml``."""

_SECRETS = re.compile(r"secrets/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.toml\Z", re.ASCII)
_LINE = b"contextd.dev/bundle/v1\n"
_INGEST = frozenset({"boundary.yaml", "pii.yaml"})
_PLACE = re.compile(r"(.*?):(\d+): ", re.DOTALL)
_MEND = "mend what is named here, then run the command again; nothing was changed"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A valid bundle. ``digest`` (``bnd1:…``) covers every file; ``ingest`` has its own over what decides ingestion.

    ``tiers`` has all of 1-4; ``files`` are the bytes as given, by name.
    """

    digest: str
    ingest: IngestRules
    tiers: Mapping[int, TierRules]
    pathways: Pathways
    freshness: FreshnessRules
    drift: DriftRules
    access: AccessPolicy
    files: Mapping[str, bytes]


def load_bundle(files: Mapping[str, bytes]) -> Bundle:
    """Parse and check the files of a bundle, by name (``boundary.yaml``, ``secrets/cloud.toml``).

    Raises:
        BundleInvalid: with every problem of every file, each ``file:line: what; mend``, by file and line.
    """
    problems = _strangers(files)
    roots = {name: load(files.get(name, b""), name) for name in _YAML if name in files}
    secret_files = sorted((name, data) for name, data in files.items() if _SECRETS.match(name))
    missing = Node("", 1, "", None, [])
    boundary_root = roots.get("boundary.yaml", missing)
    boundary = read_boundary(boundary_root)
    secrets, secret_problems = parse_secret_rules(secret_files)
    if not secret_problems and secret_files:
        unknown_rules(boundary_root, boundary, [rule.id for rule in secrets.rules])
    pathways = read_pathways(roots.get("pathways.yaml", missing))
    known = pathways if "pathways.yaml" in roots and not roots["pathways.yaml"].problems else None
    tiers = read_tiers(roots.get("tiers.yaml", missing), known)
    locked = [tier for tier in range(1, 5) if tier >= LOCKED_FROM or (tier in tiers and tiers[tier].redaction_locked)]
    pii = read_pii(roots.get("pii.yaml", missing), locked)
    freshness = read_freshness(roots.get("freshness.yaml", missing))
    drift = read_drift(roots.get("drift.yaml", missing))
    access: AccessPolicy | None = None
    if POLICIES in files and SCHEMA in files:
        access, access_problems = read_access(files[POLICIES], files[SCHEMA], usual_calls())
        problems += access_problems
    problems += [problem for root in roots.values() for problem in root.problems] + secret_problems
    if problems or access is None:
        raise BundleInvalid(sorted(dict.fromkeys(problems), key=_by_place), hint=_MEND)
    canonical = {name: _canonical(name, data, roots) for name, data in files.items()}
    ingest = {name: form for name, form in canonical.items() if name in _INGEST or _SECRETS.match(name)}
    return Bundle(
        digest=_digest(canonical),
        ingest=IngestRules(boundary, secrets, pii, _digest(ingest)),
        tiers=tiers,
        pathways=pathways,
        freshness=freshness,
        drift=drift,
        access=access,
        files=dict(files),
    )


def _strangers(files: Mapping[str, bytes]) -> list[str]:
    lacking = [f"{name}:1: the file is missing; every bundle has one, write it" for name in REQUIRED if name not in files]
    if not any(_SECRETS.match(name) for name in files):
        lacking.append("secrets:1: the folder has no rule file; put at least one .toml into it")
    names = sorted(name for name in files if name not in REQUIRED and not _SECRETS.match(name))
    return lacking + [f"{name}:1: not a file of a bundle; remove it or correct its name" for name in names]


def _by_place(problem: str) -> tuple[str, int, str]:
    match = _PLACE.match(problem)
    return (match[1], int(match[2]), problem) if match else (problem, 0, problem)


def _canonical(name: str, data: bytes, roots: Mapping[str, Node]) -> bytes:
    """RFC 8785 JSON of YAML and TOML, Cedar as it is; of files in which no problem was found."""
    if name in roots:
        return rfc8785.dumps(roots[name].plain())
    return rfc8785.dumps(tomllib.loads(data.decode())) if _SECRETS.match(name) else data


def _digest(canonical: Mapping[str, bytes]) -> str:
    """DESIGN section 4: SHA-256 over the line of the format and name, canonical form, … by name."""
    parts = [part for name in sorted(canonical) for part in (name, canonical[name])]
    return f"bnd1:{sha256(_LINE + tlv(*parts)).hexdigest()}"


def read_bundle(folder: Path) -> Mapping[str, bytes]:
    """Read the files of a bundle from ``folder``: known names only, anything else in it is left alone.

    Raises:
        BundleInvalid: the folder or a required file is missing, a file cannot be read, is not a regular one, is over
            1 MiB, or is a symbolic link that leads out of the folder; with every such problem.
    """
    secrets = folder / "secrets"
    try:
        if not folder.is_dir():
            raise BundleInvalid([f"{folder}:1: no such folder; name the folder of a bundle"], hint=_MEND)
        names = [*REQUIRED, *sorted(f"secrets/{path.name}" for path in (secrets.iterdir() if secrets.is_dir() else ()))]
    except OSError as error:
        what = f"{error.filename or folder}:1: cannot be listed ({error.strerror}); mend its permissions"
        raise BundleInvalid([what], hint=_MEND) from error
    problems: list[str] = []
    files: dict[str, bytes] = {}
    for name in names:
        if name in REQUIRED or _SECRETS.match(name):
            data = _read(folder, name, problems)
            if data is not None:
                files[name] = data
    told = {_by_place(problem)[0] for problem in problems}
    problems += [problem for problem in _strangers(files) if _by_place(problem)[0] not in told]
    if problems:
        raise BundleInvalid(sorted(problems, key=_by_place), hint=_MEND)
    return files


def _read(folder: Path, name: str, problems: list[str]) -> bytes | None:
    """The bytes of one file; None when it is not there, or when a problem says why it is not read."""
    path = folder / name
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve(strict=True)):
            problems.append(f"{name}:1: a link out of the folder; put the file itself there")
        elif not stat.S_ISREG((found := path.stat()).st_mode):
            problems.append(f"{name}:1: not a regular file; put one there")
        elif found.st_size > MAX_BYTES:
            problems.append(f"{name}:1: {found.st_size:,} bytes; split it up, a file may have {MAX_BYTES:,}")
        else:
            return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            problems.append(f"{name}:1: a link to nothing; put the file itself there")
    except (OSError, RuntimeError) as error:  # RuntimeError: how Python 3.11 reports a loop of links
        problems.append(
            f"{name}:1: cannot be read ({getattr(error, 'strerror', None) or error}); mend the file or its permissions"
        )
    return None
