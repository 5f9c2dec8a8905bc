"""Principals, their tokens and their grants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from contextd.model.access import Grant, Role
from contextd.model.names import checked_principal
from contextd.store.control import schema
from contextd.store.control.database import Database
from contextd.store.control.errors import RecordUnknown


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is known: by its SHA-256 (lowercase hex), never itself."""

    sha256: str
    principal: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str


class People:
    """Who may ask. Nothing is deleted: what ends is marked with when and by whom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, principal: str, *, by: str, at: datetime) -> bool:
        """Make a principal known. False when it was already; InvalidInput when it is no name for one."""
        checked_principal(principal)
        with self._database.write() as connection:
            if _known(connection, principal):
                return False
            connection.execute(sa.insert(schema.principals), {"name": principal, "created_at": at, "created_by": by})
        return True

    def known(self, principal: str) -> bool:
        """Whether there is such a principal."""
        with self._database.read() as connection:
            return _known(connection, principal)

    def names(self) -> tuple[str, ...]:
        """Every principal, by name."""
        with self._database.read() as connection:
            return tuple(connection.execute(sa.select(schema.principals.c.name).order_by(schema.principals.c.name)).scalars())

    def add_token(self, principal: str, sha256: str, *, by: str, at: datetime) -> None:
        """Make a token good for ``principal``; RecordUnknown when there is no such principal."""
        row = {"sha256": sha256, "principal": principal, "created_at": at, "created_by": by, "revoked_by": ""}
        with self._database.write() as connection:
            if not _known(connection, principal):
                raise RecordUnknown(f"there is no principal {principal}", hint=f"contextd token create {principal}")
            connection.execute(sa.insert(schema.tokens), row)

    def principal_of(self, sha256: str) -> str | None:
        """Whose token this is; None when it is nobody's, or revoked."""
        table = schema.tokens
        query = sa.select(table.c.principal).where(table.c.sha256 == sha256, table.c.revoked_at.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def tokens(self, principal: str = "") -> tuple[Token, ...]:
        """Tokens, oldest first, revoked ones included; of one principal if it is named."""
        table = schema.tokens
        query = sa.select(table).order_by(table.c.created_at, table.c.sha256)
        if principal:
            query = query.where(table.c.principal == principal)
        with self._database.read() as connection:
            return tuple(Token(**row) for row in connection.execute(query).mappings())

    def revoke_tokens(self, principal: str, *, by: str, at: datetime) -> int:
        """End every token of a principal at once; how many there were."""
        table = schema.tokens
        live = sa.update(table).where(table.c.principal == principal, table.c.revoked_at.is_(None))
        with self._database.write() as connection:
            return connection.execute(live.values(revoked_at=at, revoked_by=by)).rowcount

    def add_grant(self, grant: Grant) -> None:
        """Keep a grant. RecordUnknown when its principal is not known."""
        with self._database.write() as connection:
            if not _known(connection, grant.principal):
                raise RecordUnknown(f"there is no principal {grant.principal}", hint=f"contextd token create {grant.principal}")
            row = {
                "principal": grant.principal,
                "role": grant.role.value,
                "scope": grant.scope,
                "requester": grant.requester,
                "rationale": grant.rationale,
                "approver": grant.approver,
                "created_at": grant.created_at,
                "review_by": grant.review_by,
                "revoked_at": grant.revoked_at,
                "revoked_by": "",
            }
            connection.execute(sa.insert(schema.grants), row)

    def grants(self, principal: str = "") -> tuple[Grant, ...]:
        """Grants, oldest first, ended ones included; of one principal if it is named."""
        table = schema.grants
        query = sa.select(table).order_by(table.c.row_id)
        if principal:
            query = query.where(table.c.principal == principal)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(
            Grant(
                principal=row["principal"],
                role=Role(row["role"]),
                scope=row["scope"],
                requester=row["requester"],
                rationale=row["rationale"],
                approver=row["approver"],
                created_at=row["created_at"],
                review_by=row["review_by"],
                revoked_at=row["revoked_at"],
            )
            for row in rows
        )

    def revoke_grant(self, principal: str, role: Role, scope: str, *, by: str, at: datetime) -> int:
        """End a role within a scope, in every grant that gives it; RecordUnknown when none does."""
        table = schema.grants
        live = sa.update(table).where(
            table.c.principal == principal,
            table.c.role == role.value,
            table.c.scope == scope,
            table.c.revoked_at.is_(None),
        )
        with self._database.write() as connection:
            ended = connection.execute(live.values(revoked_at=at, revoked_by=by)).rowcount
        if not ended:
            raise RecordUnknown(f"{principal} has no grant of {role} for {scope}", hint=f"contextd grant list {principal}")
        return ended


def _known(connection: sa.Connection, principal: str) -> bool:
    query = sa.select(schema.principals.c.name).where(schema.principals.c.name == principal)
    return connection.execute(query).first() is not None
