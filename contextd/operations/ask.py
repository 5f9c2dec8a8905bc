"""Search and fetch: decide, look only where that is open, record, hand out what was recorded. The only maker of Permitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from contextd.filter.patterns import Patterns, UnusablePattern
from contextd.index.query import parse_query
from contextd.model.access import Action
from contextd.model.answer import Hit, Permitted, Question, Watermarks
from contextd.model.content import ContentClass
from contextd.model.document import Span
from contextd.model.errors import InvalidInput, NotFound, Refused
from contextd.operations.plane import Caller, Plane
from contextd.operations.retrieval import Candidate
from contextd.operations.scoping import open_views
from contextd.operations.serving import record_answer
from contextd.operations.view import View
from contextd.store.shelf.rows import StoredChunk

MAX_QUESTION = 8192
"""Characters of a question; longer ones are refused, not cut."""

MAX_LIMIT = 100
MIN_BUDGET, MAX_BUDGET = 16, 200_000

_BYTES_PER_TOKEN = 4

_MORE = 4
"""How many times as many hits are looked for where those that were found are withheld."""


def search(plane: Plane, caller: Caller, question: Question) -> Permitted:
    """Answer a question in words from what the caller may see.

    Raises:
        InvalidInput: an empty or oversized question, a budget or limit out of range.
        NotFound, Refused: see ``scoping.open_views``; also when all that matched is withheld.
        AuditUnavailable: the answer could not be recorded, so it is not given.
    """
    _check(question)
    question = _recordable(plane, question)
    views = open_views(plane, caller, question, Action.SEARCH)
    text = plane.redact(question.text)
    query = parse_query(text)
    retrieval = plane.retrieval(views)
    kept_back = {which: len(retrieval.find(query, which, question.filter, question.limit)) for which in ("stale", "outside")}
    limit = question.limit
    found = retrieval.find(query, "visible", question.filter, limit)
    while len(served := [c for c in found if not c.view.cut_today(c.chunk)]) < question.limit and len(found) == limit:
        limit *= _MORE
        found = retrieval.find(query, "visible", question.filter, limit)
    kept_back["outside"] += len(found) - len(served)
    if not served and any(kept_back.values()):
        raise _all_withheld(plane, caller, question, kept_back)
    return _answer(plane, caller, question, text, views, served[: question.limit], sum(kept_back.values()))


def fetch(plane: Plane, caller: Caller, question: Question, path: str, lines: tuple[int, int] | None = None) -> Permitted:
    """Give lines of one document of the one source that the question names (all of it without ``lines``, 1-based, inclusive).

    Raises:
        InvalidInput: no single source is named, or the lines are not a range.
        NotFound, Refused: see ``scoping.open_views``; the document is not there, closed, or withheld.
        AuditUnavailable: the answer could not be recorded, so it is not given.
    """
    if len(question.sources) != 1:
        raise InvalidInput("fetch reads from one source", hint="contextd fetch SOURCE PATH", field="sources")
    _check_budget(question)
    question = _recordable(plane, question)
    (view,) = open_views(plane, caller, question, Action.FETCH)
    found = view.find(path)
    if found is None:
        raise _no_document(plane, caller, question, path)
    document, which = found
    if which != "visible":
        raise _all_withheld(plane, caller, question, {which: 1})
    chunk = _slice(view, path, view.shelf.text(document), lines)
    candidate = Candidate(view, chunk, 1.0)
    if view.cut_today(chunk):
        raise _all_withheld(plane, caller, question, {"outside": 1})
    return _answer(plane, caller, question, path, [view], [candidate], 0)


def _recordable(plane: Plane, question: Question) -> Question:
    """The question with secrets cut out of what its caller says of the use: it goes into the audit log as it stands."""
    use = question.use
    pathway = use.pathway if use.pathway in plane.bundle.pathways.by_name else plane.redact(use.pathway)
    intent, session = (plane.redact(text) if text else "" for text in (use.intent, use.session))
    return replace(question, use=replace(use, pathway=pathway, intent=intent, session=session))


def _check(question: Question) -> None:
    if not question.text.strip():
        raise InvalidInput("the question is empty", hint='contextd search "how are refunds retried?"', field="query")
    if len(question.text) > MAX_QUESTION:
        raise InvalidInput(
            f"the question has {len(question.text):,} characters; at most {MAX_QUESTION:,} are read",
            reason="LIMIT_EXCEEDED",
            hint="ask for less at a time",
            field="query",
        )
    if not 1 <= question.limit <= MAX_LIMIT:
        raise InvalidInput(f"limit {question.limit} is not between 1 and {MAX_LIMIT}", hint="--limit 10", field="limit")
    try:
        Patterns(question.filter.paths)
    except UnusablePattern as error:
        raise InvalidInput(str(error), hint="--path 'src/**', '*.md' or docs/", field="paths") from error
    _check_budget(question)


def _check_budget(question: Question) -> None:
    if not MIN_BUDGET <= question.budget <= MAX_BUDGET:
        raise InvalidInput(
            f"budget {question.budget} is not between {MIN_BUDGET} and {MAX_BUDGET:,} tokens",
            hint="--budget 4000",
            field="budget",
        )


def _slice(view: View, path: str, text: bytes, lines: tuple[int, int] | None) -> StoredChunk:
    every = text.split(b"\n")
    if every[-1] == b"":
        every.pop()
    first, last = lines or (1, max(1, len(every)))
    if not 1 <= first <= last:
        raise InvalidInput(f"{first}-{last} is not a range of lines", hint=f"{path}:1-20", field="span")
    if every and first > len(every):
        raise NotFound(f"{path} has {len(every)} lines", hint=f"contextd fetch {view.scope.source.name} {path}")
    last = min(last, max(1, len(every)))
    start = sum(len(line) + 1 for line in every[: first - 1])
    end = min(len(text), start + sum(len(line) + 1 for line in every[first - 1 : last]))
    found = view.find(path)
    assert found is not None  # noqa: S101 - the caller has looked
    document = found[0]
    return StoredChunk(
        0,
        path,
        document.component,
        document.labels,
        document.language,
        document.content_class,
        "",
        first,
        last,
        start,
        end,
        text[start:end],
    )


def _answer(
    plane: Plane,
    caller: Caller,
    question: Question,
    text: str,
    views: Sequence[View],
    candidates: Sequence[Candidate],
    withheld: int,
) -> Permitted:
    """Fit what was found into the budget, record it, and hand it out."""
    hits = list(_fitted(plane, candidates, question.budget))
    now = plane.now()
    receipt = record_answer(plane, caller, question, text, [view.scope for view in views], hits, now)
    shown = {c.view.scope.snapshot.id for c in candidates} or {view.scope.snapshot.id for view in views}
    used = [view for view in views if view.scope.snapshot.id in shown]
    tokens = sum(hit.tokens for hit in hits)
    truncated = len(hits) < len(candidates) or any(
        h.span.end_byte < c.chunk.end_byte for h, c in zip(hits, candidates, strict=False)
    )
    return Permitted(tuple(hits), _watermarks(plane, used, now), withheld, receipt, question.budget, tokens, truncated)


def _fitted(plane: Plane, candidates: Sequence[Candidate], budget: int) -> Iterator[Hit]:
    """Hits in rank order as long as the budget lasts; the first is cut at a line when it alone is too large."""
    for rank, candidate in enumerate(candidates, 1):
        chunk = candidate.chunk
        if tokens_of(chunk.text) > budget:
            if rank > 1:
                return
            chunk = _cut(chunk, budget)
        budget -= tokens_of(chunk.text)
        yield _hit(plane, candidate, chunk, rank)


def tokens_of(text: bytes) -> int:
    """An estimate of how many model tokens a text takes: a quarter of its bytes, rounded up."""
    return -(-len(text) // _BYTES_PER_TOKEN)


def _cut(chunk: StoredChunk, budget: int) -> StoredChunk:
    size = budget * _BYTES_PER_TOKEN
    end = chunk.text.rfind(b"\n", 0, size) + 1
    if end == 0:
        return replace(chunk, text=b"", end_line=chunk.start_line, end_byte=chunk.start_byte)
    text = chunk.text[:end]
    return replace(chunk, text=text, end_line=chunk.start_line + text.count(b"\n") - 1, end_byte=chunk.start_byte + end)


def _hit(plane: Plane, candidate: Candidate, chunk: StoredChunk, rank: int) -> Hit:
    scope = candidate.view.scope
    name, ref = scope.source.name, scope.snapshot.ref
    findings = plane.kept(("findings", name, ref), lambda: plane.control.findings.active(name, ref)).get(chunk.path, ())
    return Hit(
        source=scope.source.name,
        component=chunk.component,
        path=chunk.path,
        symbol=chunk.symbol,
        language=chunk.language,
        content_class=ContentClass(chunk.content_class),
        span=Span(chunk.start_line, chunk.end_line, chunk.start_byte, chunk.end_byte),
        text=chunk.text.decode(),
        snapshot=scope.snapshot.id,
        commit=scope.snapshot.commit,
        rank=rank,
        score=candidate.score,
        tokens=tokens_of(chunk.text),
        labels=chunk.labels,
        freshness=candidate.view.freshness(chunk.path),
        open_findings=findings,
    )


def _watermarks(plane: Plane, views: Sequence[View], now: datetime) -> Watermarks:
    content, drift, behind = [now], [now], 0
    for view in views:
        snapshot = view.scope.snapshot
        at = (snapshot.source, snapshot.ref)
        listed = view.shelf.listed_at(snapshot.ref)
        content.append(listed if listed and not view.scope.behind else snapshot.built_at)
        checked = plane.kept(("checked", *at), partial(plane.control.currency.checked_at, *at))
        drift.append(checked if checked and not view.scope.behind else snapshot.built_at)
        behind = max(behind, view.scope.behind)
    return Watermarks(content=min(content), access=now, boundary=now, drift=min(drift), snapshots_behind=behind)


def _no_document(plane: Plane, caller: Caller, question: Question, path: str) -> NotFound:
    """Record and return that a source has no such document, or none that the caller may know of: both look the same."""
    (source,) = question.sources
    asked = {"action": Action.FETCH.value, "path": plane.redact(path), "pathway": question.use.pathway}
    index = plane.record("refused", caller, f"sources/{source}", reason="NOT_FOUND", **asked)
    hint = f"contextd explain {source} {path}"
    return NotFound(f"{source} has no document {path} that you can read", hint=hint, audit=str(index))


def _all_withheld(plane: Plane, caller: Caller, question: Question, kept_back: dict[str, int]) -> Refused:
    """Record and return the refusal when everything that matched is kept back."""
    boundary = kept_back.get("outside", 0) >= kept_back.get("stale", 0)
    reason = "BOUNDARY_WITHHELD" if boundary else "CONTENT_STALE"
    subject = ",".join(f"sources/{name}" for name in question.sources) or "sources/-"
    index = plane.record(
        "refused", caller, subject, reason=reason, pathway=question.use.pathway, withheld=sum(kept_back.values())
    )
    if boundary:
        message, hint = "all that matched is withheld by the boundary in force now", "contextd explain SOURCE PATH"
    else:
        message, hint = "all that matched is older than its tier serves", "contextd findings list --code FRESH-STALE"
    return Refused(message, reason=reason, hint=hint, audit=str(index))
