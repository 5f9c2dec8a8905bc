"""The error tree. Specific errors live beside the code that raises them.

    ContextdError                 something a person can act on
    ├── InvalidInput              FIELD_INVALID and kin: what was given cannot be meant
    │   └── BundleInvalid         BUNDLE_INVALID: a policy file, with file and line
    ├── NotFound                  the answer is no: there is no such thing
    ├── Refused                   the answer is no: policy or boundary says so
    ├── Undecided                 neither yes nor no can be said honestly
    └── Unavailable               the work could not be done; what was true before still is

Each carries a stable ``reason`` (the codes of the interface), a ``hint`` that mends, and ``metadata`` of strings.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Outcome = Literal["no", "undecided", "failure"]


class ContextdError(Exception):
    """Base of every error that is meant for a person.

    Args:
        message: one sentence that says what and where.
        reason: stable code in ``UPPER_SNAKE``; the class's own by default.
        hint: a command or an edit that mends it, ready to paste; empty when there is none.
        metadata: further facts, names to strings.
    """

    default_reason: ClassVar[str] = "INTERNAL"
    outcome: ClassVar[Outcome] = "failure"

    def __init__(self, message: str, *, reason: str | None = None, hint: str = "", **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.hint = hint
        self.metadata = metadata


class InvalidInput(ContextdError):
    """What was given cannot be meant: a malformed name, path, number, file."""

    default_reason = "FIELD_INVALID"


class BundleInvalid(InvalidInput):
    """A policy file is not valid; ``problems`` lists every ``file:line: what; mend`` that was found."""

    default_reason = "BUNDLE_INVALID"

    def __init__(self, problems: list[str], *, hint: str = "") -> None:
        self.problems = problems
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more, hint=hint)


class NotFound(ContextdError):
    """There is no such thing, or the caller may not know of it."""

    default_reason = "NOT_FOUND"
    outcome = "no"


class Refused(ContextdError):
    """Policy, boundary or state says no. Retrying does not help; the hint says what would."""

    default_reason = "POLICY_UNDECIDED"
    outcome = "no"


class Undecided(ContextdError):
    """Evidence is missing for an honest yes or no."""

    default_reason = "UNDECIDED"
    outcome = "undecided"


class Unavailable(ContextdError):
    """The work could not be done now; nothing half-done stays behind."""

    default_reason = "UNAVAILABLE"
