"""What is damaged, missing, hostile or slow is said clearly; no program that a repository names is run."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from contextd.crawl.gitcommand import Git, installed
from contextd.crawl.gitobjects import ObjectPipe
from contextd.crawl.listing import CrawlFailed
from contextd.crawl.opening import open_source
from contextd.model.content import EntryKind, Observed, Unreadable
from contextd.model.source import SourceKind

MAIN = "refs/heads/main"


def read(place: Path, ref: str = MAIN) -> dict[bytes, bytes | Unreadable]:
    crawler = open_source(SourceKind.GIT, str(place), ())
    entries = crawler.list(ref).entries
    with crawler.reader() as reader:
        return {entry.path: data for entry, data in zip(entries, reader.read(entries), strict=True)}


def loose(place: Path, address: str) -> Path:
    """The file of a loose object, made writable."""
    file = place / ".git" / "objects" / address[:2] / address[2:]
    file.chmod(0o644)
    return file


@pytest.fixture
def three(git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]) -> Path:
    """A repository of loose objects with files a, b and c; b is random enough to be truncated in the middle."""
    git_commit(git_repository, {b"a": b"first", b"b": os.urandom(100_000), b"c": b"last"})
    pack = next((git_repository / ".git" / "objects" / "pack").glob("*.pack"), None)
    if pack is not None:
        data = pack.read_bytes()
        for file in pack.parent.iterdir():
            file.unlink()
        git_in(git_repository, "unpack-objects", "-q", stdin=data)
    return git_repository


@pytest.mark.parametrize("fault", ["truncated", "missing", "garbage", "empty", "swapped"])
def test_a_damaged_object_is_unreadable_and_its_neighbours_are_read(
    three: Path, git_in: Callable[..., str], fault: str
) -> None:
    file = loose(three, git_in(three, "rev-parse", "main:b"))
    data = file.read_bytes()
    if fault == "missing":
        file.unlink()
    else:
        swapped = zlib.compress(b"blob 4\0evil")
        file.write_bytes({"truncated": data[:50_000], "garbage": b"\0" * 99, "empty": b"", "swapped": swapped}[fault])
    found = read(three)
    assert (found[b"a"], found[b"c"]) == (b"first", b"last")
    assert isinstance(found[b"b"], Unreadable)
    assert str(found[b"b"]).startswith("b: object ")
    assert f"mend: git -C {three} fsck --full" in str(found[b"b"])


def test_a_damaged_tree_or_commit_fails_the_listing(
    three: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    head = git_in(three, "rev-parse", "main")
    for name in ("main^{tree}", "main"):
        file = loose(three, git_in(three, "rev-parse", name))
        kept = file.read_bytes()
        file.write_bytes(kept[:20])
        with pytest.raises(CrawlFailed, match="nothing was changed") as failed:
            read(three)
        assert "fsck" in failed.value.hint
        file.write_bytes(kept)
    assert read(three, head)[b"a"] == b"first"


def test_a_tree_that_names_a_path_twice_is_refused(git_repository: Path, git_in: Callable[..., str]) -> None:
    blob = bytes.fromhex(git_in(git_repository, "hash-object", "-w", "--stdin", stdin=b"x"))
    raw = (b"100644 a\0" + blob) * 2
    tree = git_in(git_repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    commit = git_in(git_repository, "commit-tree", tree, "-m", "twice")
    with pytest.raises(CrawlFailed, match="lists 'a' twice"):
        open_source(SourceKind.GIT, str(git_repository), ()).list(commit)


def test_nothing_a_repository_names_is_run_and_no_setting_changes_an_answer(
    tmp_path: Path, git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    first = git_commit(git_repository, {b"doc.md": b"one\ntwo words\n", b"b.bin": b"1", b"sub": ("160000", b"1" * 40)})
    second = git_commit(
        git_repository, {b"doc.md": b"one\ntwo more words\n", b"b.bin": b"2", b"sub": ("160000", b"2" * 40)}, "second"
    )

    def everything() -> tuple[object, ...]:
        crawler = open_source(SourceKind.GIT, str(git_repository), ())
        with crawler.history(second, str) as history:
            facts = (history.last_change("sub"), history.line_change("doc.md", 2), history.said_since("doc.md", "one"))
        return crawler.list(MAIN), crawler.delta(first, MAIN), facts, read(git_repository)[b"doc.md"]

    expected = everything()
    mark = tmp_path / "ran"
    run = f"touch {mark};"
    settings = {
        "core.fsmonitor": run,
        "core.sshCommand": run,
        "core.pager": run,
        "core.editor": run,
        "core.hooksPath": str(tmp_path / "hooks"),
        "core.attributesFile": str(tmp_path / "attributes"),
        "diff.external": run,
        "diff.evil.command": run,
        "diff.evil.textconv": run,
        "filter.evil.smudge": run,
        "filter.evil.clean": run,
        "gpg.program": run,
        "log.showSignature": "true",
        "log.follow": "true",
        "log.showRoot": "false",
        "log.diffMerges": "off",
        "diff.renames": "copies",
        "diff.ignoreSubmodules": "all",
        "diff.relative": "true",
        "diff.orderFile": str(tmp_path / "attributes"),
        "diff.algorithm": "patience",
        "blame.ignoreRevsFile": str(tmp_path / "revisions"),
        "submodule.recurse": "true",
    }
    for name, value in settings.items():
        git_in(git_repository, "config", name, value)
    (tmp_path / "attributes").write_text("* diff=evil filter=evil\n")
    (tmp_path / "revisions").write_text(f"{second}\n")
    (git_repository / ".git" / "info" / "attributes").write_text("* diff=evil filter=evil -text\n")
    (tmp_path / "hooks").mkdir()
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"):
        (tmp_path / "hooks" / hook).write_text(f"#!/bin/sh\n{run}\n")
        (tmp_path / "hooks" / hook).chmod(0o755)
    assert everything() == expected
    assert not mark.exists()


def test_replace_refs_grafts_and_the_callers_environment_change_nothing(
    tmp_path: Path,
    git_repository: Path,
    git_commit: Callable[..., str],
    git_in: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = git_commit(git_repository, {b"a": b"true"})
    second = git_commit(git_repository, {b"b": b"also"})
    other = git_in(git_repository, "hash-object", "-w", "--stdin", stdin=b"false")
    git_in(git_repository, "replace", git_in(git_repository, "rev-parse", "main:a"), other)
    git_in(git_repository, "replace", second, first)
    (git_repository / ".git" / "info" / "grafts").write_text(f"{second}\n")
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_INDEX_FILE", "GIT_TRACE", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare'='nonsense'")
    assert read(git_repository) == {b"a": b"true", b"b": b"also"}
    with open_source(SourceKind.GIT, str(git_repository), ()).history(second, str) as history:
        change = history.last_change("a")
    assert change is not None
    assert change.id == first
    assert not (tmp_path / "elsewhere").exists()


def test_a_partial_clone_fetches_nothing_and_says_how_to_mend(
    tmp_path: Path, git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    git_commit(git_repository, {b"a": b"1", b"b": b"2"})
    git_in(git_repository, "config", "uploadpack.allowFilter", "true")
    git_in(git_repository, "clone", "-q", "--bare", "--filter=blob:none", f"file://{git_repository}", str(tmp_path / "partial"))
    git_in(tmp_path / "partial", "config", "remote.origin.uploadpack", f"touch {tmp_path / 'ran'}; git-upload-pack")
    try:
        said = [str(data) for data in read(tmp_path / "partial").values()]
    except CrawlFailed as failed:  # git before 2.45 cannot list sizes without fetching
        said = [failed.hint]
    assert all("the clone is partial" in words and "--refetch" in words for words in said)
    assert not (tmp_path / "ran").exists()


def test_large_and_many_blobs_come_through_in_order(git_repository: Path, git_commit: Callable[..., str]) -> None:
    huge, middle = os.urandom(3_000_000), os.urandom(2000)
    git_commit(git_repository, {b"huge": huge, b"middle": middle} | {b"%05d" % index: b"%d\n" % index for index in range(3000)})
    crawler = open_source(SourceKind.GIT, str(git_repository), ())
    entries = crawler.list(MAIN).entries
    again = [entries[-2], entries[7], entries[-2], entries[7]]
    with crawler.reader() as reader:
        assert list(reader.read(entries)) == [b"%d\n" % index for index in range(3000)] + [huge, middle]
        for _, data in zip(range(3), reader.read(entries), strict=False):
            assert isinstance(data, bytes)
        assert list(reader.read(again)) == [huge, b"7\n", huge, b"7\n"]
        assert list(reader.read([])) == []
        assert set(reader.read(entries[-1:] * 3000)) == {middle}  # more requests, and more answers, than any pipe holds


def test_an_address_of_something_else_is_unreadable(git_repository: Path, git_commit: Callable[..., str]) -> None:
    commit = git_commit(git_repository, {b"a": b"1"})
    with open_source(SourceKind.GIT, str(git_repository), ()).reader() as reader:
        (answer,) = reader.read([Observed(b"a", "100644", EntryKind.FILE, 1, commit)])
    assert "is a commit" in str(answer)


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``fake_git(script)`` puts a program called git before everything else."""

    def install(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    return install


def test_git_is_not_installed(three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CrawlFailed, match="git is not installed") as failed:
        read(three)
    assert "install git" in failed.value.hint


def test_git_is_too_old(three: Path, fake_git: Callable[[str], None]) -> None:
    assert installed() >= (2, 30)
    fake_git('[ "$1" = --version ] && echo "git version 1.8.3" && exit 0; exit 129')
    with pytest.raises(CrawlFailed, match=r"git 1\.8\.3 is too old") as failed:
        open_source(SourceKind.GIT, str(three), ("*",)).refs()
    assert failed.value.hint == "install git 2.30 or newer"


def test_git_that_hangs_is_stopped(three: Path, fake_git: Callable[[str], None]) -> None:
    fake_git("exec /bin/sleep 20")
    git = Git(str(three / ".git"), str(three))
    with pytest.raises(CrawlFailed, match="did not finish within"):
        git.run("ls-tree", limit=0.1)
    with ObjectPipe(git, patience=0.1) as pipe, pytest.raises(CrawlFailed, match="said nothing for"):
        pipe.one(b"main")


def test_git_that_keeps_dying_is_given_up(three: Path, fake_git: Callable[[str], None]) -> None:
    crawler = open_source(SourceKind.GIT, str(three), ())
    entries = crawler.list(MAIN).entries * 10
    fake_git("echo 'fatal: no more' >&2; exit 3")
    with crawler.reader() as reader:
        found = reader.read(entries)
        assert "is damaged: fatal: no more" in str(next(found))
        with pytest.raises(CrawlFailed, match="keeps failing"):
            list(found)
    with pytest.raises(CrawlFailed, match="git for-each-ref failed: no more"):
        open_source(SourceKind.GIT, str(three), ("*",)).refs()
