"""What the manifests nearest to a document say about one name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from packaging.utils import canonicalize_name

from contextd.detect.tree import folder_of
from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, ManifestError, Runtime, Scope
from contextd.manifests.ranges import Range, range_of, release_of

_RUNTIMES: Final = {
    "python": "python",
    "cpython": "python",
    "node": "node",
    "node.js": "node",
    "nodejs": "node",
    "go": "go",
    "golang": "go",
    "rust": "rust",
    "rustc": "rust",
    "msrv": "rust",
}
_ECOSYSTEM_OF: Final = {"python": Ecosystem.PYPI, "node": Ecosystem.NPM, "go": Ecosystem.GOLANG, "rust": Ecosystem.CARGO}
_WORKSPACE_ROOTS: Final = ("pnpm-workspace.yaml", "lerna.json")
_COUNTED: Final = frozenset({Scope.RUNTIME, Scope.OPTIONAL, Scope.PEER})
_ALSO_A_PROGRAM_WORDS: Final = (
    "ansible bash cargo cassandra chromium clickhouse cmake consul cuda docker docker-compose elasticsearch etcd ffmpeg gcc "
    "git gradle graphviz grpc helm influxdb java jupyter kafka kubectl kubernetes librdkafka make maven memcached meson "
    "minio mongo mongodb mysql nats neo4j nginx ninja npm openssl opensearch pandoc pip pnpm poetry postgres postgresql "
    "protobuf protoc rabbitmq redis ruby selenium setuptools solr spark sqlite sqlite3 terraform tesseract tox uv vault "
    "wheel yarn zookeeper"
)
_ALSO_A_PROGRAM: Final = frozenset(_ALSO_A_PROGRAM_WORDS.split())
"""Names of packages that are clients, bindings or wrappers of a program of the same name, whose version a text means."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Reality for one name: what a manifest asks for and what a lock file resolves it to, each where there is one.

    ``ends`` are those of the declared range; ``locked`` has every resolved version that the declared range admits.
    """

    name: str
    asked: Dependency | Runtime
    ends: Range | None
    locked: tuple[Dependency, ...] = ()


class Declarations:
    """Looks names up in the manifests of a corpus, nearest folder first.

    ``files`` are the listed paths: beside ``pnpm-workspace.yaml`` or ``lerna.json`` a package.json speaks for its tooling only.
    """

    def __init__(self, manifests: Mapping[str, Manifest | ManifestError], files: Collection[str] = ()) -> None:
        self._by_folder: dict[str, list[Manifest]] = {}
        self._files = files
        for path in sorted(manifests):
            manifest = manifests[path]
            if isinstance(manifest, Manifest):
                self._by_folder.setdefault(_home(path), []).append(manifest)

    def own_names(self, document: str) -> frozenset[str]:
        """What the projects call themselves whose manifests are nearest to ``document``, lower-case."""
        for folder in _upwards(folder_of(document)):
            found = frozenset(name for manifest in self._by_folder.get(folder, ()) for name in _called(manifest.name))
            if found:
                return found
        return frozenset()

    def find(self, document: str, name: str) -> Stated | None:
        """What is stated about ``name`` nearest to ``document``.

        None when nothing is, when manifests of one folder differ or are of several ecosystems, and for names that also mean a
        program: a client library's version says nothing about the server's.
        """
        runtime = _RUNTIMES.get(name)
        if runtime:
            return self._runtime(document, runtime)
        if name in _ALSO_A_PROGRAM:
            return None
        for folder in _upwards(folder_of(document)):
            asked = [
                dependency
                for manifest in self._by_folder.get(folder, ())
                for dependency in manifest.dependencies
                if dependency.scope in _COUNTED
                and dependency.declared
                and dependency.name.lower() in _spellings(name, dependency)
            ]
            if asked:
                return self._stated(folder, asked)
        return None

    def _runtime(self, document: str, name: str) -> Stated | None:
        for folder in _upwards(folder_of(document)):
            asked = [runtime for m in self._by_folder.get(folder, ()) for runtime in m.runtimes if runtime.name == name]
            if name == "node" and any(f"{folder}/{root}".lstrip("/") in self._files for root in _WORKSPACE_ROOTS):
                return None
            if asked:
                first = asked[0]
                same = all(runtime.declared == first.declared for runtime in asked)
                return Stated(name, first, range_of(first.declared, _ECOSYSTEM_OF[name])) if same else None
        return None

    def _stated(self, folder: str, asked: list[Dependency]) -> Stated | None:
        first = next((one for one in asked if one.scope is Scope.PEER), asked[0])
        alike = [one for one in asked if one.scope is first.scope]
        if len({one.ecosystem for one in asked}) > 1 or len({one.declared for one in alike}) > 1:
            return None
        ends = range_of(first.declared, first.ecosystem)
        return Stated(first.name, first, ends, tuple(self._locked(folder, first, ends)))

    def _locked(self, folder: str, asked: Dependency, ends: Range | None) -> Iterator[Dependency]:
        """Resolved versions from the nearest lock at or above ``folder``; npm's peers are the reader's to resolve."""
        if asked.scope is Scope.PEER:
            return
        if asked.resolved:
            yield asked
            return
        for above in _upwards(folder):
            locks = [m for m in self._by_folder.get(above, ()) if m.lock and m.ecosystem is asked.ecosystem]
            found = [one for lock in locks for one in lock.dependencies if one.name == asked.name]
            exact = [one for one in found if one.declared == asked.declared]
            yield from exact or [one for one in found if not one.declared and (len(found) == 1 or _admits(ends, one.resolved))]
            if locks:
                return


def _home(path: str) -> str:
    """The folder that a manifest speaks for: ``requirements/base.txt`` for the folder above."""
    folder = folder_of(path)
    return folder_of(folder) if folder.rpartition("/")[2] == "requirements" else folder


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder:
        folder = folder_of(folder)
        yield folder


def _called(name: str) -> Iterator[str]:
    """A project's name, and for a scoped or nested one its last part."""
    if name:
        yield name.lower()
        yield name.lower().rpartition("/")[2]


def _spellings(name: str, dependency: Dependency) -> frozenset[str]:
    """How a text may write the name of ``dependency``: Python's names fold ``-_.``, Go modules by their last part too."""
    if dependency.ecosystem is Ecosystem.PYPI:
        folded = canonicalize_name(name)
        return frozenset({folded, folded.replace("-", "")})
    spelled = {name, name.replace(".", ""), name.removesuffix(".js"), name.removesuffix("js").rstrip(".")}
    return frozenset(
        spelled | {one.replace("-", "_") for one in spelled} if dependency.ecosystem is Ecosystem.CARGO else spelled
    )


def _admits(ends: Range | None, version: str) -> bool:
    """Whether a resolved version lies within the ends of a declared range, as far as both are known."""
    release = release_of(version)
    if ends is None or release is None:
        return True
    padded = release + (0,) * 6
    above = ends.lower is None or padded >= ends.lower
    return above and (ends.upper is None or padded[: len(ends.upper)] < ends.upper)
