"""Crawling an approved source: list, filter, parse, publish, detect; and what of it becomes evidence."""

from __future__ import annotations

from base64 import b32encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from contextd import pipeline
from contextd.crawl.listing import NOT_GIT, Crawler, CrawlFailed, Listing
from contextd.crawl.opening import open_source
from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.filter.limits import path_fault
from contextd.model.access import Action
from contextd.model.content import Excluded, Observed, Reader
from contextd.model.errors import ContextdError, Refused
from contextd.model.snapshot import Snapshot
from contextd.model.source import Source, SourceState
from contextd.operations.detection import run_detectors, still_holds
from contextd.operations.evidence import record_snapshot
from contextd.operations.plane import Caller, Plane
from contextd.operations.postings import Indexer
from contextd.pipeline import Recipe
from contextd.snapshot.identity import snapshot_id
from contextd.store.control.jobs import JobState
from contextd.store.shelf.publish import Publication


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the crawl of one source is: files done and in all, bytes admitted, files excluded, spans redacted."""

    source: str
    done: int
    total: int
    bytes: int
    excluded: int
    redacted: int


Watch = Callable[[Progress], None]

_REPORT_EVERY = 200


@dataclass(frozen=True, slots=True)
class Crawled:
    """What one crawl of one ref came to. ``changed`` is False when nothing differed from the head, which then still stands.

    ``files`` is how many were looked at: all of them, or those that differ from the commit of the head.
    """

    snapshot: Snapshot
    changed: bool
    files: int
    seconds: float
    opened: int = 0
    resolved: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to do for one ref. ``removed`` is None when ``entries`` are the full listing."""

    listing: Listing
    entries: tuple[Observed, ...]
    removed: tuple[bytes, ...] | None
    recipe: Recipe

    def paths(self) -> Iterator[bytes]:
        """What is looked at, and what is known to be gone."""
        yield from (entry.path for entry in self.entries)
        yield from self.removed or ()


def crawl(plane: Plane, caller: Caller, name: str, watch: Watch | None = None) -> list[Crawled]:
    """Crawl every followed ref of an approved source, telling ``watch`` now and then how far it is.

    Raises:
        NotFound, Refused: the source is unknown, not approved, or the caller may not crawl it; the attempt is recorded.
        CrawlFailed: it could not be listed or read whole. The old head still serves; the failure is recorded.
        ShelfUnusable, AuditUnavailable: the disk is full or a store is damaged.
    """
    source = plane.source(caller, name, Action.CRAWL)
    if source.state is not SourceState.APPROVED:
        raise not_approved(plane, caller, source)
    job = plane.control.jobs.begin(_job_id(plane), "crawl", name, plane.now()).id
    try:
        crawler = open_source(source.descriptor.kind, source.location, source.refs)
        results = [_crawl_ref(plane, caller, source, crawler, ref, watch) for ref in crawler.refs()]
    except ContextdError as error:
        _failed(plane, caller, name, job, error)
        raise
    except Exception as error:
        ours = CrawlFailed(
            f"contextd met an error of its own while crawling {name} ({type(error).__name__}); the head still serves",
            hint="run it again with -vv and report what it prints",
        )
        _failed(plane, caller, name, job, ours)
        raise ours from error
    plane.control.jobs.end(job, JobState.DONE, plane.now(), {result.snapshot.ref: result.files for result in results})
    return results


def _failed(plane: Plane, caller: Caller, name: str, job: str, error: ContextdError) -> None:
    """Record a failed crawl, as far as that is possible: what failed it may be a full disk."""
    with suppress(ContextdError):
        plane.control.jobs.end(job, JobState.FAILED, plane.now(), error=f"{error.reason}: {plane.redact(error.message)}")
        plane.record("crawl-failed", caller, f"sources/{name}", reason=error.reason, job=job)


def not_approved(plane: Plane, caller: Caller, source: Source) -> Refused:
    """Record and return the refusal to use a source that is not approved."""
    index = plane.record("refused", caller, f"sources/{source.name}", reason="SOURCE_NOT_APPROVED", state=source.state.value)
    hint = f"contextd source approve {source.name} --reason TEXT" if source.state is not SourceState.RETIRED else ""
    return Refused(
        f"{source.name} is {source.state.value}, not approved", reason="SOURCE_NOT_APPROVED", hint=hint, audit=str(index)
    )


