"""JavaScript projects: package.json, and npm's lock files of versions 1, 2 and 3.

Formats: https://docs.npmjs.com/cli/configuring-npm/package-json and …/package-lock-json. Of a lock only what is installed at
the top level is read: that is what the project itself resolves a name to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contextd.manifests import json_places
from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, ManifestError, Runtime, Scope

_TABLES: Final = {
    "dependencies": Scope.RUNTIME,
    "optionalDependencies": Scope.OPTIONAL,
    "peerDependencies": Scope.PEER,
    "devDependencies": Scope.DEV,
}
_INSTALLED: Final = "node_modules/"
_PACKAGES_SINCE: Final = 2


def parse_package(path: str, text: str) -> Manifest:
    """Parse package.json: dependencies by table, and ``engines.node``.

    The engines of a workspace's root are those of its tooling, not of the packages in it, and are left out.
    """
    root = json_places.load(path, text)
    lines = json_places.lines(text, depth=2)
    found = [
        Dependency(name, Ecosystem.NPM, declared, "", path, lines.get((key, name), 1), scope)
        for key, scope in _TABLES.items()
        for name, declared in _table(root.get(key)).items()
        if isinstance(declared, str)
    ]
    engine = _table(root.get("engines")).get("node")
    runtimes = []
    if isinstance(engine, str) and "workspaces" not in root:
        runtimes.append(Runtime("node", engine, path, lines.get(("engines", "node"), 1)))
    name = root.get("name")
    return Manifest(path, Ecosystem.NPM, tuple(found), tuple(runtimes), name if isinstance(name, str) else "")


def parse_lock(path: str, text: str) -> Manifest:
    """Parse package-lock.json or npm-shrinkwrap.json: the packages installed at the top level."""
    root = json_places.load(path, text)
    version = root.get("lockfileVersion", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise ManifestError(
            path, json_places.lines(text, depth=1).get(("lockfileVersion",), 1), "lockfileVersion to be a number"
        )
    lines = json_places.lines(text, depth=3)
    read = _packages if version >= _PACKAGES_SINCE else _dependencies
    return Manifest(path, Ecosystem.NPM, tuple(read(root, path, lines)), lock=True)


def _packages(root: Mapping[str, Any], path: str, lines: Mapping[tuple[str, ...], int]) -> Iterator[Dependency]:
    for place, entry in _table(root.get("packages")).items():
        name = place.removeprefix(_INSTALLED)
        version = _table(entry).get("version")
        if place.startswith(_INSTALLED) and _INSTALLED not in name and isinstance(version, str):
            line = lines.get(("packages", place, "version"), 1)
            yield Dependency(name, Ecosystem.NPM, "", version, path, line, Scope.LOCKED)


def _dependencies(root: Mapping[str, Any], path: str, lines: Mapping[tuple[str, ...], int]) -> Iterator[Dependency]:
    for name, entry in _table(root.get("dependencies")).items():
        version = _table(entry).get("version")
        if isinstance(version, str):
            line = lines.get(("dependencies", name, "version"), 1)
            yield Dependency(name, Ecosystem.NPM, "", version, path, line, Scope.LOCKED)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
