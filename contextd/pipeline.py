"""crawl → filter → parse → snapshot, as one sentence: without store or clock, so ingestion and recomputation both speak it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from contextd.crawl.listing import CrawlFailed
from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import IGNORE_FILE_NAMES, RepositoryIgnores
from contextd.model.content import Admitted, EntryKind, Excluded, Observed, Reader, Unreadable
from contextd.model.snapshot import Prepared
from contextd.model.source import Descriptor
from contextd.parse.parsing import parse
from contextd.policy.rules import IngestRules
from contextd.snapshot import identity

VERSION = "filter/1 parse/1 snapshot/1"
"""Versions of what decides a snapshot's id; a step whose outcome changes for some input gets the next number."""

BATCH = 64
"""Entries that are read together, one batch ahead: enough to keep the reader busy, few enough to stay small in memory."""

_IGNORE_FILE_LIMIT = 1 << 20

Outcome = Prepared | Excluded


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the outcome besides the files themselves; it pickles.

    ``fingerprint_key`` and ``cache_dir`` have no part in any id: the one keys the fingerprints of what was cut out, the other
    holds compiled rules.
    """

    rules: IngestRules
    descriptor: Descriptor
    ignores: RepositoryIgnores
    fingerprint_key: bytes = b""
    cache_dir: Path | None = None

    def boundary(self) -> Filter:
        """The filter that this recipe describes."""
        return Filter.compile(
            self.rules, self.descriptor, self.ignores, fingerprint_key=self.fingerprint_key, cache_dir=self.cache_dir
        )


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A snapshot worked out from its inputs alone: its id, the root of its path tree, and counts."""

    id: str
    root: bytes
    documents: int
    excluded: int
    redacted: int


def prepare(entries: Iterable[Observed], reader: Reader, boundary: Filter) -> Iterator[Outcome]:
    """Yield what becomes of each entry, in order: a document ready to be kept, or why it is not context.

    Raises:
        CrawlFailed: as ``filtered``.
    """
    for _, verdict in filtered(entries, reader, boundary):
        yield verdict if isinstance(verdict, Excluded) else _prepared(verdict)


def filtered(entries: Iterable[Observed], reader: Reader, boundary: Filter) -> Iterator[tuple[Observed, Admitted | Excluded]]:
    """Yield each entry with what the filter makes of it, in order. Bytes of what its path excludes are never read.

    Raises:
        CrawlFailed: the bytes of an entry could not be read; a listing that came short must not look like a deletion.
    """
    with ThreadPoolExecutor(1, "read") as ahead:
        pending: Future[list[bytes | Unreadable]] | None = None
        current: list[tuple[Observed, Excluded | None]] = []
        remaining = iter(entries)
        while True:
            # The next batch is read while this one is filtered: git inflates on another core.
            judged = [(entry, boundary.judge(entry)) for entry in islice(remaining, BATCH)]
            wanted = [entry for entry, verdict in judged if verdict is None]
            following = ahead.submit(list, reader.read(wanted)) if judged else None
            if pending is not None:
                contents = iter(pending.result())
                for entry, verdict in current:
                    yield entry, verdict if verdict is not None else boundary.apply(entry, _readable(entry, next(contents)))
            if following is None:
                return
            pending, current = following, judged


def recipe_for(
    rules: IngestRules, descriptor: Descriptor, listing: Iterable[Observed], reader: Reader, cache_dir: Path | None = None
) -> Recipe:
    """The recipe for a full listing: its own ignore and attribute files are read, with secrets cut out of them.

    Raises:
        CrawlFailed: such a file could not be read, or is larger than 1 MiB: what it denies is not known.
    """
    wanted = [entry for entry in listing if is_ignore_file(entry.path) and entry.kind is EntryKind.FILE]
    for entry in wanted:
        if entry.size > _IGNORE_FILE_LIMIT:
            raise CrawlFailed(
                f"{shown(entry.path)} is {entry.size:,} bytes; an ignore file of more than 1 MiB is not read",
                hint="make it smaller, then crawl again",
            )
    plain = Recipe(rules, descriptor, RepositoryIgnores(()), cache_dir=cache_dir)
    if not wanted:
        return plain
    boundary = plain.boundary()
    # Below a folder whose name holds a secret everything is excluded: what an ignore file there says makes no difference.
    wanted = [entry for entry in wanted if boundary.name_of(shown(entry.path)) == shown(entry.path)]
    contents = zip(wanted, reader.read(wanted), strict=True)
    files = (
        (shown(entry.path), boundary.redact_text(_readable(entry, content).decode(errors="replace")).encode())
        for entry, content in contents
    )
    return replace(plain, ignores=RepositoryIgnores(tuple(files)))


def is_ignore_file(path: bytes) -> bool:
    """Whether a path names a file whose patterns the boundary obeys."""
    return path.rpartition(b"/")[2].decode(errors="replace") in IGNORE_FILE_NAMES


def recompute(entries: Sequence[Observed], reader: Reader, recipe: Recipe) -> Recomputed:
    """Work out the snapshot of a full listing, keeping nothing.

    Raises:
        CrawlFailed: as ``prepare``.
    """
    documents: list[tuple[str, bytes]] = []
    excluded = redacted = 0
    for outcome in prepare(entries, reader, recipe.boundary()):
        if isinstance(outcome, Excluded):
            excluded += 1
            continue
        documents.append((outcome.admitted.path, outcome.digest))
        redacted += len(outcome.admitted.redactions)
    root = identity.tree(documents)
    return Recomputed(identity.snapshot_id(recipe.descriptor.name, root), root, len(documents), excluded, redacted)


def _prepared(admitted: Admitted) -> Prepared:
    digest = identity.document(admitted.path, admitted.mode, admitted.text, admitted.labels)
    return Prepared(admitted, parse(admitted.path, admitted.text), digest)


def _readable(entry: Observed, content: bytes | Unreadable) -> bytes:
    if isinstance(content, Unreadable):
        raise CrawlFailed(f"{shown(entry.path)} cannot be read: {content}", hint="mend or restore it, then crawl again")
    return content


def shown(path: bytes) -> str:
    r"""A raw path as text; bytes that are not UTF-8 are written ``\xNN``."""
    return path.decode(errors="backslashreplace")