def _crawl_ref(plane: Plane, caller: Caller, source: Source, crawler: Crawler, ref: str, watch: Watch | None) -> Crawled:
    started = plane.now()
    shelf = plane.shelf(source.name)
    head = shelf.heads().get(ref)
    writing = Publication(shelf, ref, pipeline.VERSION)
    with crawler.reader() as reader, writing as publication, Indexer(publication) as indexer:
        work = _plan(plane, source, crawler, ref, head, reader)
        boundary = plane.boundary(work.recipe)
        _take_in(work, boundary, reader, publication, indexer, watch)
        changed = head is None or publication.changed or not _same_state(head, work, plane, source)
        if head is not None and not changed:
            snapshot = head
            publication.touch(started)
        else:
            indexer.settle()
            publication.set_ignores(work.recipe.ignores.files)
            snapshot = _snapshot(plane, source, work, publication, started)
            publication.publish(snapshot)
    touched = None if work.removed is None else [boundary.name_of(pipeline.shown(path)) for path in work.paths()]
    if changed:
        record_snapshot(plane, caller, snapshot, shelf, touched)
    # Without a change too: documents age, the rules of detectors change, and a crawl may have died before it came to this.
    opened = resolved = 0
    if not still_holds(plane, snapshot, touched, paths_changed=publication.paths_changed):
        with crawler.history(snapshot.commit, boundary.redact_text) as history:
            opened, resolved = run_detectors(plane, source, snapshot, shelf, history)
    return Crawled(snapshot, changed, len(work.entries), _seconds(plane, started), opened, resolved)


def _plan(plane: Plane, source: Source, crawler: Crawler, ref: str, head: Snapshot | None, reader: Reader) -> _Work:
    """What is to be looked at: what git says changed since the head, where the rules are the same; otherwise everything."""
    rules, descriptor = plane.bundle.ingest, source.descriptor
    if head is not None and _same_rules(head, plane, source) and (found := crawler.delta(head.commit, ref)):
        listing, delta = found
        touched = [*(entry.path for entry in delta.changed), *delta.removed]
        if not any(pipeline.is_ignore_file(path) for path in touched):
            ignores = RepositoryIgnores(tuple(plane.shelf(source.name).ignores(ref)))
            recipe = Recipe(rules, descriptor, ignores)
            return _Work(listing, delta.changed, delta.removed, _keyed(plane, recipe))
    listing = crawler.list(ref)
    if not listing.entries and head is not None and head.documents and listing.commit == NOT_GIT:
        raise CrawlFailed(
            f"{source.location} holds nothing, and {head.documents:,} documents were there: it may not be mounted;"
            " the head that was published last still serves",
            hint=f"see that it is there; if it is really empty: contextd source suspend {source.name} --reason TEXT",
        )
    recipe = pipeline.recipe_for(rules, descriptor, listing.entries, reader, plane.cache_dir)
    return _Work(listing, listing.entries, None, _keyed(plane, recipe))


def _take_in(
    work: _Work, boundary: Filter, reader: Reader, publication: Publication, indexer: Indexer, watch: Watch | None
) -> None:
    counts: Counter[str] = Counter()
    total = len(work.entries)
    for done, outcome in enumerate(pipeline.prepare(work.entries, reader, boundary), 1):
        if isinstance(outcome, Excluded):
            publication.exclude(outcome)
            counts["excluded"] += 1
        else:
            first_chunk = publication.put(outcome)
            if first_chunk is not None:
                indexer.add(outcome, first_chunk)
            counts["redacted"] += len(outcome.admitted.redactions)
            counts["bytes"] += len(outcome.admitted.text)
        if watch and (done % _REPORT_EVERY == 0 or done == total):
            watch(Progress(work.recipe.descriptor.name, done, total, counts["bytes"], counts["excluded"], counts["redacted"]))
    if work.removed is None:
        publication.close_listing()
    else:
        for path in work.removed:
            publication.remove(boundary.name_of(pipeline.shown(path)), named=not path_fault(path))


def _snapshot(plane: Plane, source: Source, work: _Work, publication: Publication, started: datetime) -> Snapshot:
    root = publication.root()
    documents, chunks, excluded, redacted, size = publication.counts()
    return Snapshot(
        id=snapshot_id(source.name, root),
        source=source.name,
        ref=publication.ref,
        sequence=publication.sequence,
        commit=work.listing.commit,
        root=root,
        descriptor=source.descriptor,
        ingest_digest=plane.bundle.ingest.digest,
        pipeline=pipeline.VERSION,
        as_of=started,
        built_at=plane.now(),
        content_time=work.listing.content_time,
        documents=documents,
        chunks=chunks,
        excluded=excluded,
        redacted=redacted,
        bytes=size,
    )


def _same_rules(head: Snapshot, plane: Plane, source: Source) -> bool:
    built = (head.ingest_digest, head.descriptor, head.pipeline)
    return built == (plane.bundle.ingest.digest, source.descriptor, pipeline.VERSION)


def _same_state(head: Snapshot, work: _Work, plane: Plane, source: Source) -> bool:
    return head.commit == work.listing.commit and _same_rules(head, plane, source)


def _keyed(plane: Plane, recipe: Recipe) -> Recipe:
    return replace(recipe, fingerprint_key=plane.fingerprint_key, cache_dir=plane.cache_dir)


def _job_id(plane: Plane) -> str:
    return "job-" + b32encode(plane.entropy(4)).decode().lower()[:6]


def _seconds(plane: Plane, since: datetime) -> float:
    return (plane.now() - since).total_seconds()
