"""From a question to what it may look at: sources, pins and components, each by a decision of the permit function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.access import Action, Decision, Use
from contextd.model.answer import Question
from contextd.model.errors import InvalidInput, NotFound, Refused
from contextd.model.names import id_prefix
from contextd.model.snapshot import Snapshot
from contextd.model.source import Source
from contextd.operations.plane import Caller, Plane, is_overdue, parts_of, target_of, unknown_source
from contextd.operations.view import Scope, View
from contextd.pipeline import Recipe
from contextd.store.shelf.shelf import Shelf

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def open_views(plane: Plane, caller: Caller, question: Question, action: Action) -> list[View]:
    """The views that a question may be answered from, by source.

    Sources that are named must all be open, at least in one component; without names, everything that is open is taken.

    Raises:
        NotFound: a named source, ref, commit or snapshot is not there, or the caller may not know of it; or nothing is open.
        Refused: policy says no to a named source; the refusal is recorded.
    """
    named = bool(question.sources)
    names = question.sources or tuple(source.name for source in plane.sources())
    views: list[View] = []
    for name in dict.fromkeys(names):
        try:
            views.append(_view(plane, caller, name, question, action, record=named))
        except (NotFound, Refused):
            if named:
                raise
    if not views:
        index = plane.record("refused", caller, "sources/-", action=action.value, reason="SOURCE_NOT_FOUND")
        raise NotFound(
            "no source that you can read holds anything yet",
            reason="SOURCE_NOT_FOUND",
            hint="contextd source list shows sources and their state",
            audit=str(index),
        )
    return views


def eligible(plane: Plane, source: str, ref: str, component: str) -> bool:
    """Whether a component's context package, as it was last looked at, is what its tier asks for now: complete, and current."""
    packages = plane.kept(("packages", source, ref), lambda: plane.control.currency.packages(source, ref))
    package = packages.get(component)
    if package is None:
        return False
    need = plane.bundle.tiers[package.tier].package
    if not need.required:
        return True
    reviewed = package.reviewed_at
    current = need.max_age is None or (reviewed is not None and plane.now() - reviewed < need.max_age)
    return current and not package.lacking


def _view(plane: Plane, caller: Caller, name: str, question: Question, action: Action, *, record: bool) -> View:
    source = plane.registered(name)
    if source is None:
        raise plane.no_source(caller, name, action)
    if not plane.may_know(caller, source):  # then nothing of it is looked at: neither its refs nor the state of its shelf
        _components(plane, caller, source, "", question.use, action, record=record)
    shelf = plane.shelf(name)
    heads = shelf.heads()
    ref = _ref(source, question, heads)
    allowed = _components(plane, caller, source, ref, question.use, action, record=record)
    snapshot = _pinned(shelf, source, heads, ref, question)
    restricted = frozenset(_restricted(plane, caller, source, ref, question.use, allowed))
    floor = {part: plane.bundle.tiers[source.descriptor.tier_of(part)].min_freshness for part in allowed}
    behind = heads[snapshot.ref].sequence - snapshot.sequence
    scope = Scope(source, snapshot, frozenset(allowed), restricted, floor, behind)
    return _cached_view(plane, scope, shelf)


def _restricted(plane: Plane, caller: Caller, source: Source, ref: str, use: Use, parts: Sequence[str]) -> Iterator[str]:
    """The components among ``parts`` whose restricted documents are open as well."""
    for part in parts:
        target = target_of(source, part, eligible=eligible(plane, source.name, ref, part))
        if plane.decide(caller, Action.READ_RESTRICTED, target, use).allowed:
            yield part


def _components(plane: Plane, caller: Caller, source: Source, ref: str, use: Use, action: Action, *, record: bool) -> list[str]:
    """The components that are open; the refusal of the whole source is raised when none is."""
    overdue = is_overdue(source, plane.now())
    allowed: list[str] = []
    first: tuple[str, Decision] | None = None
    for part in parts_of(source):
        target = target_of(source, part, eligible=eligible(plane, source.name, ref, part), overdue=overdue)
        decision = plane.decide(caller, action, target, use)
        if decision.allowed:
            allowed.append(part)
        elif first is None:
            first = (part, decision)
    if allowed or first is None:
        return allowed
    target = target_of(source, first[0], overdue=overdue)
    if record:
        raise plane.refusal(caller, action, target, use, first[1])
    raise unknown_source(source.name)


def _ref(source: Source, question: Question, heads: dict[str, Snapshot]) -> str:
    if question.ref:
        wanted = [
            ref for ref in heads if question.ref in {ref, ref.removeprefix("refs/heads/"), ref.removeprefix("refs/tags/")}
        ]
        if not wanted:
            raise NotFound(
                f"{source.name} does not follow {question.ref}",
                reason="SNAPSHOT_NOT_FOUND",
                hint=f"followed: {', '.join(heads) or 'nothing yet'}",
            )
        return wanted[0]
    preferred = [ref for ref in source.refs if ref in heads] or list(heads)
    return preferred[0] if preferred else ""


def _pinned(shelf: Shelf, source: Source, heads: dict[str, Snapshot], ref: str, question: Question) -> Snapshot:
    if not heads:
        raise NotFound(f"{source.name} was never crawled", reason="NO_HEAD", hint=f"contextd crawl {source.name}")
    if not (question.commit or question.snapshot):
        return heads[ref]
    if question.commit and not _COMMIT.fullmatch(question.commit):
        raise InvalidInput(f"{question.commit!r} is no commit: 7 to 64 hex digits", hint="--commit 4b7e1c9", field="commit")
    prefix = id_prefix(question.snapshot, "ctx1") if question.snapshot else ""
    for snapshot in shelf.snapshots():
        by_id = bool(prefix) and snapshot.id.startswith(prefix)
        by_commit = bool(question.commit) and snapshot.commit.startswith(question.commit)
        if (by_id or not prefix) and (by_commit or not question.commit):
            return snapshot
    wanted = question.snapshot or question.commit
    raise NotFound(
        f"{source.name} has no snapshot {wanted}",
        reason="SNAPSHOT_NOT_FOUND",
        hint=f"contextd snapshot list {source.name}",
    )


def _cached_view(plane: Plane, scope: Scope, shelf: Shelf) -> View:
    snapshot = scope.snapshot
    source, ref = scope.source.name, snapshot.ref
    states = plane.kept(("freshness", source, ref), lambda: plane.control.currency.freshness(source, ref))
    key = (source, scope.source.etag, ref, snapshot.sequence, scope.components, scope.restricted, plane.bundle.digest)
    view = plane.views.get(key)
    now = plane.now()
    if view is None or not view.holds(states, now):
        view = View(scope, shelf, states, _todays_boundary(plane, scope, shelf), now)
        plane.keep_view(key, view)
    return view


def _todays_boundary(plane: Plane, scope: Scope, shelf: Shelf) -> Filter | None:
    """Today's filter, where the snapshot is not the head, or was built under other rules than are in force now."""
    snapshot = scope.snapshot
    built = (snapshot.ingest_digest, snapshot.descriptor)
    if not scope.behind and built == (plane.bundle.ingest.digest, scope.source.descriptor):
        return None
    ignores = RepositoryIgnores(tuple(shelf.ignores(snapshot.ref)))
    return plane.boundary(Recipe(plane.bundle.ingest, scope.source.descriptor, ignores, cache_dir=plane.cache_dir))
