"""Findings and their life: open, acknowledged, then resolved by evidence, suppressed until an instant, or judged false."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contextd.model.answer import OpenFinding
from contextd.model.errors import InvalidInput
from contextd.model.finding import Finding, FindingState, Severity
from contextd.store.control import schema
from contextd.store.control.database import Database
from contextd.store.control.finding_id import finding_id
from contextd.store.control.finding_json import body_of, finding_of
from contextd.store.control.lookup import whole_id

_TABLE = schema.findings
_UNRESOLVED = tuple(state.value for state in FindingState if state is not FindingState.RESOLVED)
_ACTIVE = (FindingState.OPEN.value, FindingState.ACKNOWLEDGED.value)


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A finding on one ref, with its state and how it came to it.

    ``resolved_by`` is the snapshot in which it was gone; ``judged_by`` the person who last acknowledged, suppressed or judged
    it.
    """

    id: str
    source: str
    ref: str
    finding: Finding
    state: FindingState
    first_seen: datetime
    last_seen: datetime
    first_snapshot: str
    last_snapshot: str
    resolved_at: datetime | None
    resolved_by: str
    judged_by: str
    judged_at: datetime | None
    judged_reason: str
    suppressed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a snapshot changed, as ids: found for the first time, again after they were over, gone, and still there."""

    opened: tuple[str, ...]
    reopened: tuple[str, ...]
    resolved: tuple[str, ...]
    seen: tuple[str, ...]


class Findings:
    """Findings by id and ref."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, source: str, ref: str, snapshot: str, findings: Iterable[Finding], at: datetime) -> Recorded:
        """Take over everything that was found in a snapshot of a ref: these and no others hold there at ``at``.

        What is new opens; where the same finding of another ref was judged by a person, it starts with that judgement. What
        was found before stays in its state, or opens again if it was resolved or its suppression is over. What is no longer
        found is resolved by this snapshot, unless it was judged false. Of findings with one id the first counts.
        """
        found: dict[str, Finding] = {}
        for finding in findings:
            found.setdefault(finding_id(source, finding), finding)
        with self._database.write() as connection:
            query = sa.select(_TABLE.c.id, _TABLE.c.state, _TABLE.c.suppressed_until)
            known = {row.id: row for row in connection.execute(query.where(_TABLE.c.source == source, _TABLE.c.ref == ref))}
            new = [identity for identity in found if identity not in known]
            judgements = _judgements(connection, new, at)
            seen: list[str] = []
            reopened: list[str] = []
            updates = []
            for identity in sorted(found.keys() & known.keys()):
                state = _next_state(known[identity].state, known[identity].suppressed_until, at)
                (reopened if state != known[identity].state else seen).append(identity)
                updates.append({"key": identity, "state": state, **_sighting(found[identity], snapshot, at)})
            gone = sorted(identity for identity in known.keys() - found.keys() if _ends(known[identity].state))
            if new:
                first = {"source": source, "ref": ref, "first_seen": at, "first_snapshot": snapshot}
                rows = [
                    {
                        "id": i,
                        **_OPEN,
                        **judgements.get(i, {}),
                        **first,
                        **_facts(found[i]),
                        **_sighting(found[i], snapshot, at),
                    }
                    for i in new
                ]
                connection.execute(sa.insert(_TABLE), rows)
            here = sa.update(_TABLE).where(_TABLE.c.id == sa.bindparam("key"), _TABLE.c.ref == ref)
            if updates:
                connection.execute(here.values(resolved_at=None, resolved_by=""), updates)
            if gone:
                over = here.values(state=FindingState.RESOLVED.value, resolved_at=at, resolved_by=snapshot)
                connection.execute(over, [{"key": identity} for identity in gone])
        return Recorded(*(tuple(sorted(ids)) for ids in (new, reopened, gone, seen)))

    def get(self, value: str) -> tuple[FindingRecord, ...]:
        """A finding on each ref that has it, by its id or by the only one that begins so (8 hex digits or more).

        InvalidInput when it is no such id, RecordUnknown when there is none, IdAmbiguous when there are several ids.
        """
        with self._database.read() as connection:
            found = whole_id(connection, _TABLE.c.id, value, "fnd1", "finding")
            query = sa.select(_TABLE).where(_TABLE.c.id == found).order_by(_TABLE.c.ref)
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def find(
        self,
        source: str = "",
        ref: str = "",
        *,
        codes: Collection[str] = (),
        severities: Collection[Severity] = (),
        states: Collection[FindingState] = (),
        limit: int | None = None,
    ) -> tuple[FindingRecord, ...]:
        """Findings by source, path and line; narrowed only by what is given."""
        query = (
            sa.select(_TABLE).order_by(_TABLE.c.source, _TABLE.c.path, _TABLE.c.line, _TABLE.c.id, _TABLE.c.ref).limit(limit)
        )
        if source:
            query = query.where(_TABLE.c.source == source)
        if ref:
            query = query.where(_TABLE.c.ref == ref)
        for column, wanted in ((_TABLE.c.code, codes), (_TABLE.c.severity, severities), (_TABLE.c.state, states)):
            if wanted:
                query = query.where(column.in_(sorted(wanted)))
        with self._database.read() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def active(self, source: str, ref: str) -> dict[str, tuple[OpenFinding, ...]]:
        """Open and acknowledged findings by path: what an answer says about the texts that it serves."""
        query = sa.select(_TABLE.c.path, _TABLE.c.id, _TABLE.c.code).where(_TABLE.c.source == source, _TABLE.c.ref == ref)
        paths: dict[str, list[OpenFinding]] = {}
        with self._database.read() as connection:
            for path, identity, code in connection.execute(query.where(_TABLE.c.state.in_(_ACTIVE)).order_by(_TABLE.c.id)):
                paths.setdefault(path, []).append(OpenFinding(identity, code))
        return {path: tuple(found) for path, found in paths.items()}

    def judge(
        self, value: str, state: FindingState, *, by: str, at: datetime, reason: str, until: datetime | None = None
    ) -> tuple[FindingRecord, ...]:
        """Keep what a person says of a finding: acknowledged, suppressed ``until``, false-positive, or open again.

        It holds on every ref; what is resolved can only be judged false. InvalidInput for another state, for a suppression
        without an end or with one that is over, and where everything is resolved; errors of ``get`` besides.
        """
        if state is FindingState.RESOLVED:
            raise InvalidInput("a finding is resolved by evidence: mend what it names, then crawl", field="state")
        if (state is FindingState.SUPPRESSED) != (until is not None) or (until is not None and until <= at):
            raise InvalidInput("a suppression, and nothing else, needs an end that is still to come", field="until")
        with self._database.write() as connection:
            identity = whole_id(connection, _TABLE.c.id, value, "fnd1", "finding")
            chosen = sa.update(_TABLE).where(_TABLE.c.id == identity)
            if state is not FindingState.FALSE_POSITIVE:
                chosen = chosen.where(_TABLE.c.state.in_(_UNRESOLVED))
            judgement = {
                "state": state.value,
                "judged_by": by,
                "judged_at": at,
                "judged_reason": reason,
                "suppressed_until": until,
            }
            if not connection.execute(chosen.values(judgement)).rowcount:
                raise InvalidInput(f"finding {value} is resolved", hint=f"contextd findings show {value}", field="id")
        return self.get(identity)


