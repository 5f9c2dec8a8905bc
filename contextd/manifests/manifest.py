"""What a manifest declares and a lock file resolves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contextd.model.errors import InvalidInput


class Ecosystem(StrEnum):
    """Package ecosystems, by the names that package URLs use."""

    PYPI = "pypi"
    NPM = "npm"
    GOLANG = "golang"
    CARGO = "cargo"


class Scope(StrEnum):
    """What a dependency is needed for. ``PEER`` is npm's: the reader's project brings it; ``LOCKED`` is a lock file's entry."""

    RUNTIME = "runtime"
    OPTIONAL = "optional"
    PEER = "peer"
    DEV = "dev"
    BUILD = "build"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One declared or resolved dependency and where it stands (``path:line``, lines from 1).

    ``name`` is as the ecosystem normalizes it. ``declared`` is the range as written: empty where none is, or where a
    workspace's root has it. ``resolved`` is the exact version that a lock file, or go.mod, settles on; empty otherwise.
    """

    name: str
    ecosystem: Ecosystem
    declared: str
    resolved: str
    path: str
    line: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class Runtime:
    """A language runtime that a manifest asks for: ``python``, ``node``, ``go`` or ``rust``, with the range as written."""

    name: str
    declared: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest or lock file. ``name`` is the project's own name where it says one; ``lock`` tells lock files apart."""

    path: str
    ecosystem: Ecosystem
    dependencies: tuple[Dependency, ...]
    runtimes: tuple[Runtime, ...] = ()
    name: str = ""
    lock: bool = False


class ManifestError(InvalidInput):
    """A file is not what its name claims: in which line (from 1), and what was expected there."""

    default_reason = "MANIFEST_UNREADABLE"

    def __init__(self, path: str, line: int, expected: str) -> None:
        super().__init__(f"{path}:{line}: expected {expected}", path=path, line=str(line))
        self.path = path
        self.line = line
        self.expected = expected
