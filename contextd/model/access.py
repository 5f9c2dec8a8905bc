"""Who asks, for what, over which way, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Roles that a grant gives within a scope."""

    AI_ARCHITECT = "ai-architect"
    CONTEXT_STEWARD = "context-steward"
    SECURITY_PARTNER = "security-partner"
    SERVICE_OWNER = "service-owner"
    EXCEPTION_OWNER = "exception-owner"
    GATE_OWNER = "gate-owner"
    MEASUREMENT_OWNER = "measurement-owner"
    AUDITOR = "auditor"
    READER = "reader"
    ELEVATED_READER = "elevated-reader"


class Action(StrEnum):
    """What can be asked of the permit function."""

    DISCOVER = "discover"
    SEARCH = "search"
    FETCH = "fetch"
    READ_RESTRICTED = "read-restricted"
    INSPECT = "inspect"
    PROPOSE = "propose"
    APPROVE = "approve"
    SUSPEND = "suspend"
    CRAWL = "crawl"
    GRANT = "grant"
    AUDIT = "audit"


class Workflow(StrEnum):
    """What the context is used for."""

    EXPLAIN = "explain"
    GENERATE = "generate"
    TEST = "test"
    REVIEW = "review"
    REFACTOR = "refactor"
    AUTONOMOUS = "autonomous"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role of a principal within a scope (``all``, ``tier:N``, ``source:NAME``, ``component:NAME/PART``) until its review."""

    principal: str
    role: Role
    scope: str
    requester: str
    rationale: str
    approver: str
    created_at: datetime
    review_by: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """How the caller says context is used; checked against pathway rules, never believed."""

    pathway: str = "terminal"
    workflow: Workflow = Workflow.EXPLAIN
    intent: str = ""
    session: str = ""
    client: str = "contextd-cli"
    client_version: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a decision is about: one component of one source, or the home itself where ``source`` is empty."""

    source: str = ""
    component: str = ""
    tier: int = 1
    state: str = ""
    owner: str = ""
    requested_by: str = ""
    eligible: bool = False
    review_overdue: bool = False


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One question to the permit function. ``grants`` are those of the principal; those that are over are ignored there."""

    principal: str
    action: Action
    target: Target
    use: Use
    grants: tuple[Grant, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. ``policies`` are the ids of the determining policies; ``reason`` is empty when it was allowed.

    ``discoverable`` says whether the caller may know that the target exists: only then may a refusal be explained.
    """

    allowed: bool
    reason: str
    message: str
    hint: str
    policies: tuple[str, ...]
    discoverable: bool
    facts: Mapping[str, str] = field(default_factory=dict)
