"""Ignore files of a source: they add denials, git is the judge of what a pattern and an attribute mean."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextd.filter.ignorefiles import IGNORE_FILE_NAMES, Denial, IgnoreFiles, RepositoryIgnores
from contextd.filter.patterns import Patterns, UnusablePattern


def files(*pairs: tuple[str, str | bytes], export_ignore: bool = False) -> IgnoreFiles:
    raw = tuple((path, text.encode() if isinstance(text, str) else text) for path, text in pairs)
    return IgnoreFiles(RepositoryIgnores(raw), export_ignore=export_ignore)


def denied(ignores: IgnoreFiles, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if next(ignores.denials(path), None) is not None]


def test_each_name_is_read() -> None:
    for name in IGNORE_FILE_NAMES - {".gitattributes"}:
        assert denied(files((name, "*.key\n")), ["a.key", "a.py"]) == ["a.key"]
    assert denied(files((".gitignore", "*.key\n")), ["a.key"]) == []


def test_a_denial_names_file_line_and_pattern() -> None:
    ignores = files(("sub/.cursorignore", "# why\n\n*.key\r\n"))
    assert list(ignores.denials("sub/a.key")) == [Denial("EXCL-IGNORE-FILE", ".cursorignore", "sub/.cursorignore:3", "*.key")]


def test_any_file_that_denies_wins_over_one_that_takes_back() -> None:
    ignores = files((".cursorignore", "*.md\n"), ("docs/.cursorignore", "!*.md\n"), (".aiignore", "!a.md\n"))
    assert denied(ignores, ["a.md", "docs/a.md", "a.py"]) == ["a.md", "docs/a.md"]


def test_within_one_file_the_last_pattern_decides() -> None:
    assert denied(files((".cursorignore", "*\n!src/\n!src/**\n")), ["a", "src/a"]) == ["a"]


@pytest.mark.parametrize("empty", ["", "\n\n", "# nothing\n  \n", "!src/\n", "!\n"])
def test_an_aiexclude_without_a_pattern_blocks_its_folder(empty: str) -> None:
    ignores = files(("lib/.aiexclude", empty))
    assert denied(ignores, ["lib/a", "lib/x/y", "library", "a", "lib/.aiexclude"]) == ["lib/a", "lib/x/y", "lib/.aiexclude"]
    assert next(ignores.denials("lib/a")) == Denial("EXCL-IGNORE-FILE", ".aiexclude", "lib/.aiexclude", "")


def test_an_empty_aiexclude_at_the_top_blocks_everything() -> None:
    assert denied(files((".aiexclude", "")), ["a", "b/c"]) == ["a", "b/c"]


@pytest.mark.parametrize("name", [".cursorignore", ".aiignore", ".codeiumignore"])
def test_the_other_files_block_nothing_when_empty(name: str) -> None:
    assert denied(files((name, "# nothing\n")), ["a"]) == []


def test_an_aiexclude_takes_nothing_back() -> None:
    assert denied(files((".aiexclude", "*.key\n!public.key\n")), ["a.key", "public.key"]) == ["a.key", "public.key"]


def test_patterns_are_relative_to_their_folder() -> None:
    ignores = files(("a/b/.aiexclude", "/top.txt\nsub/x.txt\nany.txt\n"))
    paths = ["a/b/top.txt", "top.txt", "a/top.txt", "a/b/c/top.txt", "a/b/sub/x.txt", "a/b/c/any.txt", "any.txt"]
    assert denied(ignores, paths) == ["a/b/top.txt", "a/b/sub/x.txt", "a/b/c/any.txt"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_byte_order_marks_are_read(encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert denied(files((".aiexclude", mark + "*.key\r\n".encode(encoding))), ["a.key", "a.py"]) == ["a.key"]


@pytest.mark.parametrize("data", [b"*.key\0\n", b"x\n" * (1 << 20)])
def test_what_cannot_be_read_blocks_its_folder(data: bytes) -> None:
    assert denied(files(("d/.cursorignore", data)), ["d/a", "a"]) == ["d/a"]


def test_lines_that_are_no_patterns_are_left_out() -> None:
    text = "!\n\\\n[z-a]\n" + "x" * 3000 + "\n*.key\n"
    ignores = files((".cursorignore", text))
    assert next(ignores.denials("a.key")).where == ".cursorignore:5"


def test_hostile_patterns_answer_in_time() -> None:
    ignores = files((".aiexclude", "*a" * 200 + "\n" + "**/" * 200 + "x\n"))
    assert denied(ignores, ["b" * 900, "a" * 900]) == ["a" * 900]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(IGNORE_FILE_NAMES)), st.binary(max_size=60)), max_size=4), st.text(max_size=20)
)
def test_no_bytes_make_reading_fail(found: list[tuple[str, bytes]], path: str) -> None:
    ignores = IgnoreFiles(
        RepositoryIgnores(tuple(("d/" * n + name, data) for n, (name, data) in enumerate(found))), export_ignore=True
    )
    list(ignores.denials("d/d/" + path.encode("utf-8", "replace").decode()))


def test_linguist_attributes_mean_generated() -> None:
    text = (
        "*.snap linguist-generated\n"
        "api/** linguist-generated=true\n"
        "lib/* linguist-vendored text=auto\n"
        "api/keep.py -linguist-generated\n"
        "api/own.py linguist-generated=false\n"
        "api/other.py !linguist-generated\n"
    )
    ignores = files((".gitattributes", text))
    paths = ["a.snap", "api/x/y.py", "api/keep.py", "api/own.py", "api/other.py", "lib/a.c", "lib/x/a.c", "a.py"]
    assert denied(ignores, paths) == ["a.snap", "api/x/y.py", "lib/a.c"]
    assert next(ignores.denials("lib/a.c")) == Denial(
        "EXCL-GENERATED", ".gitattributes linguist-vendored", ".gitattributes:3", "lib/*"
    )


def test_a_quoted_pattern_may_hold_escapes_and_blanks() -> None:
    ignores = files(
        (".gitattributes", '"caf\\303\\251 a.c" linguist-generated\n"x\\ty" linguist-generated\n"\\377" linguist-generated\n')
    )
    assert denied(ignores, ["caf\u00e9 a.c", "x\ty", "a.c"]) == ["caf\u00e9 a.c", "x\ty"]


def test_a_deeper_attributes_file_has_the_last_word() -> None:
    ignores = files((".gitattributes", "*.py linguist-generated\n"), ("own/.gitattributes", "*.py -linguist-generated\n"))
    assert denied(ignores, ["a.py", "own/a.py"]) == ["a.py"]


def test_export_ignore_counts_only_when_asked_for_and_takes_folders_along() -> None:
    text = "tests export-ignore\n/docs/*.md export-ignore\n"
    paths = ["tests/a.py", "x/tests/b/c.py", "docs/a.md", "docs/b/a.md", "src/a.py"]
    assert denied(files((".gitattributes", text)), paths) == []
    asked = files((".gitattributes", text), export_ignore=True)
    assert denied(asked, paths) == ["tests/a.py", "x/tests/b/c.py", "docs/a.md"]
    assert next(asked.denials("tests/a.py")).code == "EXCL-IGNORE-FILE"


NAMES = ["a.c", "b.c", "gen/a.c", "gen/x/b.c", "lib/a b.c", "lib/gen/a.c", "x/lib/a.c", "[a].c", "#a", "gen"]
PATTERN = st.sampled_from(
    ["*.c", "a.c", "/a.c", "gen/**", "**/gen/**", "gen/*", "gen", "gen/", "lib/**/a.c", '"lib/a b.c"', "x/", "[ab].c",
     "\\[a].c", "?.c", "*", "**", "\\#a", "!a.c", "**/a.c", "/**/b.c", "*/a.c", "[[:lower:]].c", "l?b/*"]
)  # fmt: skip
STATE = st.sampled_from(
    ["linguist-generated", "-linguist-generated", "!linguist-generated", "linguist-generated=true", "linguist-generated=false",
     "made", "-made", "text linguist-generated", "linguist-vendored"]
)  # fmt: skip
LINES = st.lists(st.tuples(PATTERN, STATE), min_size=1, max_size=5).map(lambda pairs: "\n".join(f"{p} {s}" for p, s in pairs))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("attributes")
    git(root, "init", "-q")
    (root / "lib").mkdir()
    return root


def git(root: Path, *arguments: str, given: str = "") -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=root, input=given, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=LINES, below=LINES)
def test_attributes_mean_what_git_says(repository: Path, top: str, below: str) -> None:
    top = "[attr]made linguist-generated\n" + top
    (repository / ".gitattributes").write_text(top, encoding="utf-8")
    (repository / "lib" / ".gitattributes").write_text(below, encoding="utf-8")
    out = git(repository, "check-attr", "-z", "linguist-generated", "linguist-vendored", "--", *NAMES).split("\0")
    on = {path for path, _, value in zip(out[0::3], out[1::3], out[2::3], strict=False) if value in ("set", "true")}
    ours = denied(files((".gitattributes", top), ("lib/.gitattributes", below)), NAMES)
    assert set(ours) == on


IGNORED = st.sampled_from(
    ["*.c", "/a.c", "gen/", "gen", "**/gen/**", "lib/*", "!a.c", "!gen/", "!*.c", "lib/**/a.c", "x/", "[ab].c", "[!a].c",
     "*", "a*",
     "**/a.c", "[[:alpha:]].c", "\\#a", "# comment", "", "/lib", "b.c "]
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(IGNORED, max_size=2).map("\n".join))
def test_patterns_mean_what_git_says(repository: Path, text: str) -> None:
    """Where nothing is taken back: git does not look into a folder that it ignores, whatever comes later."""
    positive = "\n".join(line for line in text.split("\n") if not line.startswith("!"))
    (repository / ".gitignore").write_text(positive + "\n", encoding="utf-8")
    out = git(repository, "check-ignore", "--no-index", "-z", "--stdin", given="\0".join(NAMES))
    ours = Patterns(positive.split("\n"))
    assert {name for name in NAMES if ours.match(name) is not None} == {name for name in out.split("\0") if name}


def test_a_pattern_list_says_which_pattern_decided() -> None:
    patterns = Patterns(["# comment", "", "*.c", "!keep.c", "keep.c"])
    assert [patterns.match(p) for p in ("a.c", "keep.c", "a.py")] == [2, 4, None]
    with pytest.raises(UnusablePattern) as caught:
        Patterns(["a", "\\"])
    assert (caught.value.index, caught.value.pattern) == (1, "\\")
