"""A JSON Lines export of tickets as a source: one file, one record a line, one document a record."""

from __future__ import annotations

import builtins
import os
import shlex
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from contextd.crawl.listing import NOT_GIT, BadLocation, CrawlFailed, Listing, in_byte_order
from contextd.crawl.ticketrecord import BadRecord, document_path, parse_record, record_id, render
from contextd.crawl.unversioned import Unversioned
from contextd.model.content import REGULAR, EntryKind, Observed, Reader, Unreadable

_OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LONGEST_LINE = 16 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TicketsReaderSpec:
    """Which export to read from; pickles."""

    file: str

    @contextmanager
    def open(self) -> Iterator[TicketsReader]:
        """A reader that holds the export open."""
        with _opened(self.file) as export:
            yield TicketsReader(self.file, export)


class TicketsReader:
    """Renders records of an open export."""

    def __init__(self, file: str, export: BinaryIO) -> None:
        self._file = file
        self._export = export

    def read(self, entries: Sequence[Observed]) -> Iterator[bytes | Unreadable]:
        """Yield the document of each ticket, in order; Unreadable when the export changed since it was listed."""
        return map(self._read, entries)

    def _read(self, entry: Observed) -> bytes | Unreadable:
        offset, length, state = entry.address.split(":", 2)
        descriptor = self._export.fileno()
        try:
            data = os.pread(descriptor, int(length), int(offset))
            if _state(os.fstat(descriptor)) == state:
                return render(parse_record(data))
        except (OSError, BadRecord) as error:
            return Unreadable(f"{self._file} cannot be read: {error}; mend: see whether the disk answers, then crawl again")
        return Unreadable(f"{self._file} changed since it was listed; mend: crawl again")


class TicketsCrawler(Unversioned):
    """Crawls one export. Every line must be a ticket with an id of its own: a ticket that cannot be read fails the listing."""

    def __init__(self, file: str) -> None:
        self._file = file

    @property
    def reader_spec(self) -> TicketsReaderSpec:
        """How to make a reader; pickles."""
        return TicketsReaderSpec(self._file)

    def reader(self) -> AbstractContextManager[Reader]:
        """A fresh reader."""
        return self.reader_spec.open()

    def list(self, ref: str) -> Listing:
        """Every ticket as ``<id>.ticket.md``, its size that of the document; CrawlFailed names lines that are no tickets."""
        self.checked(ref)
        with _opened(self._file) as export:
            before = os.fstat(export.fileno())
            entries, problems = self._entries(export, _state(before))
            if _state(os.fstat(export.fileno())) != _state(before):
                raise CrawlFailed(
                    f"{self._file} changed while it was listed; nothing was changed", hint="crawl again when it is written"
                )
        if problems:
            more = f" (and {len(problems) - 1} more lines)" if len(problems) > 1 else ""
            raise CrawlFailed(
                f"{self._file}:{problems[0]}{more}; nothing was changed", hint="write one JSON object with an id a line"
            )
        if not entries:
            raise CrawlFailed(f"{self._file} holds no tickets; nothing was changed", hint="export again; or retire the source")
        time = datetime.fromtimestamp(before.st_mtime_ns // 10**9, UTC)
        return Listing(
            NOT_GIT, NOT_GIT, NOT_GIT, time, in_byte_order(entries, self._file, "give every ticket an id of its own")
        )

    @staticmethod
    def _entries(export: BinaryIO, state: str) -> tuple[builtins.list[Observed], builtins.list[str]]:
        """A ticket for each line that is one, and ``line: what is wrong`` for the others. Blank lines are neither."""
        entries: list[Observed] = []
        problems: list[str] = []
        first: dict[bytes, int] = {}
        offset = 0
        for number, line in enumerate(iter(lambda: export.readline(_LONGEST_LINE + 1), b""), start=1):
            skipped = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
            start, offset = offset + skipped, offset + len(line)
            if not line[skipped:].strip():
                continue
            if len(line) > _LONGEST_LINE:
                problems.append(f"{number}: is longer than {_LONGEST_LINE} bytes")
                break
            try:
                record = parse_record(line[skipped:])
                path = document_path(record_id(record))
                size = len(render(record))
            except BadRecord as error:
                problems.append(f"{number}: {error}")
                continue
            if path in first:
                problems.append(
                    f"{number}: has the id of line {first[path]}: {path.decode('ascii').removesuffix('.ticket.md')}"
                )
                continue
            first[path] = number
            entries.append(Observed(path, REGULAR, EntryKind.FILE, size, f"{start}:{offset - start}:{state}"))
        return entries, problems


def open_tickets(location: str) -> TicketsCrawler:
    """The crawler of the export at ``location``; BadLocation when it is not a file that can be read."""
    file = os.path.abspath(location)  # noqa: PTH100 - resolving would follow the link that is refused here
    with _opened(file):
        return TicketsCrawler(file)


def _opened(file: str) -> BinaryIO:
    try:
        descriptor = os.open(file, _OPENED)
    except FileNotFoundError as error:
        raise BadLocation(f"{file} does not exist", hint=f"ls -d {shlex.quote(str(Path(file).parent))}") from error
    except OSError as error:
        if Path(file).is_symlink():
            raise BadLocation(
                f"{file} is a link; where it leads can change", hint=f"register {Path(file).resolve()}"
            ) from error
        raise BadLocation(f"{file} cannot be read: {error.strerror}", hint=f"ls -l {shlex.quote(file)}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadLocation(f"{file} is not a file; tickets are one JSON Lines export", hint="for a folder: --kind directory")
    return os.fdopen(descriptor, "rb")


def _state(facts: os.stat_result) -> str:
    return f"{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}"
