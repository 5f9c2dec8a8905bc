"""Python projects: pyproject.toml (PEP 621, PEP 735, Poetry), and the locks of uv and Poetry.

Formats: https://packaging.python.org/en/latest/specifications/pyproject-toml/ and …/dependency-groups/,
https://python-poetry.org/docs/pyproject/, https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from packaging.utils import canonicalize_name

from contextd.manifests import toml
from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, ManifestError, Runtime, Scope
from contextd.manifests.requirements import dependency


def parse_pyproject(path: str, text: str) -> Manifest:
    """Parse pyproject.toml: what the project, its extras and groups, its build and Poetry's tables declare."""
    root = toml.load(path, text)
    places = toml.places(text)
    project = toml.table(root.get("project"))
    poetry = toml.table(toml.table(root.get("tool")).get("poetry"))
    found = [*_pep508(root, path, places), *_poetry(poetry, path, places)]
    runtimes = []
    if declared := toml.string(project.get("requires-python")):
        runtimes.append(Runtime("python", declared, path, places.line("project", "requires-python")))
    elif declared := _version_of(toml.table(poetry.get("dependencies")).get("python")):
        runtimes.append(Runtime("python", declared, path, places.line("tool", "poetry", "dependencies", "python")))
    name = toml.string(project.get("name")) or toml.string(poetry.get("name"))
    return Manifest(path, Ecosystem.PYPI, tuple(found), tuple(runtimes), name)


def _pep508(root: toml.Table, path: str, places: toml.Places) -> Iterator[Dependency]:
    project = toml.table(root.get("project"))
    arrays: list[tuple[tuple[str, ...], object, Scope]] = [
        (("project", "dependencies"), project.get("dependencies"), Scope.RUNTIME),
        (("build-system", "requires"), toml.table(root.get("build-system")).get("requires"), Scope.BUILD),
    ]
    for extra, items in toml.table(project.get("optional-dependencies")).items():
        arrays.append((("project", "optional-dependencies", extra), items, Scope.OPTIONAL))
    for group, items in toml.table(root.get("dependency-groups")).items():
        arrays.append((("dependency-groups", group), items, Scope.DEV))
    for key, items, scope in arrays:
        for index, item in enumerate(toml.strings(items)):
            declared = dependency(item, path, places.item(index, *key), scope)
            if declared:
                yield declared


def _poetry(poetry: toml.Table, path: str, places: toml.Places) -> Iterator[Dependency]:
    tables: list[tuple[tuple[str, ...], object, Scope]] = [
        (("dependencies",), poetry.get("dependencies"), Scope.RUNTIME),
        (("dev-dependencies",), poetry.get("dev-dependencies"), Scope.DEV),
    ]
    for group, content in toml.table(poetry.get("group")).items():
        tables.append((("group", group, "dependencies"), toml.table(content).get("dependencies"), Scope.DEV))
    for key, content, scope in tables:
        for name, value in toml.table(content).items():
            if name == "python":
                continue
            optional = toml.table(value).get("optional") is True
            yield Dependency(
                canonicalize_name(name),
                Ecosystem.PYPI,
                _version_of(value),
                "",
                path,
                places.line("tool", "poetry", *key, name),
                Scope.OPTIONAL if optional else scope,
            )


def _version_of(value: object) -> str:
    """Poetry writes a version as a string or as ``{version = …}``; of several alternatives none can be compared."""
    return toml.string(value) or toml.string(toml.table(value).get("version"))


_PACKAGE = re.compile(r"^\[\[package\]\][ \t]*$", re.MULTILINE)
_VERSION: Final = re.compile(r"^version[ \t]*=", re.MULTILINE)


def parse_lock(path: str, text: str) -> Manifest:
    """Parse uv.lock or poetry.lock: the resolved packages, each at the line of its version."""
    return Manifest(path, Ecosystem.PYPI, tuple(locked_packages(path, text, Ecosystem.PYPI)), lock=True)


def locked_packages(path: str, text: str, ecosystem: Ecosystem) -> Iterator[Dependency]:
    """The ``[[package]]`` tables that the locks of uv, Poetry and Cargo have in common."""
    packages = toml.load(path, text).get("package", [])
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise ManifestError(path, 1, "an array of tables [[package]]")
    starts = [match.end() for match in _PACKAGE.finditer(text)]
    line, counted = 1, 0
    for index, package in enumerate(packages):
        name, version = toml.string(package.get("name")), toml.string(package.get("version"))
        if index < len(starts):
            end = starts[index + 1] if index + 1 < len(starts) else len(text)
            at = _VERSION.search(text, starts[index], end)
            position = at.start() if at else starts[index]
            line, counted = line + text.count("\n", counted, position), position
        if name and version:
            normalized = canonicalize_name(name) if ecosystem is Ecosystem.PYPI else name
            yield Dependency(normalized, ecosystem, "", version, path, line, Scope.LOCKED)
