"""``contextd snapshot``: history, differences, and the id worked out again from a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contextd.cli.boundary import is_git
from contextd.cli.output import printable, table
from contextd.cli.session import session_of, shipped_bundle, utc_now
from contextd.cli.sizes import many
from contextd.cli.times import relative, stamp
from contextd.model.names import checked_name, short_id
from contextd.model.source import ContentKind, Descriptor, SourceKind

app = typer.Typer(help="Snapshots: what was context, at which state, under which rules.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(metavar="SOURCE")]


@app.command("list")
def list_(
    context: typer.Context,
    source: Source,
    limit: Annotated[int, typer.Option(help="At most this many")] = 50,
) -> None:
    """Snapshots of a source, newest first."""
    from contextd.operations.history import list_snapshots
    from contextd.wire.json import snapshot_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        found = list_snapshots(plane, caller, source, limit)
    now = utc_now()
    rows = [
        [
            short_id(snapshot.id),
            snapshot.ref,
            snapshot.commit[:7],
            relative(snapshot.built_at, now),
            f"{snapshot.documents:,}",
            f"{snapshot.excluded:,}",
            f"{snapshot.redacted:,}",
        ]
        for snapshot in found
    ]
    lines = table(rows, ["ID", "REF", "COMMIT", "BUILT", "DOCUMENTS", "EXCLUDED", "REDACTED"]) if rows else ["no snapshot yet"]
    session.out.listing("snapshot", [snapshot_json(snapshot) for snapshot in found], lines)


@app.command("show")
def show(
    context: typer.Context,
    source: Source,
    value: Annotated[str, typer.Argument(metavar="[ID|COMMIT]", help="Default: the newest")] = "",
) -> None:
    """One snapshot: what it was made from, and what it holds."""
    from contextd.operations.history import show_snapshot
    from contextd.wire.json import snapshot_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        snapshot = show_snapshot(plane, caller, source, value)
    session.out.text(
        [
            snapshot.id,
            f"  source     {snapshot.source} {snapshot.ref}, number {snapshot.sequence}",
            f"  commit     {snapshot.commit}  of {stamp(snapshot.content_time)}",
            f"  built      {stamp(snapshot.built_at)} ({relative(snapshot.built_at, utc_now())})",
            f"  as of      {stamp(snapshot.as_of)} (dated rules)",
            f"  rules      {short_id(snapshot.ingest_digest)} (boundary, secrets, personal data)",
            f"  pipeline   {snapshot.pipeline}",
            f"  holds      {snapshot.documents:,} documents, {snapshot.chunks:,} chunks, {snapshot.bytes:,} bytes",
            f"  kept out   {snapshot.excluded:,} files, {snapshot.redacted:,} spans redacted",
        ]
    )
    session.out.document("snapshot", snapshot_json(snapshot))


@app.command("diff")
def diff(
    context: typer.Context,
    source: Source,
    older: Annotated[str, typer.Argument(metavar="[A]", help="Default: the one before B")] = "",
    newer: Annotated[str, typer.Argument(metavar="[B]", help="Default: the newest")] = "",
    why: Annotated[
        bool, typer.Option("--why", help="Say for each path whether content, policy or pipeline changed it")
    ] = False,
) -> None:
    """What differs between two snapshots."""
    from contextd.operations.history import diff_snapshots
    from contextd.wire.json import change_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        changes = list(diff_snapshots(plane, caller, source, older, newer))
    signs = {"added": "+", "removed": "-", "changed": "~"}
    rows = [
        [
            signs[change.kind],
            printable(change.path),
            f"+{change.lines_added} -{change.lines_removed}",
            change.why if why else "",
        ]
        for change in changes
    ]
    total = f"{len(changes):,} documents differ" if changes else "nothing differs"
    session.out.listing("change", [change_json(change) for change in changes], [*table(rows), total])


@app.command("build")
def build(
    context: typer.Context,
    place: Annotated[Path, typer.Argument(metavar="PATH", help="A checkout, a bare repository, a folder or a ticket export")],
    source: Annotated[str, typer.Option(help="The source's name, which is part of the id")],
    tier: Annotated[int, typer.Option(min=1, max=4, help="Its tier")],
    kind: Annotated[SourceKind | None, typer.Option(help="Default: git, a folder or tickets, by what PATH is")] = None,
    content: Annotated[ContentKind | None, typer.Option(help="Default: repo, docs or tickets, by the kind")] = None,
    component: Annotated[list[str] | None, typer.Option(metavar="NAME=PATHS:TIER:OWNER", help="As in source add")] = None,
    ref: Annotated[str, typer.Option(help="Default: what HEAD points at")] = "",
    bundle: Annotated[Path | None, typer.Option(help="The policy bundle; default: the one that is shipped")] = None,
) -> None:
    """Work a snapshot's id out from the files alone: no home, no token, no network. Prints the id, and nothing else."""
    from contextd import pipeline
    from contextd.cli.sources import component_option
    from contextd.crawl.opening import open_source
    from contextd.policy.bundle import load_bundle, read_bundle

    session = session_of(context)
    how = kind or _kind(place)
    what = content or {SourceKind.GIT: ContentKind.REPO, SourceKind.TICKETS: ContentKind.TICKETS}.get(how, ContentKind.DOCS)
    parts = tuple(component_option(text) for text in component or ())
    descriptor = Descriptor(checked_name(source, "source"), how, what, tier, parts)
    rules = load_bundle(read_bundle(bundle or shipped_bundle())).ingest
    crawler = open_source(how, str(place), (ref,) if ref else ())
    listing = crawler.list(ref or _head(place, how, crawler.refs()))
    with crawler.reader() as reader:
        recipe = pipeline.recipe_for(rules, descriptor, listing.entries, reader)
        made = pipeline.recompute(listing.entries, reader, recipe)
    session.out.text(made.id)
    session.out.document(
        "snapshot-build",
        {
            "id": made.id,
            "source": source,
            "commit": listing.commit,
            "ingest_digest": rules.digest,
            "pipeline": pipeline.VERSION,
            "document_count": made.documents,
            "excluded_count": made.excluded,
            "redacted_count": made.redacted,
        },
    )
    session.out.note(f"{many(made.documents, 'document')}, {made.excluded:,} excluded, {many(made.redacted, 'span')} redacted")


def _kind(place: Path) -> SourceKind:
    if place.is_file():
        return SourceKind.TICKETS
    return SourceKind.GIT if is_git(place) else SourceKind.DIRECTORY


def _head(place: Path, kind: SourceKind, refs: list[str]) -> str:
    """The ref to build: HEAD of a repository (a detached one too), the only one of anything else."""
    return "HEAD" if kind is SourceKind.GIT and place.exists() else refs[0]
