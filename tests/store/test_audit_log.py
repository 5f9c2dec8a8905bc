"""Appending, finding, proving: what the audit log promises when nothing goes wrong."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.merkle import rfc6962
from contextd.model.errors import InvalidInput
from contextd.store.audit.entry import canonical
from contextd.store.audit.errors import AuditDamaged, AuditUnavailable, EntryNotFound
from contextd.store.audit.head import TreeHead, key_hash, parse_head
from contextd.store.audit.log import AuditLog, _Batch
from contextd.store.keys import SigningKey, VerifyingKey, create_signing_key

ORIGIN = "contextd.test/audit"


def event(number: int, kind: str = "answer") -> dict[str, object]:
    return {
        "kind": kind,
        "time": f"2026-11-23T18:40:02.{number:06d}Z",
        "principal": "dev@example.org",
        "subject": f"rcpt1:{number:064x}",
        "hits": number,
    }


def signing_key(folder: Path, seed: int = 1) -> SigningKey:
    return create_signing_key(folder, lambda count: bytes([seed]) * count)


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return signing_key(tmp_path / "keys")


@pytest.fixture
def log(tmp_path: Path, key: SigningKey) -> Iterator[AuditLog]:
    with AuditLog.open(tmp_path / "audit.db", key, ORIGIN) as opened:
        yield opened


def test_indexes_count_from_zero_and_entries_come_back_as_canonical_json(log: AuditLog) -> None:
    assert log.append(event(0)) == 0
    assert log.append_many([event(1), event(2)]) == [1, 2]
    assert log.append_many([]) == []
    assert log.size == 3
    entry = log.entry(1)
    assert entry.event == event(1)
    # RFC 8785: keys in order, no space.
    assert entry.data == json.dumps(event(1), sort_keys=True, separators=(",", ":")).encode()


def test_a_new_log_is_private(log: AuditLog, tmp_path: Path) -> None:
    log.append(event(0))
    for path in tmp_path.glob("audit.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_it_goes_on_where_it_stopped(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "audit.db"
    for start in range(0, 35, 7):
        with AuditLog.open(path, key, ORIGIN) as log:
            assert log.append_many([event(start + i) for i in range(7)]) == list(range(start, start + 7))
    with AuditLog.open(path, key, ORIGIN) as log:
        assert log.sign_head().root == rfc6962.mth([rfc6962.leaf(canonical(event(i))) for i in range(35)])


def test_entries_are_read_by_range_and_kind_across_pages(log: AuditLog) -> None:
    log.append_many([event(i, "answer" if i % 3 else "refusal") for i in range(600)])
    assert [e.index for e in log.entries()] == list(range(600))
    assert [e.index for e in log.entries(590)] == list(range(590, 600))
    assert [e.index for e in log.entries(5, 300)] == list(range(5, 305))
    assert [e.index for e in log.entries(1, 3, ["refusal"])] == [3, 6, 9]
    assert len(list(log.entries(kinds=["refusal", "answer"]))) == 600
    assert list(log.entries(kinds=["other"])) == []


def test_entries_are_found_by_subject_and_kind(log: AuditLog) -> None:
    log.append_many([event(0), event(1), event(1, "revocation")])
    assert log.find(str(event(1)["subject"])) == [1, 2]
    assert log.find(str(event(1)["subject"]), "revocation") == [2]
    assert log.find("rcpt1:unknown") == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": ""}, "kind"),
        ({"kind": 3}, "kind"),
        ({"principal": None}, "principal"),
        ({"time": "2026-11-23T18:40:02Z"}, "time"),
        ({"time": "2026-11-23T18:40:02.000000+01:00"}, "time"),
        ({"hits": float("nan")}, "event"),
        ({"hits": 2**60}, "event"),
        ({"hits": b"bytes"}, "event"),
        ({"hits": "\ud800"}, "event"),
    ],
)
def test_an_event_that_cannot_be_recorded_is_refused_and_its_batch_with_it(
    log: AuditLog, change: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        log.append_many([event(0), {**event(1), **change}])
    assert refused.value.metadata["field"] == field
    assert log.size == 0


def test_what_is_not_there_is_said_to_be_missing(log: AuditLog) -> None:
    log.append(event(0))
    for ask in (
        lambda: log.entry(1),
        lambda: log.entry(-1),
        lambda: log.prove(1),
        lambda: log.prove(-1),
        lambda: log.prove(0, 2),
        lambda: log.prove_consistency(2, 1),
        lambda: log.prove_consistency(0, 5),
    ):
        with pytest.raises(EntryNotFound):
            ask()


def test_a_head_is_a_checkpoint_that_says_what_was_signed(log: AuditLog, key: SigningKey, tmp_path: Path) -> None:
    assert log.head() is None
    log.append_many([event(i) for i in range(5)])
    head = log.sign_head()
    origin, size, root, blank, signature = head.note.split("\n")[:5]
    assert (origin, size, blank) == (ORIGIN, "5", "")
    assert signature.startswith(f"\u2014 {ORIGIN} ")
    assert parse_head(head.note) == head == log.head()
    assert head.signed_by([key]) is key
    other = signing_key(tmp_path / "other", seed=2)
    assert head.signed_by([other]) is None
    forged = parse_head(head.note.replace("\n5\n", "\n6\n"))
    assert forged.signed_by([key]) is None
    assert root


def test_signatures_are_those_of_signed_notes() -> None:
    # The example of the documentation of golang.org/x/mod/sumdb/note.
    public = VerifyingKey(bytes.fromhex("1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6"))
    assert key_hash("PeterNeumann", public.public_key).hex() == "c74f20a3"
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    note = f"{text}\n\u2014 PeterNeumann {signature}\n"
    assert TreeHead("PeterNeumann", 0, b"", note).signed_by([public]) is public
    assert TreeHead("PeterNeumann", 0, b"", note.replace("answer", "cause")).signed_by([public]) is None


def test_a_head_is_signed_once_for_each_size(log: AuditLog) -> None:
    empty = log.sign_head()
    assert (empty.size, empty.root) == (0, rfc6962.EMPTY)
    log.append(event(0))
    first = log.sign_head()
    assert log.sign_head() == first
    log.append(event(1))
    second = log.sign_head()
    assert log.heads() == [empty, first, second]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "origin\n1\n",
        "origin\n1\nAAAA\n\n\u2014 origin AAAA\n",
        "origin\n01\n" + "A" * 43 + "=\n\n\u2014 origin AAAA\n",
        "origin\n1\n" + "A" * 43 + "=\n\n\u2014 origin AAAA",
        "two words\n1\n" + "A" * 43 + "=\n\n\u2014 origin AAAA\n",
        "origin\n1\n" + "!" * 43 + "=\n\n\u2014 origin AAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_not_read_as_one(note: str) -> None:
    with pytest.raises(InvalidInput):
        parse_head(note)


def test_signatures_that_cannot_be_read_are_passed_over(log: AuditLog, key: SigningKey) -> None:
    log.append(event(0))
    head = log.sign_head()
    text, signature = head.note.split("\n\n")
    cosigned = parse_head(
        f"{text}\n\n\u2014 witness.example AAAA\n\u2014 {ORIGIN} not base64\n\u2014 {ORIGIN} AAAA\n{signature}"
    )
    assert cosigned.signed_by([key]) is key


@pytest.mark.parametrize("origin", ["", "two words", "plus+sign", "new\nline", "é"])
def test_an_origin_that_no_note_can_carry_is_refused(tmp_path: Path, key: SigningKey, origin: str) -> None:
    with pytest.raises(InvalidInput, match="origin"):
        AuditLog.open(tmp_path / "audit.db", key, origin)
    assert not (tmp_path / "audit.db").exists()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.data())
def test_proofs_hold_between_any_two_heads(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("audit")
    with AuditLog.open(folder / "audit.db", signing_key(folder / "keys"), ORIGIN) as log:
        heads = []
        for batch in batches:
            log.append_many([event(log.size + i) for i in range(batch)])
            heads.append(log.sign_head())
        newest = heads[-1]
        older = data.draw(st.sampled_from(heads))
        index = data.draw(st.integers(0, older.size - 1))
        proof = log.prove(index, older.size)
        assert proof.holds(older)
        assert proof.leaf == log.entry(index).leaf
        assert log.prove(index).holds(newest)
        assert log.prove_consistency(older.size).holds(older, newest)
        if older.size != newest.size:
            assert not proof.holds(newest)
            assert not log.prove_consistency(older.size, newest.size).holds(newest, older)
        report = log.verify(anchors=heads)
        assert report.ok
        assert (report.entries, report.covered, report.tail) == (newest.size, newest.size, 0)
        assert report.heads == 2 * len(heads)


def test_entries_after_the_last_head_are_counted_as_such(log: AuditLog) -> None:
    log.append_many([event(i) for i in range(10)])
    log.sign_head()
    log.append_many([event(i) for i in range(10, 13)])
    report = log.verify()
    assert (report.entries, report.covered, report.tail, report.ok) == (13, 10, 3, True)


def test_threads_share_commits_and_every_index_is_given_once(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    commit = log._group._commit

    def counted(batches: list[_Batch]) -> None:
        commits.append(len(batches))
        commit(batches)

    monkeypatch.setattr(log._group, "_commit", counted)
    indexes: dict[int, int] = {}

    def work(worker: int) -> None:
        for i in range(20):
            number = worker * 20 + i
            indexes[number] = log.append(event(number))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indexes.values()) == list(range(240))
    for number, index in indexes.items():
        assert log.entry(index).event["hits"] == number
    assert sum(commits) == 240
    assert len(commits) < 240
    assert log.verify().ok


def test_readers_do_not_wait_for_a_commit(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append(event(0))
    in_commit, finish = threading.Event(), threading.Event()
    commit = log._group._commit

    def slow(batches: list[_Batch]) -> None:
        with log._writing:
            in_commit.set()
            assert finish.wait(10)
        commit(batches)

    monkeypatch.setattr(log._group, "_commit", slow)
    writer = threading.Thread(target=log.append, args=(event(1),))
    writer.start()
    assert in_commit.wait(10)
    assert log.entry(0).index == 0
    assert log.prove(0).size == 1
    assert log.size == 1
    finish.set()
    writer.join()
    assert log.size == 2


def test_another_process_may_append_in_between(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "audit.db"
    with AuditLog.open(path, key, ORIGIN) as one, AuditLog.open(path, key, ORIGIN) as two:
        assert [one.append(event(0)), two.append(event(1)), two.append(event(2)), one.append(event(3))] == [0, 1, 2, 3]
        two.sign_head()
        assert one.verify().ok


def test_a_closed_log_answers_nothing(tmp_path: Path, key: SigningKey) -> None:
    log = AuditLog.open(tmp_path / "audit.db", key, ORIGIN)
    log.append(event(0))
    log.close()
    with pytest.raises(AuditUnavailable):
        log.append(event(1))
    with pytest.raises(AuditUnavailable, match="closed"):
        log.entry(0)


def test_heads_of_a_rotated_key_are_accepted_when_it_is_known(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "audit.db"
    with AuditLog.open(path, key, ORIGIN) as log:
        log.append(event(0))
        log.sign_head()
    new = signing_key(tmp_path / "new", seed=2)
    with pytest.raises(AuditDamaged, match="no known key"):
        AuditLog.open(path, new, ORIGIN)
    with AuditLog.open(path, new, ORIGIN, known=[key]) as log:
        log.append(event(1))
        log.sign_head()
        assert log.verify().ok


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=5))
def test_entries_are_written_as_rfc_8785_whatever_they_hold(facts: dict[str, Any]) -> None:
    event = {**facts, "kind": "k", "time": "2026-11-23T18:40:02.000000Z", "principal": "p", "subject": "s"}
    assert canonical(event) == rfc8785.dumps(event)
