"""A listing is the whole tree of a commit, whatever form the repository has; a delta leads from one listing to the next."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextd.crawl.listing import BadLocation, CrawlFailed, Listing
from contextd.crawl.opening import open_source
from contextd.model.content import EntryKind, Observed, Unreadable
from contextd.model.errors import InvalidInput
from contextd.model.source import SourceKind

ODD_NAMES = [
    b"caf\xc3\xa9.md",
    b"latin\xe9.txt",
    b"new\nline.md",
    b'quote".md',
    b"tab\there.md",
    b" blank ",
    b"a\\b",
    b"-dash",
    b"HEAD",
]


def listed(place: Path, ref: str = "refs/heads/main") -> Listing:
    return open_source(SourceKind.GIT, str(place), ()).list(ref)


def contents(place: Path, listing: Listing) -> list[bytes | Unreadable]:
    with open_source(SourceKind.GIT, str(place), ()).reader() as reader:
        return list(reader.read(listing.entries))


def test_every_kind_of_entry_with_mode_size_time_and_tree(
    git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    other = "1" * 40
    commit = git_commit(
        git_repository,
        {
            b"run": ("100755", b"#!/bin/sh\n"),
            b"a/b": b"12345",
            b"a.b": b"",
            b"out": ("120000", b"../../../etc/passwd"),
            b"sub": ("160000", other.encode()),
        },
    )
    listing = listed(git_repository)
    assert listing.entries == (
        Observed(b"a.b", "100644", EntryKind.FILE, 0, git_in(git_repository, "rev-parse", "main:a.b")),
        Observed(b"a/b", "100644", EntryKind.FILE, 5, git_in(git_repository, "rev-parse", "main:a/b")),
        Observed(b"out", "120000", EntryKind.LINK, 19, git_in(git_repository, "rev-parse", "main:out")),
        Observed(b"run", "100755", EntryKind.FILE, 10, git_in(git_repository, "rev-parse", "main:run")),
        Observed(b"sub", "160000", EntryKind.SUBMODULE, 0, other),
    )
    assert (listing.ref, listing.commit) == ("refs/heads/main", commit)
    assert listing.tree == git_in(git_repository, "rev-parse", "main^{tree}")
    assert listing.content_time == datetime.fromtimestamp(1_700_000_000, UTC)
    *readable, submodule = contents(git_repository, listing)
    assert readable == [b"", b"12345", b"../../../etc/passwd", b"#!/bin/sh\n"]
    assert "sub is a submodule" in str(submodule)


def test_modes_of_old_are_read_as_git_reads_them(git_repository: Path, git_in: Callable[..., str]) -> None:
    blob = bytes.fromhex(git_in(git_repository, "hash-object", "-w", "--stdin", stdin=b"x"))
    raw = b"".join(mode + b" " + mode + b"\0" + blob for mode in (b"100654", b"100664", b"100744", b"100775"))
    tree = git_in(git_repository, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    commit = git_in(git_repository, "commit-tree", tree, "-m", "old")
    assert [entry.mode for entry in listed(git_repository, commit).entries] == ["100644", "100644", "100755", "100755"]


def test_names_are_bytes_in_byte_order(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {name: name for name in ODD_NAMES})
    listing = listed(git_repository)
    assert [entry.path for entry in listing.entries] == sorted(ODD_NAMES)
    assert contents(git_repository, listing) == sorted(ODD_NAMES)


def test_every_form_of_a_repository_lists_the_same(
    tmp_path: Path, git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    first = git_commit(git_repository, {b"a": b"1", b"d/e": b"2"})
    git_commit(git_repository, {b"a": b"3"})
    git_in(git_repository, "clone", "-q", "--mirror", str(git_repository), str(tmp_path / "mirror.git"))
    git_in(git_repository, "clone", "-q", "--depth=1", f"file://{git_repository}", str(tmp_path / "shallow"))
    git_in(git_repository, "clone", "-q", "--shared", str(git_repository), str(tmp_path / "shared"))
    git_in(git_repository, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    (tmp_path / "linked" / "a").write_bytes(b"changed and not committed")
    (git_repository / ".git" / "index").write_bytes(b"damaged")
    expected = listed(git_repository)
    places = ["mirror.git", "shallow", "shared", "repository/.git"]
    assert [listed(tmp_path / place) for place in places] == [expected] * 4
    delta = open_source(SourceKind.GIT, str(git_repository), ()).delta(first, "refs/heads/main")
    assert delta is not None
    assert delta[1].changed == expected.entries[:1]
    linked = open_source(SourceKind.GIT, str(tmp_path / "linked"), ())
    assert linked.refs() == ["HEAD"]
    assert linked.list("HEAD").entries == expected.entries


def test_the_way_a_checkout_is_set_up_makes_no_difference(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"a": b"1\r\n"})
    expected = listed(git_repository)
    config = git_repository / ".git" / "config"
    for setting in ("worktree = /gone/for/good", "autocrlf = true", "bare = true", "quotePath = true"):
        before = config.read_text()
        config.write_text(f"{before}[core]\n{setting}\n")
        assert listed(git_repository) == expected
        config.write_text(before)


def test_an_empty_tree_lists_nothing(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {})
    assert listed(git_repository).entries == ()


def test_which_refs_are_followed(git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]) -> None:
    commit = git_commit(git_repository, {b"a": b"1"})
    for name in ("refs/heads/release/1.0", "refs/heads/release/2.0", "refs/heads/release/2/x", "refs/heads/topic"):
        git_in(git_repository, "update-ref", name, commit)
    git_in(git_repository, "tag", "-a", "-m", "signed off", "v1", commit)

    def followed(*refs: str) -> list[str]:
        return open_source(SourceKind.GIT, str(git_repository), refs).refs()

    assert followed() == ["refs/heads/main"]
    assert followed("refs/heads/release/*") == ["refs/heads/release/1.0", "refs/heads/release/2.0"]
    assert followed("topic", "release/1*", "v1") == ["refs/heads/release/1.0", "refs/heads/topic", "refs/tags/v1"]
    assert followed("gone", "refs/heads/main") == ["refs/heads/gone", "refs/heads/main"]
    assert listed(git_repository, "v1").commit == commit
    assert listed(git_repository, "topic").ref == "refs/heads/topic"
    assert listed(git_repository, commit[:10]).commit == commit
    with pytest.raises(CrawlFailed, match=r"no ref that matches nothing/\*"):
        followed("nothing/*")
    git_in(git_repository, "update-ref", "--no-deref", "HEAD", commit)
    assert followed() == ["HEAD"]


@pytest.mark.parametrize(
    "ref", ["main~1", "main^{tree}", ":/words", "a b", "", "-n", "main@{1}", "a..b", "x\ny", "refs//x", "a.lock"]
)
def test_an_expression_is_no_ref(git_repository: Path, ref: str) -> None:
    with pytest.raises(InvalidInput, match="not the name of a ref"):
        open_source(SourceKind.GIT, str(git_repository), (ref,))
    with pytest.raises(InvalidInput, match="not the name of a ref"):
        listed(git_repository, ref)


def test_no_commits_yet(git_repository: Path) -> None:
    crawler = open_source(SourceKind.GIT, str(git_repository), ())
    assert crawler.refs() == ["refs/heads/main"]
    with pytest.raises(CrawlFailed, match="has no commits: commit something, then crawl") as failed:
        crawler.list("refs/heads/main")
    assert failed.value.reason == "CRAWL_FAILED"
    with pytest.raises(CrawlFailed, match="no ref that matches"):
        open_source(SourceKind.GIT, str(git_repository), ("refs/heads/*",)).refs()


def test_a_missing_ref_names_what_is_near(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"a": b"1"}, branch="refs/heads/release-2")
    with pytest.raises(CrawlFailed, match="has no ref refs/heads/relaese-2") as failed:
        listed(git_repository, "relaese-2")
    assert failed.value.hint == "there are: refs/heads/release-2"
    with pytest.raises(CrawlFailed, match="has no ref refs/heads/main"):
        listed(git_repository)


def test_a_tag_of_a_blob_is_no_commit(git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]) -> None:
    git_commit(git_repository, {b"a": b"1"})
    git_in(git_repository, "tag", "blob", "main:a")
    with pytest.raises(CrawlFailed, match="leads to no commit"):
        listed(git_repository, "blob")


def test_a_time_that_no_calendar_has(git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]) -> None:
    git_commit(git_repository, {b"a": b"1"})
    tree = git_in(git_repository, "rev-parse", "main^{tree}")
    for time in (b"99999999999999999999", b"soon"):
        raw = b"tree %s\nauthor A <a> 1 +0000\ncommitter A <a> %s +0000\n\nx\n" % (tree.encode(), time)
        commit = git_in(git_repository, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
        with pytest.raises(CrawlFailed, match="the commit of"):
            listed(git_repository, commit)


def test_places_that_are_no_repository(tmp_path: Path, git_repository: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "plain" / ".git").mkdir(parents=True)
    (git_repository / "inside").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").write_text("gitdir: /gone/worktrees/linked\n")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / ".git").write_text("nonsense")
    (tmp_path / "nothing").mkdir()
    expected = {
        "gone": "does not exist",
        "file": "is a file, not a git repository",
        "plain": "lacks HEAD, objects or refs",
        "repository/inside": "a folder inside the repository",
        "linked": "a linked work tree of /gone/worktrees/linked, which is gone",
        "odd": "names no git directory",
        "nothing": "is not a git repository",
    }
    for name, words in expected.items():
        with pytest.raises(BadLocation, match=words) as failed:
            open_source(SourceKind.GIT, str(tmp_path / name), ())
        assert failed.value.hint
    for remote in ("https://example.org/x.git", "ssh://example.org/x", "git@example.org:x/y.git", "file:///srv/x", "host:x"):
        with pytest.raises(BadLocation, match="is remote") as failed:
            open_source(SourceKind.GIT, remote, ())
        assert "git clone --mirror" in failed.value.hint
    for nothing in ("", "a\0b"):
        with pytest.raises(InvalidInput, match="empty or holds a NUL"):
            open_source(SourceKind.GIT, nothing, ())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_someone_else_is_read(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"a": b"1"})
    expected = listed(git_repository)
    for place in (git_repository, *git_repository.rglob("*")):
        shutil.chown(place, 12345)
    assert listed(git_repository) == expected


def test_a_reader_can_be_made_elsewhere(git_repository: Path, git_commit: Callable[..., str]) -> None:
    git_commit(git_repository, {b"a": b"1"})
    spec = pickle.loads(pickle.dumps(open_source(SourceKind.GIT, str(git_repository), ()).reader_spec))  # noqa: S301 - our own
    with spec.open() as reader:
        assert list(reader.read(listed(git_repository).entries)) == [b"1"]


NAMES = st.sampled_from([b"a", b"a/b", b"a/b/c", b"a.b", b"d/e", b"d/\xff", b"new\nline", b"z"])
KINDS = st.sampled_from([("100644", b"1"), ("100644", b"22"), ("100755", b"1"), ("120000", b"a"), ("160000", b"2" * 40), None])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.dictionaries(NAMES, KINDS, max_size=4), min_size=2, max_size=4), data=st.data())
def test_old_listing_and_delta_make_the_new_listing(
    git_repository: Path,
    git_commit: Callable[..., str],
    edits: list[dict[bytes, tuple[str, bytes] | None]],
    data: st.DataObject,
) -> None:
    crawler = open_source(SourceKind.GIT, str(git_repository), ())
    commits = [git_commit(git_repository, edit) for edit in edits]
    start = data.draw(st.sampled_from(commits))
    found = crawler.delta(start, "refs/heads/main")
    assert found is not None
    listing, delta = found
    known = {entry.path: entry for entry in crawler.list(start).entries}
    for path in delta.removed:
        del known[path]
    assert all(known.get(entry.path) != entry for entry in delta.changed)
    known.update({entry.path: entry for entry in delta.changed})
    whole = crawler.list("refs/heads/main")
    assert tuple(known[path] for path in sorted(known)) == whole.entries
    assert (listing.commit, listing.tree, listing.content_time, listing.entries) == (
        whole.commit,
        whole.tree,
        whole.content_time,
        (),
    )
    assert list(delta.removed) == sorted(delta.removed)


def test_no_delta_from_what_is_not_there(
    tmp_path: Path, git_repository: Path, git_commit: Callable[..., str], git_in: Callable[..., str]
) -> None:
    first = git_commit(git_repository, {b"a": b"1"})
    git_commit(git_repository, {b"a": b"2"})
    crawler = open_source(SourceKind.GIT, str(git_repository), ())
    blob = git_in(git_repository, "rev-parse", "main:a")
    assert [crawler.delta(old, "refs/heads/main") for old in ("f" * 40, blob, "-", "refs/heads/main")] == [None] * 4
    git_in(git_repository, "clone", "-q", "--depth=1", f"file://{git_repository}", str(tmp_path / "shallow"))
    shallow = open_source(SourceKind.GIT, str(tmp_path / "shallow"), ())
    assert shallow.delta(first, "refs/heads/main") is None
    tree = git_in(git_repository, "rev-parse", f"{first}^{{tree}}")
    assert crawler.delta(first, "refs/heads/main") is not None
    (git_repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    assert crawler.delta(first, "refs/heads/main") is None
