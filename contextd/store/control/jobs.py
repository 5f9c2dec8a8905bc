"""Jobs: crawls and other work that takes a while, with what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from contextd.store.control import schema
from contextd.store.control.database import Database
from contextd.store.control.errors import RecordUnknown

_TABLE = schema.jobs


class JobState(StrEnum):
    """A job's life: running, then done, failed or cancelled; interrupted when its process died."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Job:
    """One run: ``counts`` are what it did (files, bytes…), ``error`` why it failed."""

    id: str
    kind: str
    source: str
    state: JobState
    started_at: datetime
    ended_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""


class Jobs:
    """Jobs by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, identity: str, kind: str, source: str, at: datetime) -> Job:
        """Keep a new running job under an id that the caller made."""
        job = Job(identity, kind, source, JobState.RUNNING, at)
        row: dict[str, Any] = {"id": identity, "kind": kind, "source": source, "state": job.state.value, "started_at": at}
        with self._database.write(decides=False) as connection:
            connection.execute(sa.insert(_TABLE), {**row, "counts": {}, "error": ""})
        return job

    def end(
        self, identity: str, state: JobState, at: datetime, counts: Mapping[str, int] | None = None, error: str = ""
    ) -> Job:
        """Keep how a running job ended; RecordUnknown when no such job is running."""
        values = {"state": state.value, "ended_at": at, "counts": dict(counts or {}), "error": error}
        running = sa.update(_TABLE).where(_TABLE.c.id == identity, _TABLE.c.state == JobState.RUNNING.value)
        with self._database.write(decides=False) as connection:
            if not connection.execute(running.values(values)).rowcount:
                raise RecordUnknown(f"no job {identity} is running", hint="contextd doctor")
        return self.get(identity)

    def interrupt_running(self, at: datetime) -> tuple[Job, ...]:
        """Mark what a process that died left running, and return it. For the process that has just taken the home."""
        left = self.find(states=[JobState.RUNNING])
        for job in left:
            self.end(job.id, JobState.INTERRUPTED, at, job.counts, "the process ended before the job did")
        return left

    def get(self, identity: str) -> Job:
        """The job with this id; RecordUnknown when there is none."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(_TABLE).where(_TABLE.c.id == identity)).mappings().first()
        if row is None:
            raise RecordUnknown(f"there is no job {identity}", hint="contextd doctor")
        return Job(**{**row, "state": JobState(row["state"])})

    def find(self, source: str = "", states: Collection[JobState] = (), limit: int | None = None) -> tuple[Job, ...]:
        """Jobs, newest first; of one source and some states only if they are named."""
        query = sa.select(_TABLE).order_by(_TABLE.c.started_at.desc(), _TABLE.c.id).limit(limit)
        if source:
            query = query.where(_TABLE.c.source == source)
        if states:
            query = query.where(_TABLE.c.state.in_(sorted(states)))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(Job(**{**row, "state": JobState(row["state"])}) for row in rows)
