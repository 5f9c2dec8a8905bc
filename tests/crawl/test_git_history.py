"""History says since when, until when and where to, by what the main line shows; where it is cut it does not guess."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contextd.crawl import firstparent
from contextd.crawl.firstparent import read_touches
from contextd.crawl.gitcommand import Git
from contextd.crawl.history import GitHistory
from contextd.crawl.listing import CrawlFailed
from contextd.model.finding import Commit

BODY = b"".join(b"line %d of something long enough to be told from other files\n" % number for number in range(30))


def history_of(place: Path, commit: str) -> GitHistory:
    return GitHistory(Git(str(place / ".git"), str(place)), commit, str)


def id_of(commit: Commit | None) -> str:
    return commit.id if commit else ""


def test_last_change_and_how_a_commit_is_shown(git_repository: Path, git_commit: Callable[..., str]) -> None:
    first = git_commit(git_repository, {b"a": b"1", b"new\nline": b"1"}, "start here\nand here\n\nbody")
    second = git_commit(git_repository, {b"b": b"1"}, "call 555-0100")
    git = Git(str(git_repository / ".git"), str(git_repository))
    with GitHistory(git, second, lambda text: text.replace("555-0100", "[REDACTED]")) as history:
        assert history.complete
        shown = history.last_change("a")
        assert shown is not None
        assert (shown.id, shown.subject, shown.time.isoformat()) == (first, "start here and here", "2023-11-14T22:13:20+00:00")
        assert id_of(history.last_change("new\nline")) == first
        changed = history.last_change("b")
        assert changed is not None
        assert changed.subject == "call [REDACTED]"
        assert history.last_change("never") is None
    with history_of(git_repository, first) as past:
        assert past.last_change("b") is None


def test_what_a_merge_brought_in_is_the_merges(
    git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    base = git_commit(git_repository, {b"doc": b"x\ny\n"})
    git_in(git_repository, "update-ref", "refs/heads/topic", base)
    topic = git_commit(git_repository, {b"doc": b"x\nz\n"}, branch="refs/heads/topic")
    git_commit(git_repository, {b"other": b"1"})
    merge = git_commit(git_repository, {b"doc": b"x\nz\n"}, "merge", merge=topic)
    with history_of(git_repository, merge) as history:
        assert id_of(history.last_change("doc")) == merge
        assert id_of(history.said_since("doc", "z")) == merge
        assert id_of(history.line_change("doc", 2)) == merge
        assert id_of(history.line_change("doc", 1)) == base


def test_removal_names_the_commit_and_where_the_file_went(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"src/retry.py": BODY, b"gone.py": b"other\n", b"back.py": b"1"})
    moved = git_commit(git_repository, {b"src/retry.py": None, b"src/pay/retry.py": BODY + b"more\n"})
    deleted = git_commit(git_repository, {b"gone.py": None, b"back.py": None})
    head = git_commit(git_repository, {b"back.py": b"2"})
    with history_of(git_repository, head) as history:
        removal = history.removal("src/retry.py")
        assert removal is not None
        assert (removal.commit.id, removal.target) == (moved, "src/pay/retry.py")
        assert 90 <= removal.similarity < 100
        for path in ("gone.py", "back.py"):
            removal = history.removal(path)
            assert removal is not None
            assert (removal.commit.id, removal.target, removal.similarity) == (deleted, "", 0)
        assert history.removal("src/pay/retry.py") is None
        assert history.removal("never.py") is None


def test_a_folder_goes_where_all_its_files_went(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(
        git_repository, {b"lib/a.py": BODY, b"lib/in/b.py": BODY[::-1], b"lib/c.py": b"c\n", b"tmp/x": b"x\n", b"library": b"1"}
    )
    git_commit(git_repository, {b"lib/c.py": None})
    moved = git_commit(
        git_repository,
        {b"lib/a.py": None, b"lib/in/b.py": None, b"src/lib/a.py": BODY, b"src/lib/in/b.py": BODY[::-1], b"tmp/x": None},
    )
    with history_of(git_repository, moved) as history:
        for name in ("lib", "lib/"):
            removal = history.removal(name)
            assert removal is not None
            assert (removal.commit.id, removal.target, removal.similarity) == (moved, "src/lib", 100)
        removal = history.removal("tmp")
        assert removal is not None
        assert (removal.target, removal.similarity) == ("", 0)
        assert history.removal("li") is None


def test_words_stand_since_the_last_time_they_came(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"doc": b"see src/a.py\n"})
    git_commit(git_repository, {b"doc": b"nothing\n"})
    again = git_commit(git_repository, {b"doc": b"read src/a.py\n"})
    git_commit(git_repository, {b"doc": b"do read src/a.py\n"})
    head = git_commit(git_repository, {b"other": b"1"})
    with history_of(git_repository, head) as history:
        assert id_of(history.said_since("doc", "src/a.py")) == again
        assert history.said_since("doc", "see") is None
        assert history.said_since("never", "see") is None


def test_words_of_a_file_that_was_removed_and_came_back(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"doc": b"words\n"})
    git_commit(git_repository, {b"doc": None})
    back = git_commit(git_repository, {b"doc": b"words\n"})
    gone = git_commit(git_repository, {b"doc": None})
    with history_of(git_repository, back) as history:
        assert id_of(history.said_since("doc", "words")) == back
    with history_of(git_repository, gone) as history:
        assert history.said_since("doc", "words") is None


def test_words_are_followed_through_renames(git_repository: Path, git_commit: Callable[..., str]) -> None:
    first = git_commit(git_repository, {b"README": BODY})
    git_commit(git_repository, {b"README": BODY + b"later\n"})
    git_commit(git_repository, {b"README": None, b"docs/README.md": BODY + b"later\n"})
    head = git_commit(git_repository, {b"docs/README.md": None, b"docs/start.md": BODY + b"later\nend\n"})
    with history_of(git_repository, head) as history:
        assert id_of(history.said_since("docs/start.md", "line 7 of")) == first
        assert id_of(history.said_since("docs/start.md", "end")) == head


def test_what_was_in_a_tree(git_repository: Path, git_commit: Callable[..., str]) -> None:
    first = git_commit(git_repository, {b"src/a.py": b"1", b"new\nline": b"1", b"sub": ("160000", b"1" * 40)})
    second = git_commit(git_repository, {b"src/a.py": None})
    with history_of(git_repository, second) as history:
        for path in ("src/a.py", "src", "src/", "new\nline", "sub"):
            assert history.existed_at(path, first)
        for path in ("src/b.py", "src/a.py/x", "./src", "../x", "", "sub/x"):
            assert not history.existed_at(path, first)
        assert not history.existed_at("src", second)
        assert not history.existed_at("src", "f" * 40)
        assert not history.existed_at("src", "HEAD")


def test_line_change_of_lines_that_are_not_there(git_repository: Path, git_commit: Callable[..., str]) -> None:
    head = git_commit(git_repository, {b"doc": b"one\n", b"new\nline": b"x\n", b"empty": b""})
    with history_of(git_repository, head) as history:
        assert id_of(history.line_change("new\nline", 1)) == head
        for path, line in (("doc", 2), ("doc", 0), ("never", 1), ("empty", 1), ("a\0b", 1)):
            assert history.line_change(path, line) is None


def test_a_shallow_clone_does_not_guess(
    tmp_path: Path, git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    git_commit(git_repository, {b"old": b"words\n", b"doc": b"words\n"})
    git_commit(git_repository, {b"doc": b"words\nmore\n"})
    head = git_commit(git_repository, {b"doc": b"words\nmore\nend\n"})
    git_in(git_repository, "clone", "-q", "--depth=2", f"file://{git_repository}", str(tmp_path / "shallow"))
    with history_of(tmp_path / "shallow", head) as history:
        assert not history.complete
        assert id_of(history.last_change("doc")) == head
        assert id_of(history.line_change("doc", 3)) == head
        assert id_of(history.said_since("doc", "end")) == head
        assert history.last_change("old") is None
        assert history.said_since("old", "words") is None
        assert history.said_since("doc", "words") is None
        assert history.line_change("doc", 1) is None
        assert history.removal("old") is None


def test_a_long_history_is_cut_and_says_so(
    git_repository: Path, git_commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = [git_commit(git_repository, {b"a%d" % index: b"1"}) for index in range(6)]
    git = Git(str(git_repository / ".git"), str(git_repository))
    whole = read_touches(git, commits[-1], max_commits=6)
    assert whole.complete
    assert whole.commits == commits[::-1]
    cut = read_touches(git, commits[-1], max_commits=5)
    assert not cut.complete
    assert list(cut.of(b"a0")) == []
    monkeypatch.setattr(firstparent, "_BATCH", 2)
    assert read_touches(git, commits[-1]).paths == whole.paths
    few = read_touches(git, commits[-1], max_touches=3)
    assert (few.complete, few.commits) == (False, commits[:1:-1])


def test_words_in_another_encoding_and_a_commit_without_words(
    git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    git_commit(git_repository, {b"a": b"1"})
    tree = git_in(git_repository, "rev-parse", "main^{tree}").encode()
    who = b"A <a> 1 +0000"
    for encoding, said, shown in ((b"ISO-8859-1", b"caf\xe9", "café"), (b"no-such", b"plain", "plain"), (b"utf-8", b"", "")):
        raw = b"tree %s\nauthor %s\ncommitter %s\nencoding %s\n\n%s\n" % (tree, who, who, encoding, said)
        commit = git_in(git_repository, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
        with history_of(git_repository, commit) as history:
            change = history.last_change("a")
            assert change is not None
            assert change.subject == shown


@pytest.mark.parametrize("fault", ["damaged", "missing"])
@pytest.mark.parametrize("name", ["main", "main:src", "main:src/a"])
def test_damage_is_an_error_not_an_absence(
    git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str], fault: str, name: str
) -> None:
    git_commit(git_repository, {b"src/a": b"word"})
    head = git_commit(git_repository, {b"src/a": b"word and more words", b"src/b": b"1"})
    address = git_in(git_repository, "rev-parse", name)
    for pack in (git_repository / ".git" / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        pack.unlink()
        git_in(git_repository, "unpack-objects", "-q", stdin=data)
    file = git_repository / ".git" / "objects" / address[:2] / address[2:]
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:20])
    if fault == "missing":
        file.unlink()
    with history_of(git_repository, head) as history:
        with pytest.raises(CrawlFailed, match=r"is (missing|damaged)|failed"):
            history.said_since("src/a", "more")
        if name == "main:src":
            with pytest.raises(CrawlFailed, match="the object"):
                history.existed_at("src/a", head)
        if name == "main":
            with pytest.raises(CrawlFailed, match="git blame failed"):
                history.line_change("src/a", 1)


def test_trees_are_forgotten_when_there_are_many(
    git_repository: Path, git_commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contextd.crawl.history._TREES_KEPT", 2)
    commits = [git_commit(git_repository, {b"d/a%d" % index: b"1"}) for index in range(4)]
    with history_of(git_repository, commits[-1]) as history:
        assert [history.existed_at("d/a2", commit) for commit in commits] == [False, False, True, True]
        assert len(history._trees) <= 2
