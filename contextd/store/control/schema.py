"""The tables of the control plane, for SQLite and PostgreSQL alike.

Instants are whole microseconds since 1970-01-01 UTC. What nobody searches by is JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

HEAD = "0001"
"""The newest revision under ``migrations/versions``; these tables are what it leads to."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """Microseconds from 1970-01-01 UTC to ``instant``; ValueError when it has no time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(count: int) -> datetime:
    """The instant ``count`` microseconds after 1970-01-01 UTC."""
    return _EPOCH + count * _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970-01-01 UTC."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To the database."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - likewise
        """From the database."""
        return None if value is None else instant_of(value)


metadata = sa.MetaData()


def _row_id() -> sa.Column[int]:
    """A number for each row, rising. SQLite counts by itself in a column that is exactly INTEGER only."""
    return sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON, nullable=False)


def _at(name: str, *, optional: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Instant, nullable=optional)


sources = sa.Table(
    "sources", metadata,
    _text("name", key=True), _text("kind"), _text("content"), _number("tier"), _json("components"),
    _text("location"), _text("owner"), _text("maintainer"), _text("sensitivity"), _json("refs"), _text("every"),
    _text("state"), _text("requested_by"), _at("created_at"),
    _text("decided_by"), _at("decided_at", optional=True), _text("reason"), _at("review_by", optional=True), _text("etag"),
)  # fmt: skip
source_events = sa.Table(
    "source_events", metadata,
    _row_id(), _text("source"), _at("at"), _text("action"), _text("state"), _text("principal"), _text("reason"),
    sa.Index("source_events_by_source", "source", "row_id"),
)  # fmt: skip
principals = sa.Table(
    "principals", metadata,
    _text("name", key=True), _at("created_at"), _text("created_by"),
)  # fmt: skip
tokens = sa.Table(
    "tokens", metadata,
    _text("sha256", key=True), _text("principal"), _at("created_at"), _text("created_by"),
    _at("revoked_at", optional=True), _text("revoked_by"),
    sa.Index("tokens_by_principal", "principal"),
)  # fmt: skip
grants = sa.Table(
    "grants", metadata,
    _row_id(), _text("principal"), _text("role"), _text("scope"), _text("requester"), _text("rationale"), _text("approver"),
    _at("created_at"), _at("review_by"), _at("revoked_at", optional=True), _text("revoked_by"),
    sa.Index("grants_by_principal", "principal"),
)  # fmt: skip
bundles = sa.Table(
    "bundles", metadata,
    _text("digest", key=True), _text("ingest_digest"),
)  # fmt: skip
bundle_files = sa.Table(
    "bundle_files", metadata,
    _text("digest", key=True), _text("name", key=True), sa.Column("canonical", sa.LargeBinary, nullable=False),
)  # fmt: skip
bundle_periods = sa.Table(
    "bundle_periods", metadata,
    _row_id(), _text("digest"), _at("effective_at"), _text("by"), _text("reason"),
)  # fmt: skip
snapshots = sa.Table(
    "snapshots", metadata,
    _text("source", key=True), _text("ref", key=True), _number("sequence", key=True),
    _text("id"), _text("commit"), _text("ingest_digest"), _at("built_at"),
    sa.Index("snapshots_by_id", "id"),
)  # fmt: skip
findings = sa.Table(
    "findings", metadata,
    _text("id", key=True), _text("ref", key=True), _text("source"), _text("component"), _text("code"), _text("severity"),
    _text("state"), _text("path"), _number("line"), _json("body"),
    _at("first_seen"), _at("last_seen"), _text("first_snapshot"), _text("last_snapshot"),
    _at("resolved_at", optional=True), _text("resolved_by"),
    _text("judged_by"), _at("judged_at", optional=True), _text("judged_reason"), _at("suppressed_until", optional=True),
    sa.Index("findings_by_source", "source", "ref", "state"),
)  # fmt: skip
freshness = sa.Table(
    "freshness", metadata,
    _text("source", key=True), _text("ref", key=True), _text("path", key=True), _text("component"), _text("state"),
    _text("cause"),
    _at("reviewed_at", optional=True), _at("changed_at", optional=True),
    _at("warn_at", optional=True), _at("error_at", optional=True),
)  # fmt: skip
packages = sa.Table(
    "packages", metadata,
    _text("source", key=True), _text("ref", key=True), _text("component", key=True), _number("tier"),
    sa.Column("eligible", sa.Boolean, nullable=False), _json("body"), _at("checked_at"),
)  # fmt: skip
events = sa.Table(
    "events", metadata,
    _row_id(), _at("time"), _text("kind"), _text("source"), _text("component"), _number("tier"), _json("body"),
    sa.Index("events_by_kind", "kind", "time"),
    sa.Index("events_by_source", "source", "time"),
)  # fmt: skip
boundary_hits = sa.Table(
    "boundary_hits", metadata,
    _row_id(), _text("source"), _text("ref"), _text("path"), _text("kind"), _text("code"), _text("rule"), _text("where"),
    _number("line"), _number("count"), _text("fingerprint"), _text("component"), _text("bundle"),
    _number("since_sequence"), _at("since"), sa.Column("until_sequence", sa.BigInteger), _at("until", optional=True),
    sa.Index("boundary_hits_by_source", "source", "ref", "until_sequence", "path"),
)  # fmt: skip
receipts = sa.Table(
    "receipts", metadata,
    _text("id", key=True), _number("audit_index"), _text("principal"), _text("pathway"), _text("session"), _at("created_at"),
    _json("snapshots"), _text("key_id"), sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Index("receipts_by_audit_index", "audit_index", unique=True),
    sa.Index("receipts_by_session", "session"),
    sa.Index("receipts_by_principal", "principal", "created_at"),
)  # fmt: skip
jobs = sa.Table(
    "jobs", metadata,
    _text("id", key=True), _text("kind"), _text("source"), _text("state"), _at("started_at"), _at("ended_at", optional=True),
    _json("counts"), _text("error"),
    sa.Index("jobs_by_source", "source", "started_at"),
)  # fmt: skip
