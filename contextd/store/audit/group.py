"""Group commit: threads that come while a commit waits for the disk share the next one."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock
from typing import Generic, TypeVar

from contextd.store.audit.errors import AuditUnavailable

T = TypeVar("T")


class _Ticket(Generic[T]):
    """One caller's place in the queue. It is woken once: settled, or to lead the next commit."""

    __slots__ = ("error", "item", "leads", "settled", "woken")

    def __init__(self, item: T) -> None:
        self.item = item
        self.woken = Event()
        self.settled = False
        self.leads = False
        self.error: BaseException | None = None


class GroupCommit(Generic[T]):
    """Turns calls of many threads into few commits, without a thread of its own and without waiting for company.

    Whoever finds no commit under way leads one at once, for everyone who waits by then. A leader makes a single commit and
    hands over, so that nobody works long for others.

    Args:
        commit: makes all items durable in their order, or none of them and raises.
    """

    def __init__(self, commit: Callable[[list[T]], None]) -> None:
        self._commit = commit
        self._mutex = Lock()
        self._queue: list[_Ticket[T]] = []
        self._busy = False

    def submit(self, item: T) -> None:
        """Return when ``item`` is committed; raise what its commit raised."""
        ticket = _Ticket(item)
        with self._mutex:
            self._queue.append(ticket)
            ticket.leads = not self._busy
            self._busy = True
        if not ticket.leads:
            try:
                ticket.woken.wait()
            except BaseException:
                self._abandon(ticket)
                raise
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error

    def _lead(self) -> None:
        with self._mutex:
            batch, self._queue = self._queue, []
        error: BaseException | None = None
        try:
            self._commit([ticket.item for ticket in batch])
        except Exception as failure:  # noqa: BLE001 - every caller of this commit is told, each in its own thread
            error = failure
        except BaseException:
            error = AuditUnavailable("the process was interrupted while it recorded to the audit log")
            raise
        finally:
            with self._mutex:
                heir = self._hand_over()
            for ticket in batch:
                ticket.settled, ticket.error = True, error
                ticket.woken.set()
            if heir is not None:
                heir.woken.set()

    def _hand_over(self) -> _Ticket[T] | None:
        """Name the next leader, if anyone waits. Called with the mutex held."""
        if not self._queue:
            self._busy = False
            return None
        heir = self._queue[0]
        heir.leads = True
        return heir

    def _abandon(self, ticket: _Ticket[T]) -> None:
        """Leave the queue: the caller was interrupted while it waited. A commit that is under way still takes its item."""
        heir = None
        with self._mutex:
            if ticket in self._queue:
                self._queue.remove(ticket)
                if ticket.leads:
                    heir = self._hand_over()
        if heir is not None:
            heir.woken.set()
