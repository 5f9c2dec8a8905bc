"""The compiled database: no rule is lost, and a cache that is not exactly ours is never trusted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import hyperscan
import pytest

from contextd.filter import secretdb
from contextd.filter.secretdb import candidate_database, candidate_pattern

REGEXES = ["tok_[a-f0-9]{4}", "key=(\\w+)", "\\pL{3}"]
TEXT = b"tok_0f0f"


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Iterator[None]:
    secretdb._loaded.clear()
    yield
    secretdb._loaded.clear()


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each compilation."""
    count: list[int] = []
    real = secretdb._compile

    def counting(patterns: list[bytes | None]) -> secretdb.CandidateDatabase:
        count.append(1)
        return real(patterns)

    monkeypatch.setattr(secretdb, "_compile", counting)
    return count


def cached(folder: Path) -> Path:
    return next(folder.glob("*.hsdb"))


def again(folder: Path) -> set[int]:
    secretdb._loaded.clear()
    return candidate_database(REGEXES, folder).indexes(TEXT)


def test_a_process_compiles_once(compiled: list[int]) -> None:
    first = candidate_database(REGEXES)
    assert candidate_database(list(REGEXES)) is first
    assert len(compiled) == 1
    assert first.indexes(TEXT) == {0, 2}
    assert first.indexes(b"") == {2}


def test_the_next_process_reads_the_cache(tmp_path: Path, compiled: list[int]) -> None:
    folder = tmp_path / "home" / "cache"
    candidate_database(REGEXES, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert cached(folder).stat().st_mode & 0o777 == 0o600
    assert [path.suffix for path in folder.iterdir()] == [".hsdb"]
    assert again(folder) == {0, 2}
    assert len(compiled) == 1


def test_other_rules_have_another_cache_file(tmp_path: Path, compiled: list[int]) -> None:
    candidate_database(REGEXES, tmp_path / "c")
    candidate_database([*REGEXES, "more"], tmp_path / "c")
    assert len(list((tmp_path / "c").glob("*.hsdb"))) == 2
    assert len(compiled) == 2


def forged(content: bytes, **changes: object) -> bytes:
    """The file with another head and a digest that fits."""
    head, _, blobs = content[len(secretdb._MAGIC) + 64 :].partition(b"\n")
    body = json.dumps({**json.loads(head), **changes}).encode() + b"\n" + blobs
    return secretdb._MAGIC + hashlib.sha256(body).hexdigest().encode() + body


@pytest.mark.parametrize(
    "tamper",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"x" + content[1:],
        lambda content: forged(content, key="another"),
        lambda content: forged(content, always=[99]),
        lambda content: forged(content, always="no"),
        lambda content: forged(content, sizes=[3]),
        lambda content: forged(content, sizes=None),
        lambda content: forged(content)[:-200],
    ],
    ids=[
        "empty",
        "cut",
        "bit flipped",
        "other magic",
        "other key",
        "index beyond",
        "no indexes",
        "wrong size",
        "no sizes",
        "blob cut",
    ],
)
def test_a_changed_cache_is_compiled_anew_and_replaced(tamper, tmp_path: Path, compiled: list[int]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # lambdas
    folder = tmp_path / "c"
    candidate_database(REGEXES, folder)
    good = cached(folder).read_bytes()
    cached(folder).write_bytes(tamper(good))
    assert again(folder) == {0, 2}
    assert len(compiled) == 2
    assert again(folder) == {0, 2}
    assert len(compiled) == 2


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path, compiled: list[int]) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    folder.chmod(0o777)
    assert again(folder) == {0, 2}
    assert list(folder.iterdir()) == []
    (tmp_path / "link").symlink_to(tmp_path / "c")
    assert again(tmp_path / "link") == {0, 2}
    assert len(compiled) == 2


def test_a_cache_that_cannot_be_made_or_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert again(tmp_path / "file" / "c") == {0, 2}

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    assert again(tmp_path / "c") == {0, 2}
    assert list((tmp_path / "c").iterdir()) == []


def test_only_the_last_databases_stay_in_memory() -> None:
    for number in range(secretdb._LOADED_MOST + 3):
        candidate_database([f"rule{number}"])
    assert len(secretdb._loaded) == secretdb._LOADED_MOST


def test_a_pattern_too_large_for_hyperscan_is_kept_in_some_form() -> None:
    # Without its widened repetitions this one is refused as too large.
    large = "(?:[a-c]{30}x[^y]{30}){9}(?:(?:ab|[^c]d){40}[e-z]{50}.{60}){9}q"
    database = candidate_database([large, "tok_"])
    assert 1 in database.indexes(b"tok_")


def test_what_hyperscan_refuses_is_tried_on_every_text() -> None:
    database = candidate_database(["(?U)xa+", "tok_"])
    assert database.always == {0}
    assert database.indexes(b"nothing") == {0}
    assert database.indexes(b"tok_") == {0, 1}


def test_databases_over_the_size_limit_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    real = secretdb._database

    def limited(patterns: list[tuple[int, bytes, int]]) -> object:
        if len(patterns) > 2:
            raise hyperscan.error
        return real(patterns)

    monkeypatch.setattr(secretdb, "_database", limited)
    database = candidate_database(["aa", "bb", "cc", "dd", "ee"])
    assert len(database.serialized()) == 3
    assert database.indexes(b"bb ee") == {1, 4}


@pytest.mark.parametrize(
    ("regex", "pattern"),
    [
        (r"[\w.-]{0,50}?key", b"key"),
        (r"(?i)[\w.-]{0,50}?key", b"(?i)key"),
        (r"[\w.:-]*?key", b"key"),
        (r"a{2,4}b{3,99}", b"a{2,4}b{3,}"),
        (r"\{1,99}[{1,99}]", rb"\{1,99}[{1,99}]"),
        (r"\s[\s]", rb"[\t\n\f\r ][\t\n\f\r ]"),
        (r"[^\S]\S", rb"[^\x00-\x08\x0b\x0e-\x1f\x21-\xff][\x00-\x08\x0b\x0e-\x1f\x21-\xff]"),
        (r"[]\s][^]\s]\\s", rb"[]\t\n\f\r ][^]\t\n\f\r ]\\s"),
        (r"[[:alpha:]\s]x{1,50}", rb"[[:alpha:]\t\n\f\r ]x{1,}"),
    ],
)
def test_patterns_say_the_same_to_hyperscan(regex: str, pattern: bytes) -> None:
    assert candidate_pattern(regex) == pattern


@pytest.mark.parametrize("regex", ["é", r"\pL", r"\PL", r"\v", r"\x{e9}", r"\xe9", r"\Qa\E", r"\C", r"\351"])
def test_patterns_that_mean_something_else_to_hyperscan_are_left_to_re2(regex: str) -> None:
    assert candidate_pattern(regex) is None
