from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.manifests import registry
from contextd.manifests.manifest import ManifestError
from contextd.manifests.registry import parse, parser_of

PATHS = (
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "requirements.txt",
    "package.json",
    "package-lock.json",
    "yarn.lock",
    "go.mod",
    "Cargo.toml",
    "Cargo.lock",
)


@pytest.mark.parametrize(
    ("path", "known"),
    [
        *((path, True) for path in PATHS),
        ("a/b/requirements-dev.txt", True),
        ("dev_requirements.in", True),
        ("requirements/base.txt", True),
        ("requirements.md", False),
        ("my-package.json", False),
        ("cargo.toml", False),
        ("notes/requirements/readme.md", False),
    ],
)
def test_the_path_decides_what_is_a_manifest(path: str, known: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (parser_of(path) is not None) is known


@pytest.mark.parametrize(
    ("path", "text", "line", "expected"),
    [
        ("pyproject.toml", b"[project]\nname = \n", 2, "TOML (Invalid value)"),
        ("pyproject.toml", b"[project]\nname = 'x'\nname = 'y'\n", 3, "TOML (Cannot overwrite a value)"),
        ("pyproject.toml", b"a = " + b"[" * 9000, 1, "TOML nested less deeply"),
        ("uv.lock", b"package = 3\n", 1, "an array of tables [[package]]"),
        ("Cargo.lock", b"package = ['a']\n", 1, "an array of tables [[package]]"),
        ("package.json", b'{\n  "a": 1,\n}', 3, "JSON (Expecting property name enclosed in double quotes)"),
        ("package.json", b"[1]", 1, "a JSON object"),
        ("package.json", b"[" * 200_000, 1, "JSON nested less deeply"),
        ("package-lock.json", b'{\n"lockfileVersion": "x"}', 2, "lockfileVersion to be a number"),
        ("yarn.lock", b"lockfileVersion: 9\n", 1, "'# yarn lockfile v1' or '__metadata:', which every yarn.lock has"),
        ("go.mod", b"module x\n\nrequire github.com/a/b\n", 3, "a module path and a version such as v1.2.3"),
        ("go.mod", b"module x\nreplace a =>\n", 2, "a module path on both sides of =>"),
        ("go.mod", b"module x\n<html>\n", 2, "a directive of go.mod, not '<html>'"),
        ("go.mod", b"go 1.22\n", 1, "a module directive"),
        ("requirements.txt", b"a==1\n\xff\n", 2, "UTF-8"),
        ("README.md", b"", 1, "a manifest; its name is none that is known"),
    ],
)
def test_what_is_not_what_its_name_claims_is_told_with_its_line(path: str, text: bytes, line: int, expected: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(path, text)
    error = caught.value
    assert (error.path, error.line) == (path, line)
    assert error.expected.startswith(expected.removesuffix(")"))
    assert str(error) == f"{path}:{line}: expected {error.expected}"
    assert error.reason == "MANIFEST_UNREADABLE"


def test_numbers_of_thousands_of_digits_are_an_error_and_not_a_crash() -> None:
    for path, text in (("package.json", '{"a": ' + "9" * 5000 + "}"), ("pyproject.toml", "a = " + "9" * 5000)):
        with pytest.raises(ManifestError):
            parse(path, text.encode())


def test_a_manifest_over_the_limit_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_BYTES", 10)
    with pytest.raises(ManifestError, match="at most 10 bytes, it has 11"):
        parse("requirements.txt", b"a==1.0.0.0\n")


@pytest.mark.parametrize("path", PATHS)
def test_a_byte_order_mark_and_crlf_change_nothing(path: str) -> None:
    text = {
        "requirements.txt": "a==1\nb==2\n",
        "package.json": '{\n"name": "x",\n"dependencies": {"a": "1"}\n}\n',
        "package-lock.json": '{\n"lockfileVersion": 3,\n"packages": {"node_modules/a": {"version": "1"}}\n}\n',
        "yarn.lock": '# yarn lockfile v1\n\na@^1:\n  version "1.0.0"\n',
        "go.mod": "module x\n\ngo 1.22\n",
        "pyproject.toml": '[project]\nname = "x"\ndependencies = [\n"a>=1",\n]\n',
        "Cargo.toml": '[dependencies]\na = "1"\n',
    }.get(path, '[[package]]\nname = "a"\nversion = "1"\n')
    plain = parse(path, text.encode())
    assert plain.dependencies or plain.runtimes
    assert parse(path, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()) == plain


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(PATHS),
    st.binary(max_size=80)
    | st.text("[]{}=\"'\n\\#,.:@>a1- ", max_size=80).map(str.encode)
    | st.lists(
        st.sampled_from(
            ['"a"', "[", "]", "{", "}", ":", ",", "\n", "a = ", "[[package]]\n", "version = '1'\n", "require ", "=> ", "(", ")"]
        ),
        max_size=25,
    ).map(lambda parts: "".join(parts).encode()),
)
def test_no_parser_raises_anything_but_its_own_error(path: str, text: bytes) -> None:
    last = text.count(b"\n") + 1
    try:
        places = [dependency.line for dependency in parse(path, text).dependencies]
    except ManifestError as error:
        places = [error.line]
    assert all(1 <= line <= last for line in places)
