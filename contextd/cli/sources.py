"""``contextd source``: register, approve, suspend and look at sources."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contextd.cli.output import printable, table
from contextd.cli.session import Session, session_of, time_option, utc_now
from contextd.cli.times import parse_duration, relative, stamp
from contextd.model.errors import InvalidInput, Unavailable
from contextd.model.source import Component, ContentKind, Sensitivity, Source, SourceKind, SourceState

if TYPE_CHECKING:
    from contextd.operations.plane import Plane

app = typer.Typer(help="Sources: what is registered, and what may be crawled.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The source's name")]
Reason = Annotated[str, typer.Option(help="Why; it is logged")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing")]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    location: Annotated[str, typer.Argument(metavar="LOCATION", help="A git repository, a folder, or a JSON Lines export")],
    tier: Annotated[int, typer.Option(min=1, max=4, help="Risk tier, 1 (least) to 4")],
    owner: Annotated[str, typer.Option(help="Who answers for it")],
    kind: Annotated[SourceKind, typer.Option(help="How it is read")] = SourceKind.GIT,
    content: Annotated[
        ContentKind | None, typer.Option(help="What it is; default: tickets, docs or repo, as it is read")
    ] = None,
    maintainer: Annotated[str, typer.Option(help="Who keeps it; default: the owner")] = "",
    ref: Annotated[list[str] | None, typer.Option(help="A ref to follow, or a pattern; default: the default branch")] = None,
    component: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PATHS:TIER:OWNER", help="A path scope of its own tier and owner")
    ] = None,
    sensitivity: Annotated[Sensitivity, typer.Option(help="Sensitive data in it")] = Sensitivity.UNKNOWN,
    every: Annotated[str, typer.Option(help="How often it is to be crawled")] = "24h",
    dry_run: DryRun = False,
) -> None:
    """Propose a source. It is crawled only once it is approved."""
    from contextd.operations.registry import Proposal, propose

    session = session_of(context)
    if parse_duration(every) is None:
        raise InvalidInput(f"--every {every} is not a duration", hint="for example 12h or 7d", field="every")
    usual = {SourceKind.GIT: ContentKind.REPO, SourceKind.DIRECTORY: ContentKind.DOCS, SourceKind.TICKETS: ContentKind.TICKETS}
    proposal = Proposal(
        name=name,
        location=str(Path(location).absolute()) if Path(location).exists() else location,
        kind=kind,
        content=content or usual[kind],
        tier=tier,
        owner=owner,
        maintainer=maintainer,
        refs=tuple(ref or ()),
        components=tuple(component_option(text) for text in component or ()),
        sensitivity=sensitivity,
        every=every,
    )
    with session.plane() as (plane, caller):
        source = propose(plane, caller, proposal, dry_run=dry_run)
        approval = plane.bundle.tiers[tier].approval
    unknown = " (treated as present)" if sensitivity is Sensitivity.UNKNOWN else ""
    place = " ".join([kind.value, printable(source.location), *source.refs])
    session.out.text(f"{name}  proposed  {place}  tier {tier}  sensitivity {sensitivity.value}{unknown}")
    _document(session, source)
    who = " or ".join(role.value for role in approval.by)
    own = "" if approval.own else ", not you"
    session.out.note(
        f"next: contextd boundary check {name}, then one of {who}{own}: contextd source approve {name} --reason TEXT"
    )


@app.command("approve")
def approve(
    context: typer.Context,
    name: Name,
    reason: Reason,
    review_by: Annotated[
        str | None, typer.Option(help="Until when: a date or 90d; default: as long as its tier allows")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Approve a source: from now on it may be crawled and served."""
    from contextd.operations.registry import approve as act
    from contextd.operations.registry import own_request

    session = session_of(context)
    with session.plane() as (plane, caller):
        source = act(plane, caller, name, reason, time_option(review_by, "--review-by"), dry_run=dry_run)
    tier = source.descriptor.tier
    note = f" (own request; tier {tier} allows it)" if own_request(source) else ""
    until = f"  review {relative(source.review_by, utc_now())}" if source.review_by else ""
    session.out.text(f"{name}  approved by {source.decided_by or caller.principal}{note}{until}")
    _document(session, source)
    session.out.note(f"next: contextd crawl {name}")