_OPEN: dict[str, Any] = {
    "state": FindingState.OPEN.value,
    "resolved_at": None,
    "resolved_by": "",
    "judged_by": "",
    "judged_at": None,
    "judged_reason": "",
    "suppressed_until": None,
}


def _next_state(state: str, suppressed_until: datetime | None, at: datetime) -> str:
    """The state of a finding that was found again."""
    suppressed = suppressed_until is not None and at < suppressed_until
    if state == FindingState.RESOLVED:
        return FindingState.SUPPRESSED.value if suppressed else FindingState.OPEN.value
    return FindingState.OPEN.value if state == FindingState.SUPPRESSED and not suppressed else state


def _ends(state: str) -> bool:
    """Whether a finding in this state is resolved when it is no longer found."""
    return state not in {FindingState.RESOLVED, FindingState.FALSE_POSITIVE}


def _judgements(connection: sa.Connection, new: list[str], at: datetime) -> dict[str, dict[str, Any]]:
    """What people have said of findings that other refs have already, by id; suppressions that are over are left out."""
    columns = [_TABLE.c[name] for name in ("state", "judged_by", "judged_at", "judged_reason", "suppressed_until")]
    judged = (FindingState.ACKNOWLEDGED.value, FindingState.SUPPRESSED.value, FindingState.FALSE_POSITIVE.value)
    query = sa.select(_TABLE.c.id, *columns).where(_TABLE.c.id == sa.bindparam("key"), _TABLE.c.state.in_(judged))
    judgements = {}
    for identity in new:
        for row in connection.execute(query.order_by(_TABLE.c.judged_at), {"key": identity}).mappings():
            if row["suppressed_until"] is None or at < row["suppressed_until"]:
                judgements[identity] = {column.name: row[column.name] for column in columns}
    return judgements


def _facts(finding: Finding) -> dict[str, Any]:
    """Columns that the id fixes."""
    return {"component": finding.component, "code": finding.code, "path": finding.path}


def _sighting(finding: Finding, snapshot: str, at: datetime) -> dict[str, Any]:
    """Columns that follow the newest snapshot."""
    return {
        "severity": finding.severity.value,
        "line": finding.line,
        "body": body_of(finding),
        "last_seen": at,
        "last_snapshot": snapshot,
    }


def _record(row: sa.RowMapping) -> FindingRecord:
    finding = replace(
        finding_of(row["body"]), component=row["component"], code=row["code"], path=row["path"],
        line=row["line"], severity=Severity(row["severity"]),
    )  # fmt: skip
    kept = {name: row[name] for name in FindingRecord.__slots__ if name not in {"finding", "state"}}
    return FindingRecord(**kept, finding=finding, state=FindingState(row["state"]))
