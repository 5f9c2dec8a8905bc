"""What every operation works on: the opened stores of one home, the bundle in force, and the clock."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.access import AccessRequest, Action, Decision, Grant, Target, Use
from contextd.model.errors import NotFound, Refused
from contextd.model.source import REST, ContentKind, Descriptor, Source, SourceKind
from contextd.operations.corpus import Looked
from contextd.operations.postings import Postings, open_postings
from contextd.operations.retrieval import Retrieval
from contextd.operations.view import View
from contextd.pipeline import Recipe
from contextd.policy.access import Permit
from contextd.policy.bundle import Bundle
from contextd.store.audit.log import AuditLog
from contextd.store.control.errors import SourceUnknown
from contextd.store.control.events import Event
from contextd.store.control.plane import Control
from contextd.store.keys import SigningKey
from contextd.store.shelf.shelf import Shelf

T = TypeVar("T")

TERMINAL = Use()

_KEPT = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, with the grants that the control plane holds for them, living or over."""

    principal: str
    grants: tuple[Grant, ...]


@dataclass(slots=True)
class Plane:
    """The stores of one home and what is needed to act on them. ``now`` and ``entropy`` are the only clock and randomness."""

    control: Control
    audit: AuditLog
    signer: SigningKey
    bundle: Bundle
    permit: Permit
    shelf: Callable[[str], Shelf]
    now: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    fingerprint_key: bytes
    cache_dir: Path
    keep_query_text: bool = False
    looked: dict[tuple[str, str], Looked] = field(default_factory=dict)
    views: dict[tuple[object, ...], View] = field(default_factory=dict)
    _kept: dict[tuple[object, ...], object] = field(default_factory=dict)
    _generation: int = -1
    _postings: dict[str, tuple[int, Postings]] = field(default_factory=dict)
    _tags: dict[str, int] = field(default_factory=dict)
    _retrievals: dict[tuple[object, ...], Retrieval] = field(default_factory=dict)
    _boundaries: dict[tuple[object, ...], Filter] = field(default_factory=dict)

    def caller(self, principal: str) -> Caller:
        """The caller behind a principal."""
        return Caller(principal, self.kept(("grants", principal), lambda: self.control.people.grants(principal)))

    def kept(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What ``make`` reads from the control plane, read again only after something there changed that can decide."""
        if self._generation != self.control.generation:
            self._kept.clear()
            self._generation = self.control.generation
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])

    def registered(self, name: str) -> Source | None:
        """The source of this name; None when there is none. Says nothing about who may know of it."""
        try:
            return self.kept(("source", name), lambda: self.control.sources.get(name))
        except SourceUnknown:
            return None

    def sources(self) -> tuple[Source, ...]:
        """Every registered source, by name."""
        return self.kept(("sources",), self.control.sources.find)

    def record(self, kind: str, caller: Caller, subject: str, **facts: object) -> int:
        """Put one event into the audit log, durably, and return its index. AuditUnavailable when that cannot be done."""
        event = {"kind": kind, "time": stamp(self.now()), "principal": caller.principal, "subject": subject, **facts}
        return self.audit.append(event)

    def decide(self, caller: Caller, action: Action, target: Target, use: Use = TERMINAL) -> Decision:
        """Ask the permit function; nothing is recorded."""
        return self.permit.decide(AccessRequest(caller.principal, action, target, use, caller.grants, self.now()))

    def require(self, caller: Caller, action: Action, target: Target, use: Use = TERMINAL) -> Decision:
        """The decision, if it is to allow; otherwise the refusal is recorded with what was asked for, and raised.

        Raises:
            Refused: with the audit index in its metadata.
            NotFound: when the caller may not know that the target exists.
        """
        decision = self.decide(caller, action, target, use)
        if decision.allowed:
            return decision
        raise self.refusal(caller, action, target, use, decision)

    def refusal(self, caller: Caller, action: Action, target: Target, use: Use, decision: Decision) -> Refused | NotFound:
        """Record a refusal and return the error that tells the caller."""
        name = f"{target.source}/{target.component}" if target.component not in {"", REST} else target.source
        index = self.record(
            "refused",
            caller,
            f"sources/{target.source}" if target.source else "home",
            action=action.value,
            reason=decision.reason,
            tier=target.tier,
            component=target.component,
            pathway=use.pathway,
            workflow=use.workflow.value,
            client=use.client,
        )
        self.control.events.record([decision_event(self.now(), action, target, use, decision)])
        if not decision.discoverable:
            return unknown_source(target.source, str(index))
        return Refused(decision.message, reason=decision.reason, hint=decision.hint, audit=str(index), target=name)

    def source(self, caller: Caller, name: str, action: Action = Action.DISCOVER) -> Source:
        """A registered source that the caller may act on in this way.

        Raises:
            NotFound: there is none of that name, or the caller may not know of it: both look the same.
            Refused: the caller may know of it and may not do this.
        """
        source = self.registered(name)
        if source is None:
            raise self.no_source(caller, name, action)
        if action is not Action.DISCOVER or not self.may_know(caller, source):
            self.require(caller, action, target_of(source, overdue=is_overdue(source, self.now())))
        return source

    def no_source(self, caller: Caller, name: str, action: Action) -> NotFound:
        """Record that a source was asked for that does not exist, and return the error that tells the caller."""
        index = self.record("refused", caller, f"sources/{self.redact(name)}", action=action.value, reason="SOURCE_NOT_FOUND")
        return unknown_source(name, str(index))

    def may_know(self, caller: Caller, source: Source) -> bool:
        """Whether the caller may know that a source exists, by any of its components. Nothing is recorded."""
        return any(self.decide(caller, Action.DISCOVER, target_of(source, part)).allowed for part in parts_of(source))

    def redact(self, text: str) -> str:
        """Text that somebody typed or wrote, with secrets and personal data cut out by the rules in force."""
        home = Descriptor("home", SourceKind.DIRECTORY, ContentKind.DOCS, 4)
        recipe = Recipe(self.bundle.ingest, home, RepositoryIgnores(()), cache_dir=self.cache_dir)
        return self.boundary(recipe).redact_text(text)

    def boundary(self, recipe: Recipe) -> Filter:
        """The filter of a recipe, compiled once for as long as the same recipe is asked for again."""
        key = (recipe.rules.digest, recipe.descriptor, recipe.ignores, recipe.fingerprint_key)
        if key not in self._boundaries:
            if len(self._boundaries) >= _KEPT:
                self._boundaries.clear()
            self._boundaries[key] = recipe.boundary()
        return self._boundaries[key]

    def data_marker(self, receipt: str) -> str:
        """16 hex digits that follow from the home's key and a receipt: no text can know them and close its quotation."""
        return hmac.digest(self.fingerprint_key, b"data marker " + receipt.encode(), "sha256").hex()[:16]

    def postings(self, source: str) -> Postings:
        """A source's postings, kept open until they change."""
        shelf = self.shelf(source)
        known = self._postings.get(source)
        if known is None or known[0] != shelf.generation:
            known = (shelf.generation, open_postings(shelf, self._tags.setdefault(source, len(self._tags))))
            self._postings[source] = known
        return known[1]

    def keep_view(self, key: tuple[object, ...], view: View) -> None:
        """Keep a view for the next question of its kind; of very many kinds all are let go."""
        if len(self.views) >= _KEPT:
            self.views.clear()
        self.views[key] = view

    def retrieval(self, views: Sequence[View]) -> Retrieval:
        """These views over the postings of their shelves, kept until either changes."""
        opened = [self.postings(view.scope.source.name) for view in views]
        key = (*map(id, views), *map(id, opened))
        found = self._retrievals.get(key)
        if found is None:
            if len(self._retrievals) >= _KEPT:
                self._retrievals.clear()
            found = self._retrievals[key] = Retrieval(views, opened)
        return found


def decision_event(at: datetime, action: Action, target: Target, use: Use, decision: Decision) -> Event:
    """The measurement event of one decision."""
    body = {
        "action": action.value,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "pathway": use.pathway,
        "workflow": use.workflow.value,
        "client": use.client,
        "flags": decision.facts.get("flags", ""),
    }
    return Event(at, "decision", target.source, target.component, target.tier, body)


def target_of(source: Source, component: str = REST, *, eligible: bool = False, overdue: bool = False) -> Target:
    """What a decision about a component of a source is about."""
    descriptor = source.descriptor
    owner = next((c.owner for c in descriptor.components if c.name == component), source.owner)
    tier = descriptor.tier_of(component)
    return Target(source.name, component, tier, source.state.value, owner, source.requested_by, eligible, overdue)


def parts_of(source: Source) -> list[str]:
    """The names of a source's components, the one that covers the rest first."""
    return [REST, *(component.name for component in source.descriptor.components)]


def is_overdue(source: Source, now: datetime) -> bool:
    """Whether the approval of a source has lapsed, because its review did not happen in time."""
    return source.review_by is not None and source.review_by <= now


def unknown_source(name: str, audit: str = "") -> NotFound:
    """The one answer for a source that does not exist and for one that the caller may not know of."""
    hint = "contextd source list shows what you can read"
    return NotFound(f'no source "{name}" that you can read', reason="SOURCE_NOT_FOUND", hint=hint, audit=audit)


def stamp(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds: how events carry time."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
