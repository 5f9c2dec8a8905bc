"""Which parser reads which file, decided by its path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from contextd.manifests import cargo, golang, npm, pypi, requirements, yarn
from contextd.manifests.manifest import Manifest, ManifestError

Parser = Callable[[str, str], Manifest]
"""Takes a path and its text with LF line ends, gives its manifest, raises ManifestError."""

_BY_NAME: Final[dict[str, Parser]] = {
    "pyproject.toml": pypi.parse_pyproject,
    "uv.lock": pypi.parse_lock,
    "poetry.lock": pypi.parse_lock,
    "package.json": npm.parse_package,
    "package-lock.json": npm.parse_lock,
    "npm-shrinkwrap.json": npm.parse_lock,
    "yarn.lock": yarn.parse_lock,
    "go.mod": golang.parse_mod,
    "Cargo.toml": cargo.parse_manifest,
    "Cargo.lock": cargo.parse_lock,
}
_REQUIREMENTS = re.compile(r"(?:[^/]*/)*(?:[^/]*requirements[^/]*\.(?:txt|in)|requirements/[^/]+\.(?:txt|in))\Z")

MAX_BYTES: Final = 64 << 20


def parser_of(path: str) -> Parser | None:
    """The parser for the file at ``path``; None when it is no manifest that is known here."""
    known = _BY_NAME.get(path.rpartition("/")[2])
    return known or (requirements.parse if _REQUIREMENTS.match(path) else None)


def parse(path: str, text: bytes) -> Manifest:
    """Parse the manifest at ``path``, whose ``parser_of`` is not None.

    Raises ManifestError, and nothing else, when it is not what its name claims, not UTF-8 or over 64 MiB.
    """
    parser = parser_of(path)
    if parser is None:
        raise ManifestError(path, 1, "a manifest; its name is none that is known")
    if len(text) > MAX_BYTES:
        raise ManifestError(path, 1, f"at most {MAX_BYTES:,} bytes, it has {len(text):,}")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(path, text.count(b"\n", 0, error.start) + 1, "UTF-8") from error
    return parser(path, decoded.replace("\r\n", "\n"))
