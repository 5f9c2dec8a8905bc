"""``contextd package``: is the context package of a source complete and current, and what would make it so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contextd.cli.boundary import is_git, is_source
from contextd.cli.output import printable, table
from contextd.cli.session import Session, session_of, shipped_bundle, utc_now
from contextd.model.finding import Package
from contextd.model.source import ContentKind, Descriptor, SourceKind

if TYPE_CHECKING:
    from contextd.operations.findings import PackageReport

app = typer.Typer(help="Context packages: what a component must say of itself.", no_args_is_help=True)


@app.command("check")
def check(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SOURCE|PATH", help="A registered source, or a checkout (./NAME)")],
    tier: Annotated[int, typer.Option(min=1, max=4, help="For a PATH: the tier to judge it by")] = 3,
    bundle: Annotated[Path | None, typer.Option(help="For a PATH: the bundle to judge it by")] = None,
) -> None:
    """Every element of the package with its evidence, whether that makes it eligible, and the shortest way there."""
    session = session_of(context)
    if not is_source(subject):
        _offline(session, Path(subject), tier, bundle)
        return
    from contextd.operations.findings import check_package
    from contextd.wire.json import package_json

    with session.plane() as (plane, caller):
        reports = check_package(plane, caller, subject)
    for report in reports:
        name = subject if report.package.component == "rest" else f"{subject}/{report.package.component}"
        _print(session, name, report.package, report)
    session.out.document("package", {"source": subject, "packages": [package_json(report.package) for report in reports]})
    if any(report.package.required and not report.package.eligible for report in reports):
        session.no()


def _offline(session: Session, place: Path, tier: int, bundle: Path | None) -> None:
    """Judge a checkout as it is, without a home."""
    from contextd.operations.looking import look_at_package
    from contextd.wire.json import package_json

    git = is_git(place)
    content = ContentKind.REPO if git else ContentKind.DOCS
    kind = SourceKind.GIT if git else SourceKind.DIRECTORY
    package = look_at_package(str(place), Descriptor("check", kind, content, tier), bundle or shipped_bundle(), utc_now())
    _print(session, str(place), package, None)
    session.out.document("package", {"source": str(place), "packages": [package_json(package)]})
    if package.required and not package.eligible:
        session.no()


def _print(session: Session, name: str, package: Package, report: PackageReport | None) -> None:
    if not package.required:
        verdict = "no package is required at this tier"
    elif package.eligible:
        verdict = "eligible"
    else:
        waiting = f" for {', '.join(report.waiting)}" if report and report.waiting else ""
        stays = f"   ({', '.join(report.open_now)} stays open)" if report and report.open_now else ""
        verdict = f"NOT ELIGIBLE{waiting}{stays}"
    session.out.text(f"{printable(name)}  tier {package.tier}  {verdict}")
    rows = [[element.state, element.name, printable(element.evidence)] for element in package.elements]
    session.out.text(table(rows))
    lacking = [element for element in package.elements if element.state != "ok"]
    if lacking and package.required:
        session.out.text(f"shortest way, {len(lacking)} {'edit' if len(lacking) == 1 else 'edits'} to context.yaml:")
        session.out.text(f"  {n} {e.name}: {printable(e.lacks or e.evidence)}" for n, e in enumerate(lacking, 1))
