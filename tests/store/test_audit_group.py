"""Group commit: who shares a commit with whom, and that an interruption of one caller keeps nobody waiting."""

from __future__ import annotations

import threading
import time

import pytest

from contextd.store.audit import group as group_commit
from contextd.store.audit.errors import AuditUnavailable
from contextd.store.audit.group import GroupCommit


class _Stage:
    """A commit that waits at a gate, so that a test can see who is in which commit."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.failures: list[BaseException] = []

    def commit(self, batch: list[str]) -> None:
        self.batches.append(batch)
        self.entered.release()
        assert self.gate.acquire(timeout=10)
        if self.failures:
            raise self.failures.pop()


def _submit(group: GroupCommit[str], item: str, errors: dict[str, BaseException]) -> threading.Thread:
    def work() -> None:
        try:
            group.submit(item)
        except BaseException as error:  # noqa: BLE001 - the test looks at what each caller was told
            errors[item] = error

    before = len(group._queue)
    thread = threading.Thread(target=work, name=item, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while len(group._queue) == before and item != "first":
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return thread


def test_who_comes_during_a_commit_shares_the_next_one() -> None:
    stage = _Stage()
    group = GroupCommit(stage.commit)
    errors: dict[str, BaseException] = {}
    threads = [_submit(group, "first", errors)]
    assert stage.entered.acquire(timeout=10)
    threads += [_submit(group, item, errors) for item in ("second", "third", "fourth")]
    stage.gate.release(2)
    for thread in threads:
        thread.join()
    assert stage.batches == [["first"], ["second", "third", "fourth"]]
    assert errors == {}


def test_an_interrupted_leader_tells_the_others_and_hands_over() -> None:
    stage = _Stage()
    group = GroupCommit(stage.commit)
    errors: dict[str, BaseException] = {}
    first = _submit(group, "first", errors)
    assert stage.entered.acquire(timeout=10)
    others = [_submit(group, item, errors) for item in ("second", "third")]
    stage.gate.release()
    assert stage.entered.acquire(timeout=10)
    late = _submit(group, "late", errors)
    stage.failures.append(KeyboardInterrupt())
    stage.gate.release(2)
    for thread in (first, *others, late):
        thread.join()
    assert set(errors) == {"second", "third"}
    assert isinstance(errors["second"], KeyboardInterrupt)
    assert isinstance(errors["third"], AuditUnavailable)
    assert stage.batches[-1] == ["late"]


@pytest.mark.parametrize("when", ["while it waits", "when it was to lead", "while its own commit runs"])
def test_an_interrupted_caller_keeps_nobody_waiting(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt = threading.Event()

    class Interruptible(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if threading.current_thread().name != "victim":
                return super().wait(timeout)
            assert interrupt.wait(10)
            raise KeyboardInterrupt

    monkeypatch.setattr(group_commit, "Event", Interruptible)
    stage = _Stage()
    group = GroupCommit(stage.commit)
    errors: dict[str, BaseException] = {}
    first = _submit(group, "first", errors)
    assert stage.entered.acquire(timeout=10)
    shared = when == "while its own commit runs"
    leader = _submit(group, "leader", errors) if shared else None
    victim = _submit(group, "victim", errors)
    other = _submit(group, "other", errors)
    if when == "while it waits":
        interrupt.set()
        victim.join(10)
        stage.gate.release()
    else:
        stage.gate.release()
        first.join(10)
        if shared:
            assert stage.entered.acquire(timeout=10)
        interrupt.set()
        victim.join(10)
    stage.gate.release()
    for thread in (first, leader, victim, other):
        if thread is not None:
            thread.join(10)
            assert not thread.is_alive()
    assert stage.batches == [["first"], ["leader", "victim", "other"] if shared else ["other"]]
    assert isinstance(errors.pop("victim"), KeyboardInterrupt)
    assert errors == {}
    assert not group._busy
