"""pip requirements files: one requirement a line, with continuations, comments, options and hashes.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/. Names, specifiers and markers are read by
``packaging`` (PEP 508). Lines that name a URL, a path or another file declare nothing that can be compared and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, Scope

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_PER_LINE_OPTION = re.compile(r"\s--?[a-z][a-z-]*(?:[=\s]|$).*")
_DEV_NAME = re.compile(r"(?:^|[-_./])(?:dev|develop|development|test|tests|testing|lint|docs?|ci|typing|bench\w*)(?=[-_./]|$)")
_BEFORE_SPECIFIER = re.compile(r"\A\s*[\w.-]+\s*(?:\[[^\]]*\])?")
_EXACT = re.compile(r"===?\s*([^*,\s]+)\Z")


def parse(path: str, text: str) -> Manifest:
    """Parse a requirements file; a pin (``==``) is declared and resolved in one."""
    scope = Scope.DEV if _DEV_NAME.search(path.lower()) else Scope.RUNTIME
    found = []
    for line, statement in _statements(text):
        declared = dependency(statement, path, line, scope)
        if declared:
            found.append(declared)
    return Manifest(path, Ecosystem.PYPI, tuple(found))


def dependency(requirement: str, path: str, line: int, scope: Scope) -> Dependency | None:
    """The dependency that a PEP 508 requirement declares, its specifier as written; None when it is none or names a URL."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return None
    if parsed.url:
        return None
    declared = _BEFORE_SPECIFIER.sub("", requirement.partition(";")[0]).strip("() \t")
    exact = _EXACT.match(declared)
    return Dependency(canonicalize_name(parsed.name), Ecosystem.PYPI, declared, exact[1] if exact else "", path, line, scope)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first physical line, without comments and options."""
    joined, start = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        start = start or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1] + " "
            continue
        statement = _PER_LINE_OPTION.sub("", _COMMENT.sub("", joined + line)).strip()
        if statement and not statement.startswith("-"):
            yield start, statement
        joined, start = "", 0
