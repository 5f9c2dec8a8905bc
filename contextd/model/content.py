"""What a crawl observes, and what the filter makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

REGULAR = "100644"
EXECUTABLE = "100755"


class EntryKind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True)
class Observed:
    """One entry of a listing: raw path bytes, git mode, size in bytes (0 for a submodule) and where its bytes are.

    ``address`` is opaque to everyone but the reader of the same crawl: a git object id, a relative path, a record number.
    It pickles, so that a worker with a reader of its own can fetch the bytes.
    """

    path: bytes
    mode: str
    kind: EntryKind
    size: int
    address: str


class Unreadable(Exception):
    """The bytes of one entry could not be read (a corrupt object, a vanished file). Says why, for people."""


class Reader(Protocol):
    """Fetches bytes of observed entries, in order."""

    def read(self, entries: Sequence[Observed]) -> Iterator[bytes | Unreadable]:
        """Yield the bytes of each entry, or why they cannot be had; as many as were asked for, in the same order."""
        ...


class ContentClass(StrEnum):
    """How served text is to be taken."""

    CODE = "code"
    DOCUMENT = "document"
    TICKET = "ticket"
    AGENT_INSTRUCTION = "agent-instruction"


class RedactionKind(StrEnum):
    """Why a span was replaced."""

    SECRET = "secret"  # noqa: S105 - the kind of a redaction, not a password
    PII = "pii"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Redaction:
    """A replaced span: its rule, its 1-based line, and the byte span of the placeholder in the redacted text.

    ``fingerprint`` is a keyed HMAC of the value in lowercase hex, or empty where no key was given; never the value itself.
    """

    rule: str
    kind: RedactionKind
    line: int
    start: int
    end: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A document that may be context: redacted UTF-8 text without NUL, and the boundary labels it carries.

    Made by ``contextd.filter`` alone. ``labels`` are unique and in byte order.
    """

    path: str
    mode: str
    text: bytes
    component: str
    labels: tuple[str, ...] = ()
    redactions: tuple[Redaction, ...] = ()


@dataclass(frozen=True, slots=True)
class Excluded:
    r"""A file that is not context, with the stable ``EXCL-*`` code, the rule behind it and where that rule stands.

    ``rule`` names it for people (``zone credentials``, ``built in``); ``where`` is ``boundary.yaml:9`` or empty; ``pattern`` is
    what matched or empty. ``path`` is the path as UTF-8, with undecodable bytes written ``\xNN``.
    """

    path: str
    code: str
    rule: str
    where: str = ""
    pattern: str = ""
    size: int = 0
    component: str = ""