@app.command("suspend")
def suspend(context: typer.Context, name: Name, reason: Reason, dry_run: DryRun = False) -> None:
    """Stop crawling and serving a source at once. What was crawled stays."""
    from contextd.operations.registry import suspend as act

    session = session_of(context)
    with session.plane() as (plane, caller):
        source = act(plane, caller, name, reason, dry_run=dry_run)
    session.out.text(f"{name}  suspended by {source.decided_by or caller.principal}: neither crawled nor served")
    _document(session, source)
    session.out.note(f"next: contextd source approve {name} --reason TEXT opens it again")


@app.command("list")
def list_(
    context: typer.Context,
    tier: Annotated[int | None, typer.Option(help="Only this tier")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner")] = None,
    state: Annotated[SourceState | None, typer.Option(help="Only this state")] = None,
) -> None:
    """Sources that you may know of."""
    from contextd.operations.registry import visible_sources
    from contextd.wire.json import source_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        found = [
            source
            for source in visible_sources(plane, caller)
            if (tier is None or source.descriptor.tier == tier)
            and (owner is None or source.owner == owner)
            and (state is None or source.state is state)
        ]
        heads = {source.name: _head(plane, source) for source in found if source.state is not SourceState.PROPOSED}
    rows = [
        [
            source.name,
            str(source.descriptor.tier),
            source.state.value,
            source.descriptor.kind.value,
            source.owner,
            heads.get(source.name, "-"),
            relative(source.review_by, utc_now()) if source.review_by else "-",
        ]
        for source in found
    ]
    header = ["NAME", "TIER", "STATE", "KIND", "OWNER", "HEAD", "REVIEW"]
    lines = table(rows, header) if rows else ["no source that you can read"]
    session.out.listing("source", [source_json(source) for source in found], lines)
    if not rows:
        session.out.note("next: contextd source add NAME LOCATION --tier N --owner TEAM")


@app.command("show")
def show(context: typer.Context, name: Name) -> None:
    """One source: its entry, its history, and what is eligible."""
    from contextd.operations.plane import target_of
    from contextd.operations.scoping import eligible
    from contextd.wire.json import source_json, time_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        source = plane.source(caller, name)
        life = plane.control.sources.life(name)
        heads = plane.shelf(name).heads()
        ref = next(iter(heads), "")
        parts = ["rest", *(component.name for component in source.descriptor.components)]
        ready = {part: eligible(plane, name, ref, part) for part in parts}
        tiers = {part: target_of(source, part).tier for part in parts}
    descriptor = source.descriptor
    lines = [
        f"{name}  {source.state.value}  tier {descriptor.tier}  {descriptor.kind.value} of {descriptor.content.value}",
        f"  location     {printable(source.location)}",
        f"  refs         {', '.join(source.refs)}",
        f"  owner        {source.owner}, maintained by {source.maintainer}",
        f"  sensitivity  {source.sensitivity.value}",
        f"  every        {source.every}",
        f"  review by    {_when(source.review_by)}",
    ]
    lines += [f"  head         {head.id[:17]} {ref}  {head.documents:,} documents" for ref, head in heads.items()]
    lines += [f"  component    {part}  tier {tiers[part]}  {'eligible' if ready[part] else 'not eligible'}" for part in parts]
    lines += [f"  {stamp(e.at)}  {e.action} by {e.principal} -> {e.state.value}  {printable(e.reason)}".rstrip() for e in life]
    session.out.text(lines)
    events = [
        {"time": time_json(e.at), "action": e.action, "state": e.state.value, "principal": e.principal, "reason": e.reason}
        for e in life
    ]
    session.out.document("source", {**source_json(source, ready), "history": events})


def component_option(text: str) -> Component:
    """A component as ``--component`` takes it: ``NAME=PATHS:TIER:OWNER``, paths separated by commas; InvalidInput otherwise."""
    name, equals, rest = text.partition("=")
    parts = rest.rsplit(":", 2)
    if not equals or len(parts) != 3 or not parts[1].isdigit():  # noqa: PLR2004 - PATHS, TIER and OWNER
        raise InvalidInput(
            f"--component {text} is not NAME=PATHS:TIER:OWNER",
            hint="--component admin-ui=ui/,web/:1:team-ui",
            field="component",
        )
    return Component(name, tuple(path for path in parts[0].split(",") if path), int(parts[1]), parts[2])


def _head(plane: Plane, source: Source) -> str:
    try:
        head = next(iter(plane.shelf(source.name).heads().values()), None)
    except Unavailable:
        return "unreadable"
    return head.id[:17] if head else "-"


def _when(time: datetime | None) -> str:
    return f"{stamp(time)} ({relative(time, utc_now())})" if time else "-"


def _document(session: Session, source: Source) -> None:
    from contextd.wire.json import source_json

    session.out.document("source", source_json(source))
