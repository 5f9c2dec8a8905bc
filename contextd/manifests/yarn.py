"""Yarn's lock file, classic (v1) and berry (v2 and later): entries by descriptor, each with its version.

Formats: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/ and the YAML that berry writes, which has the same outline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, ManifestError, Scope

_VERSION = re.compile(r"  version:? \"?([^\"\s]+)\"?\s*$")
_DESCRIPTOR = re.compile(r"(?P<name>@?[^@\s]+)@(?:npm:)?(?P<range>.*)\Z")
_HEADER: Final = "# yarn lockfile v1"
_LOCAL: Final = ("workspace:", "patch:", "link:", "portal:", "file:")


def parse_lock(path: str, text: str) -> Manifest:
    """Parse yarn.lock: a dependency for each descriptor (``name@range``), with the version it is resolved to."""
    if text.strip() and _HEADER not in text and "__metadata:" not in text:
        raise ManifestError(path, 1, f"{_HEADER!r} or '__metadata:', which every yarn.lock has")
    return Manifest(path, Ecosystem.NPM, tuple(_entries(path, text)), lock=True)


def _entries(path: str, text: str) -> Iterator[Dependency]:
    descriptors: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line and line[0] not in " #" and line.rstrip().endswith(":"):
            descriptors = [part.strip(' "') for part in line.rstrip()[:-1].strip('"').split(", ")]
        version = _VERSION.match(line)
        if not version:
            continue
        for descriptor in descriptors:
            match = _DESCRIPTOR.match(descriptor)
            if match and not match["range"].startswith(_LOCAL):
                yield Dependency(match["name"], Ecosystem.NPM, match["range"], version[1], path, number, Scope.LOCKED)
        descriptors = []
