"""A folder's crawl lists every regular file below it, follows no link, and never takes a part for the whole."""

from __future__ import annotations

import os
import pickle
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contextd.crawl.listing import BadLocation, CrawlFailed, Listing
from contextd.crawl.opening import open_source
from contextd.model.content import EntryKind, Observed, Unreadable
from contextd.model.errors import InvalidInput
from contextd.model.source import SourceKind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "docs"
    (place / "in" / "deep").mkdir(parents=True)
    (place / "a.md").write_bytes(b"alpha")
    (place / "in" / "deep" / "b.md").write_bytes(b"beta")
    return place


def listed(place: Path) -> Listing:
    return open_source(SourceKind.DIRECTORY, str(place), ()).list("-")


def contents(place: Path, *entries: Observed) -> list[bytes | Unreadable]:
    with open_source(SourceKind.DIRECTORY, str(place), ()).reader() as reader:
        return list(reader.read(entries))


def test_a_listing_of_a_folder(folder: Path) -> None:
    (folder / "a.md").chmod(0o755)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    (folder / "in" / ".git").write_text("gitdir: elsewhere")
    (folder / "in.md").write_text("")
    (folder / "empty").mkdir()
    os.utime(folder / "a.md", (2_000_000_000, 2_000_000_000))
    listing = listed(folder)
    assert [(entry.path, entry.mode, entry.kind, entry.size) for entry in listing.entries] == [
        (b"a.md", "100644", EntryKind.FILE, 5),
        (b"in.md", "100644", EntryKind.FILE, 0),
        (b"in/deep/b.md", "100644", EntryKind.FILE, 4),
    ]
    assert (listing.ref, listing.commit, listing.tree) == ("-", "-", "-")
    assert listing.content_time == datetime.fromtimestamp(2_000_000_000, UTC)
    assert contents(folder, *listing.entries) == [b"alpha", b"", b"beta"]


def test_an_empty_folder_lists_nothing_and_has_its_own_time(tmp_path: Path) -> None:
    os.utime(tmp_path, (1_000_000_000, 1_000_000_000))
    listing = listed(tmp_path)
    assert (listing.entries, listing.content_time) == ((), datetime.fromtimestamp(1_000_000_000, UTC))


def test_a_folder_has_no_refs_no_delta_and_no_versions(folder: Path) -> None:
    crawler = open_source(SourceKind.DIRECTORY, str(folder), ())
    assert crawler.refs() == ["-"]
    assert crawler.delta("-", "-") is None
    with crawler.history("-", str) as history:
        assert not history.complete
        assert (history.removal("a.md"), history.line_change("a.md", 1)) == (None, None)
        assert history.said_since("a.md", "alpha") is None
        assert not history.existed_at("a.md", "-")
    with pytest.raises(CrawlFailed, match="has no ref main"):
        crawler.list("main")
    with pytest.raises(InvalidInput, match="has no refs"):
        open_source(SourceKind.DIRECTORY, str(folder), ("main",))


def test_links_and_special_files_are_listed_and_never_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"outside")
    (folder / "link").symlink_to(tmp_path / "secret" / "key")
    (folder / "folder").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket"))
    entries = {entry.path: entry for entry in listed(folder).entries}
    assert {path for path, entry in entries.items() if entry.kind is EntryKind.FILE} == {b"a.md", b"in/deep/b.md"}
    special = [entries[name] for name in (b"folder", b"link", b"loop", b"pipe", b"socket")]
    assert all((entry.kind, entry.mode) == (EntryKind.LINK, "120000") for entry in special)
    assert entries[b"pipe"].size == 0
    assert all("is not read" in str(answer) for answer in contents(folder, *special))


def test_no_forged_entry_leads_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"outside")
    (folder / "out").symlink_to(tmp_path)
    for path in (b"../key", b"in/../../key", b"/etc/hostname", b"out/key", b"a.md/.", b""):
        (answer,) = contents(folder, Observed(path, "100644", EntryKind.FILE, 7, ""))
        assert isinstance(answer, Unreadable), path


def test_what_is_swapped_after_the_listing_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.md").write_bytes(b"outside")
    first, second = listed(folder).entries
    (folder / "a.md").unlink()
    (folder / "a.md").symlink_to(tmp_path / "deep" / "b.md")
    (folder / "in").rename(folder / "was")
    (folder / "in").symlink_to(tmp_path)
    answers = contents(folder, first, second)
    assert all("cannot be opened" in str(answer) for answer in answers)
    (folder / "a.md").unlink()
    os.mkfifo(folder / "a.md")
    assert "is no longer a file" in str(contents(folder, first)[0])


