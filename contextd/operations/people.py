"""Principals, their tokens and their grants."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from contextd.model.access import Action, Grant, Role, Target
from contextd.model.errors import InvalidInput, Refused
from contextd.model.names import checked_name, checked_principal
from contextd.operations.plane import Caller, Plane
from contextd.store import tokens

REVIEW_GRANT = timedelta(days=180)
"""How long a grant holds when nothing else is said."""

FIRST_ROLES = (
    Role.CONTEXT_STEWARD,
    Role.SECURITY_PARTNER,
    Role.SERVICE_OWNER,
    Role.EXCEPTION_OWNER,
    Role.AUDITOR,
    Role.READER,
    Role.ELEVATED_READER,
)
"""Roles of the principal that a home begins with: someone has to be able to let the others in."""

HOME = Target()


def first_principal(plane: Plane, principal: str, folder: Path) -> Path:
    """Make the first principal of a new home, with every role that opens it up, and return the path of their token."""
    now = plane.now()
    caller = Caller(checked_principal(principal), ())
    plane.control.people.add(principal, by=principal, at=now)
    for role in FIRST_ROLES:
        plane.control.people.add_grant(
            Grant(principal, role, "all", principal, "first principal of the home", principal, now, now + REVIEW_GRANT)
        )
    path = _issue(plane, caller, principal, folder)
    plane.record("home-made", caller, f"principals/{principal}", roles=[role.value for role in FIRST_ROLES])
    return path


def create_token(plane: Plane, caller: Caller, principal: str, folder: Path) -> Path:
    """Make a token for a principal (made known if it is new), and return the path of the file that holds it.

    Raises:
        InvalidInput: the name is none for a principal.
        Refused: the caller may not; recorded.
        KeysUnavailable: the file is there already, or cannot be written.
    """
    checked_principal(principal)
    plane.require(caller, Action.GRANT, HOME)
    plane.control.people.add(principal, by=caller.principal, at=plane.now())
    path = _issue(plane, caller, principal, folder)
    plane.record("token-created", caller, f"principals/{principal}")
    return path


def give_role(
    plane: Plane, caller: Caller, principal: str, role: Role, scope: str, rationale: str, review_by: datetime | None = None
) -> Grant:
    """Grant a role within a scope until its review; nobody grants themselves anything.

    Raises:
        InvalidInput: no such scope, or a review that is not to come.
        NotFound: no such principal.
        Refused: the caller may not (recorded), or grants to themselves.
    """
    checked_principal(principal)
    plane.require(caller, Action.GRANT, HOME)
    if principal == caller.principal:
        facts = {"action": Action.GRANT.value, "reason": "APPROVER_IS_REQUESTER", "role": role.value}
        index = plane.record("refused", caller, f"principals/{principal}", **facts)
        message, reason = f"{principal} cannot grant themselves {role.value}", "APPROVER_IS_REQUESTER"
        raise Refused(message, reason=reason, hint="ask another steward", audit=str(index))
    now, rationale = plane.now(), plane.redact(rationale)
    until = review_by or now + REVIEW_GRANT
    if until <= now:
        raise InvalidInput(f"a review by {until:%Y-%m-%d} is not to come", hint="--review-by 90d", field="review_by")
    grant = Grant(principal, role, checked_scope(scope), caller.principal, rationale, caller.principal, now, until)
    plane.control.people.add_grant(grant)
    facts = {"role": role.value, "scope": scope, "rationale": rationale, "review_by": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    plane.record("role-granted", caller, f"principals/{principal}", **facts)
    return grant


def take_role(plane: Plane, caller: Caller, principal: str, role: Role, scope: str, reason: str) -> int:
    """End the living grants of a role and scope, at once; how many there were.

    Raises:
        NotFound: there was none.
        Refused: the caller may not; recorded.
    """
    plane.require(caller, Action.GRANT, HOME)
    ended = plane.control.people.revoke_grant(principal, role, scope, by=caller.principal, at=plane.now())
    plane.record("role-revoked", caller, f"principals/{principal}", role=role.value, scope=scope, reason=plane.redact(reason))
    return ended


def grants(plane: Plane, caller: Caller, principal: str = "") -> list[Grant]:
    """Grants of a principal, or of everybody; one's own need no role.

    Raises:
        Refused: the caller may not see those of others; recorded.
    """
    if principal != caller.principal:
        plane.require(caller, Action.AUDIT, HOME)
    return list(plane.control.people.grants(principal))


def checked_scope(scope: str) -> str:
    """Return a scope ``all``, ``tier:N``, ``source:NAME`` or ``component:NAME/PART``; InvalidInput for anything else."""
    kind, _, rest = scope.partition(":")
    if scope == "all" or (kind == "tier" and rest in {"1", "2", "3", "4"}):
        return scope
    if kind == "source":
        checked_name(rest, "source")
        return scope
    if kind == "component" and rest.count("/") == 1:
        for name in rest.split("/"):
            checked_name(name, "component")
        return scope
    raise InvalidInput(
        f"scope {scope!r} is none", hint="all, tier:3, source:payments or component:payments/admin-ui", field="scope"
    )


def _issue(plane: Plane, caller: Caller, principal: str, folder: Path) -> Path:
    token = tokens.new_token(plane.entropy)
    path = tokens.write_token(folder, principal, token)
    plane.control.people.add_token(principal, tokens.token_hash(token), by=caller.principal, at=plane.now())
    return path
