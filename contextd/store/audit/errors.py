"""What the audit log says when it cannot record, and when it has been tampered with."""

from __future__ import annotations

from typing import ClassVar

from contextd.model.errors import NotFound, Unavailable


class AuditUnavailable(Unavailable):
    """An event could not be recorded durably, so what it stands for must not happen. The log is as it was before, or longer."""

    default_reason: ClassVar[str] = "AUDIT_UNAVAILABLE"


class AuditDamaged(AuditUnavailable):
    """The log is not one that this home wrote to its end: torn, edited, cut, or signed by a key that is not known."""


class EntryNotFound(NotFound):
    """There is no entry with this index, or no tree of this size."""
