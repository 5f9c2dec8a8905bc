"""``contextd boundary`` and ``contextd explain``: what is kept out, what is cut out, and by which rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contextd.cli.output import printable, table
from contextd.cli.session import Session, session_of, shipped_bundle
from contextd.cli.sizes import many, size
from contextd.model.content import RedactionKind
from contextd.model.errors import InvalidInput
from contextd.model.names import checked_name
from contextd.model.source import ContentKind, Descriptor, SourceKind, SourceState

if TYPE_CHECKING:
    from contextd.model.content import Excluded
    from contextd.operations.explain import DryRun

app = typer.Typer(help="The boundary: what never becomes context, and why.", no_args_is_help=True)

_MOST_PATTERNS = 3


def register(main: typer.Typer) -> None:
    """Add ``explain`` to the application."""
    main.command("explain")(explain)


@app.command("check")
def check(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="SOURCE|PATH", help="A registered source, or a folder or repository (./NAME)")
    ],
    by: Annotated[str, typer.Option(help="Count by rule, zone or dir")] = "rule",
    show: Annotated[str, typer.Option(help="List what is excluded or redacted")] = "",
    tier: Annotated[int, typer.Option(min=1, max=4, help="For a PATH: the tier to judge it by")] = 2,
    bundle: Annotated[Path | None, typer.Option(help="For a PATH: the bundle to judge it by")] = None,
) -> None:
    """Run the filter and keep nothing: counts, bytes, and the rule behind every exclusion."""
    session = session_of(context)
    if by not in {"rule", "zone", "dir"} or show not in {"", "excluded", "redacted"}:
        raise InvalidInput("--by takes rule, zone or dir; --show takes excluded or redacted", hint="--by rule --show redacted")
    registered = is_source(subject)
    run, state = _registered(session, subject) if registered else (_path(subject, tier, bundle), None)
    _print(session, run, by, show)
    if state in {SourceState.PROPOSED, SourceState.SUSPENDED}:
        session.out.note(f"next: contextd source approve {subject} --reason TEXT")


def explain(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    path: Annotated[str, typer.Argument(metavar="PATH[:LINE]")],
) -> None:
    """Say which rule decides about a path: when the head was built, and now."""
    from contextd.cli.search import split_place
    from contextd.operations.explain import explain_path
    from contextd.wire.json import excluded_json, redaction_json

    session = session_of(context)
    name, lines = split_place(path)
    with session.plane() as (plane, caller):
        found = explain_path(plane, caller, source, name)
    decision = found.now
    excluded = decision.excluded
    cut = [r for r in found.redactions if lines is None or lines[0] <= r.line <= lines[1]]
    if excluded:
        session.out.text(f"excluded  {excluded.code}  {_rule(excluded)}")
    elif not found.then:
        session.out.text("admitted by the rules, and not in the head: no such path when it was crawled")
    else:
        labels = f", labels {', '.join(decision.labels)}" if decision.labels else ""
        session.out.text(f"admitted  by {decision.admitted_by or 'the rules'}, component {decision.component}{labels}")
    if excluded and found.then.startswith("admitted"):
        session.out.text("  the head was built when it was admitted; it is withheld now, and gone with the next crawl")
    session.out.text(f"  also {_rule(other)}" for other in decision.also)
    session.out.text(f"  redacted {printable(name)}:{redaction.line}  [REDACTED:{redaction.rule}]" for redaction in cut)
    if excluded and excluded.where:
        session.out.text(f"  To change it: {excluded.where.partition(':')[0]}")
    body = {
        "source": source,
        "path": name,
        "component": decision.component,
        "tier": decision.tier,
        "admitted": excluded is None,
        "exclusion": excluded_json(excluded) if excluded else None,
        "also": [excluded_json(other) for other in decision.also],
        "labels": list(decision.labels),
        "then": found.then,
        "snapshot": found.snapshot,
        "redactions": [redaction_json(name, redaction) for redaction in cut],
    }
    session.out.document("explanation", body)
    if excluded:
        session.no()


def _registered(session: Session, name: str) -> tuple[DryRun, SourceState]:
    from contextd.operations.explain import check_boundary

    with session.plane() as (plane, caller):
        return check_boundary(plane, caller, name), plane.source(caller, name).state


def _path(subject: str, tier: int, bundle: Path | None) -> DryRun:
    """A dry run over a place that need not be registered: no home, no token, nothing recorded."""
    from contextd.crawl.opening import open_source
    from contextd.filter.ignorefiles import RepositoryIgnores
    from contextd.operations.explain import dry_run
    from contextd.pipeline import Recipe
    from contextd.policy.bundle import load_bundle, read_bundle

    kind = SourceKind.GIT if is_git(Path(subject)) else SourceKind.DIRECTORY
    crawler = open_source(kind, subject, ())
    rules = load_bundle(read_bundle(bundle or shipped_bundle())).ingest
    content = ContentKind.REPO if kind is SourceKind.GIT else ContentKind.DOCS
    recipe = Recipe(rules, Descriptor("check", kind, content, tier), RepositoryIgnores(()))
    return dry_run(recipe, crawler, crawler.refs()[0])


def is_source(subject: str) -> bool:
    """Whether SOURCE|PATH is the name of a source: it is one if it can be; a folder beside it is ``./NAME``."""
    try:
        return bool(checked_name(subject))
    except InvalidInput:
        return False


def is_git(place: Path) -> bool:
    """Whether a folder is a git checkout or a bare repository."""
    return (place / ".git").exists() or ((place / "HEAD").is_file() and (place / "objects").is_dir())


def _print(session: Session, run: DryRun, by: str, show: str) -> None:
    from contextd.wire.json import excluded_json, redaction_json

    at = f"at {run.commit[:7]}; " if run.commit != "-" else ""
    rows = [["admitted", f"{at}dry run, nothing stored", "", f"{run.admitted:,}", size(run.admitted_bytes), ""]]
    rows += _tallies(run, by)
    secrets = run.redacted(RedactionKind.SECRET)
    personal = run.redacted(RedactionKind.PII)
    session.out.text(table(rows))
    session.out.text(
        f"redacted  secrets {secrets[0]:,} in {many(secrets[1], 'file')},"
        f" personal data {personal[0]:,} in {many(personal[1], 'file')}"
        "     --show redacted lists them"
    )
    if show == "excluded":
        session.out.text(f"  {printable(excluded.path)}  {excluded.code}  {_rule(excluded)}" for excluded in run.excluded)
    if show == "redacted":
        session.out.text(
            f"  {printable(path)}:{redaction.line}  [REDACTED:{redaction.rule}]" for path, redaction in run.redactions
        )
    session.out.text(f"{many(run.files, 'file')} seen, none undecided")
    body = {
        "commit": run.commit,
        "file_count": run.files,
        "admitted_count": run.admitted,
        "admitted_bytes": run.admitted_bytes,
        "excluded": [excluded_json(excluded) for excluded in run.excluded],
        "redacted": [redaction_json(path, redaction) for path, redaction in run.redactions],
    }
    session.out.document("boundary-check", body)


def _tallies(run: DryRun, by: str) -> list[list[str]]:
    from contextd.operations.explain import top_folders

    if by == "dir":
        return [["excluded", printable(folder), "", f"{count:,}", "", ""] for folder, count in top_folders(run)]
    tallies = sorted(run.tallies.values(), key=lambda tally: (-tally.files, tally.code, tally.where))
    rows = []
    for tally in tallies:
        patterns = ", ".join(f"{printable(pattern)} {count}" for pattern, count in tally.patterns.most_common(_MOST_PATTERNS))
        place = tally.where or "built in"
        what = tally.rule if by == "zone" else tally.code
        rows.append(["excluded", what, place, f"{tally.files:,}", size(tally.bytes), patterns])
    return rows


def _rule(excluded: Excluded) -> str:
    parts = [excluded.rule, excluded.where, f"pattern {excluded.pattern}" if excluded.pattern else ""]
    return printable(", ".join(part for part in parts if part))
