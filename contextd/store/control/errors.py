"""What the control plane says when it cannot answer."""

from __future__ import annotations

from typing import ClassVar

from contextd.model.errors import InvalidInput, NotFound, Refused, Unavailable


class ControlUnavailable(Unavailable):
    """The control plane's database cannot be used now. Nothing was changed."""


class ControlTooNew(ControlUnavailable):
    """The database was written by a newer contextd."""


class SourceUnknown(NotFound):
    """There is no source of this name."""

    default_reason: ClassVar[str] = "SOURCE_NOT_FOUND"


class SourceExists(InvalidInput):
    """The name of a source is taken."""

    default_reason: ClassVar[str] = "SOURCE_EXISTS"


class EtagMismatch(Refused):
    """A record was changed since it was read."""

    default_reason: ClassVar[str] = "ETAG_MISMATCH"


class RecordUnknown(NotFound):
    """There is no such record: a finding, receipt, job, principal, token, grant or bundle."""


class IdAmbiguous(InvalidInput):
    """The beginning of an id fits several records."""
