from __future__ import annotations

import pytest

from contextd.manifests.manifest import Dependency, Manifest, Scope
from contextd.manifests.registry import parse


def read(path: str, text: str) -> Manifest:
    return parse(path, text.encode())


def rows(manifest: Manifest) -> list[tuple[str, str, str, int, str]]:
    return [(d.name, d.declared, d.resolved, d.line, str(d.scope)) for d in manifest.dependencies]


PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]

[project]
name = "Payments.API"
requires-python = ">=3.11"  # a remark
dependencies = [
  "httpx[http2]>=0.25,<0.26 ; python_version > '3'",  # "click>=8"
  'Django~=4.2',
  "attrs", "zope.interface (>=5)",
  "local @ file:///x",
]
[project.optional-dependencies]
pg = ["psycopg>=3"]

[dependency-groups]
dev = [{include-group = "lint"}, "pytest==8.1.1"]
lint = [
  "ruff",
]
"""


def test_pep_621_and_735_with_the_line_of_each_requirement() -> None:
    manifest = read("api/pyproject.toml", PYPROJECT)
    assert manifest.name == "Payments.API"
    assert [(r.name, r.declared, r.line) for r in manifest.runtimes] == [("python", ">=3.11", 6)]
    assert rows(manifest) == [
        ("httpx", ">=0.25,<0.26", "", 8, "runtime"),
        ("django", "~=4.2", "", 9, "runtime"),
        ("attrs", "", "", 10, "runtime"),
        ("zope-interface", ">=5", "", 10, "runtime"),
        ("hatchling", ">=1.27", "", 2, "build"),
        ("psycopg", ">=3", "", 14, "optional"),
        ("pytest", "==8.1.1", "8.1.1", 17, "dev"),
        ("ruff", "", "", 19, "dev"),
    ]
    assert all(d.path == "api/pyproject.toml" for d in manifest.dependencies)


def test_poetrys_tables() -> None:
    manifest = read(
        "pyproject.toml",
        '[tool.poetry]\nname = "x"\n\n[tool.poetry.dependencies]\npython = "^3.10"\nHttpx = "^0.25"\n'
        'boto3 = { version = "1.2", optional = true }\ngit-dep = { git = "x" }\n\n'
        '[tool.poetry.group.dev.dependencies]\npytest = "*"\n[tool.poetry.dev-dependencies]\nblack = "23"\n',
    )
    assert rows(manifest) == [
        ("httpx", "^0.25", "", 6, "runtime"),
        ("boto3", "1.2", "", 7, "optional"),
        ("git-dep", "", "", 8, "runtime"),
        ("black", "23", "", 13, "dev"),
        ("pytest", "*", "", 11, "dev"),
    ]
    assert [(r.declared, r.line) for r in manifest.runtimes] == [("^3.10", 5)]


def test_a_pyproject_without_a_project_declares_nothing() -> None:
    manifest = read("pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    assert (manifest.dependencies, manifest.runtimes, manifest.name) == ((), (), "")


def test_wrong_types_declare_nothing_and_stop_nothing() -> None:
    text = '[project]\nname = 3\ndependencies = "httpx"\noptional-dependencies = ["x"]\nrequires-python = 3\n'
    assert read("pyproject.toml", text) == Manifest("pyproject.toml", read("requirements.txt", "").ecosystem, ())


def test_requirements_with_every_kind_of_line() -> None:
    text = (
        "# comment\n-r base.txt\n--index-url x\n\nhttpx==0.25.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\r\n"
        "Django >=4.2, <5 ; python_version > '3' # why\n-e .\n./local\nhttps://e.org/x\nclick[x] # all\n\u2028attrs===1.0\n"
    )
    assert rows(read("requirements.txt", text)) == [
        ("httpx", "==0.25.2", "0.25.2", 5, "runtime"),
        ("django", ">=4.2, <5", "", 8, "runtime"),
        ("click", "", "", 12, "runtime"),
        ("attrs", "===1.0", "1.0", 13, "runtime"),
    ]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("requirements.txt", Scope.RUNTIME),
        ("requirements-dev.txt", Scope.DEV),
        ("requirements/test.txt", Scope.DEV),
        ("a/requirements/base.in", Scope.RUNTIME),
        ("docs-requirements.txt", Scope.DEV),
        ("contest-requirements.txt", Scope.RUNTIME),
    ],
)
def test_names_of_requirements_files_tell_their_scope(path: str, scope: Scope) -> None:
    assert read(path, "x==1").dependencies[0].scope is scope


UV = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "Httpx_Core"
version = "0.25.2"
sdist = { version = "9" }

[[package]]
name = "local"
source = { virtual = "." }

[[package]]
name = "b"
version = "2"
"""
POETRY = """\
[[package]]
name = "a"
version = "1.0"

[package.dependencies]
b = ">=1"

[[package]]
name = "b"
version = "1.5"

[metadata]
lock-version = "2.0"
"""


def test_locks_give_every_package_at_the_line_of_its_version() -> None:
    manifest = read("uv.lock", UV)
    assert manifest.lock
    assert rows(manifest) == [("httpx-core", "", "0.25.2", 6, "locked"), ("b", "", "2", 15, "locked")]
    assert rows(read("poetry.lock", POETRY)) == [("a", "", "1.0", 3, "locked"), ("b", "", "1.5", 10, "locked")]


def test_toml_places_survive_strings_that_look_like_structure() -> None:
    text = (
        '[project]\ndescription = """\n[project]\ndependencies = ["fake"]\n"""\nnote = \'a = ["x"]\'\n'
        'dependencies = [\n  "a>=1",\n  # "b>=1",\n\n  "c>=1"\n]\n"quoted" . key = 1'
    )
    manifest = read("pyproject.toml", text)
    assert [(d.name, d.line) for d in manifest.dependencies] == [("a", 8), ("c", 11)]


def test_a_dependency_is_a_plain_value() -> None:
    (one,) = read("requirements.txt", "a==1").dependencies
    assert one == Dependency("a", one.ecosystem, "==1", "1", "requirements.txt", 1, Scope.RUNTIME)