def test_a_file_that_changed_is_read_as_it_is_now(folder: Path) -> None:
    first, second = listed(folder).entries
    (folder / "a.md").write_bytes(b"alpha and more")
    (folder / "in" / "deep" / "b.md").unlink()
    fresh, vanished = contents(folder, first, second)
    assert fresh == b"alpha and more"
    assert "cannot be opened: No such file" in str(vanished)
    (folder / "a.md").write_bytes(b"x" * ((1 << 20) + 6))
    assert "grew to 1048582 bytes" in str(contents(folder, first)[0])


def test_a_file_that_changes_while_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = listed(folder).entries[0]
    plain, turns = os.pread, []

    def written_meanwhile(descriptor: int, count: int, offset: int) -> bytes:
        turns.append(offset)
        if len(turns) <= limit:
            (folder / "a.md").write_bytes(b"again" + b"!" * len(turns))
        return plain(descriptor, count, offset)

    monkeypatch.setattr(os, "pread", written_meanwhile)
    limit = 2
    assert contents(folder, entry) == [b"again!!"]
    turns.clear()
    limit = 99
    assert "is being written to" in str(contents(folder, entry)[0])


def test_a_disk_that_fails_while_a_file_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = listed(folder).entries[0]

    def broken(descriptor: int, count: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    assert "cannot be read: Input/output error" in str(contents(folder, entry)[0])


def test_names_that_are_no_text(folder: Path) -> None:
    names = [b"caf\xc3\xa9", b"latin\xe9", b"new\nline", b"\xff\xfe"]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    entries = [entry for entry in listed(folder).entries if entry.path in names]
    assert [entry.path for entry in entries] == sorted(names)
    assert contents(folder, *entries) == sorted(names)


def test_a_part_that_cannot_be_listed_fails_the_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.open

    def refused(path: bytes | str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == b"deep":
            raise PermissionError(13, "Permission denied")
        return plain(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(CrawlFailed, match=r"in/deep/ cannot be listed: Permission denied; nothing was changed"):
        listed(folder)


def test_a_folder_that_vanishes_during_the_listing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, turns = os.open, []

    def vanished(path: bytes | str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == b"deep":
            turns.append(path)
            if len(turns) <= limit:
                raise FileNotFoundError(2, "No such file or directory")
        return plain(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", vanished)
    limit = 2
    assert len(listed(folder).entries) == 2
    turns.clear()
    limit = 99
    with pytest.raises(CrawlFailed, match="kept changing while it was listed"):
        listed(folder)


def test_deep_folders_and_many_of_them_leave_no_descriptor_open(folder: Path) -> None:
    deep = folder
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only the count matters
    listing = listed(folder)
    assert b"x" in contents(folder, *listing.entries)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - likewise


def test_a_reader_can_be_made_elsewhere(folder: Path) -> None:
    spec = pickle.loads(pickle.dumps(open_source(SourceKind.DIRECTORY, str(folder), ()).reader_spec))  # noqa: S301 - our own
    with spec.open() as reader:
        assert list(reader.read(listed(folder).entries)) == [b"alpha", b"beta"]


def test_places_that_are_no_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    expected = {tmp_path / "gone": "does not exist", folder / "a.md": "is not a folder", tmp_path / "link": "is a link"}
    for place, words in expected.items():
        with pytest.raises(BadLocation, match=words) as failed:
            listed(place)
        assert failed.value.hint
    with pytest.raises(BadLocation) as failed:
        listed(tmp_path / "link")
    assert failed.value.hint == f"register {folder}"


def test_what_may_not_be_read_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, plain = listed(folder).entries[0], os.open
    refused: set[str | bytes] = {b"a.md"}

    def guarded(path: bytes | str, flags: int, *, dir_fd: int | None = None) -> int:
        if path in refused:
            raise PermissionError(13, "Permission denied")
        return plain(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", guarded)
    assert "cannot be opened: Permission denied; mend: make it readable" in str(contents(folder, entry)[0])
    refused.add(str(folder))
    with pytest.raises(BadLocation, match="cannot be read: Permission denied"):
        listed(folder)
