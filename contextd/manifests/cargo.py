"""Rust projects: Cargo.toml and Cargo.lock.

Format: https://doc.rust-lang.org/cargo/reference/manifest.html. A dependency inherited from the workspace has an empty
``declared``; the workspace's root declares it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contextd.manifests import toml
from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, Runtime, Scope
from contextd.manifests.pypi import locked_packages

_TABLES: Final = {
    "dependencies": Scope.RUNTIME,
    "dev-dependencies": Scope.DEV,
    "build-dependencies": Scope.BUILD,
}


def parse_manifest(path: str, text: str) -> Manifest:
    """Parse Cargo.toml: dependencies by table, target and workspace, and ``rust-version``."""
    root = toml.load(path, text)
    places = toml.places(text)
    workspace = toml.table(root.get("workspace"))
    found = list(_tables(root, (), path, places))
    for target, content in toml.table(root.get("target")).items():
        found.extend(_tables(toml.table(content), ("target", target), path, places))
    found.extend(_table(workspace.get("dependencies"), ("workspace", "dependencies"), Scope.RUNTIME, path, places))
    runtimes = [
        Runtime("rust", declared, path, places.line(*key, "rust-version"))
        for key, content in ((("package",), root.get("package")), (("workspace", "package"), workspace.get("package")))
        if (declared := toml.string(toml.table(content).get("rust-version")))
    ]
    name = toml.string(toml.table(root.get("package")).get("name"))
    return Manifest(path, Ecosystem.CARGO, tuple(found), tuple(runtimes), name)


def parse_lock(path: str, text: str) -> Manifest:
    """Parse Cargo.lock: the resolved packages, each at the line of its version."""
    return Manifest(path, Ecosystem.CARGO, tuple(locked_packages(path, text, Ecosystem.CARGO)), lock=True)


def _tables(root: toml.Table, prefix: tuple[str, ...], path: str, places: toml.Places) -> Iterator[Dependency]:
    for name, scope in _TABLES.items():
        yield from _table(root.get(name), (*prefix, name), scope, path, places)


def _table(content: object, key: tuple[str, ...], scope: Scope, path: str, places: toml.Places) -> Iterator[Dependency]:
    for alias, value in toml.table(content).items():
        details = toml.table(value)
        yield Dependency(
            toml.string(details.get("package")) or alias,
            Ecosystem.CARGO,
            toml.string(value) or toml.string(details.get("version")),
            "",
            path,
            places.line(*key, alias),
            Scope.OPTIONAL if details.get("optional") is True else scope,
        )
