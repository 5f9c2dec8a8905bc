"""``contextd doctor``: what is wrong with this home, and how to mend it."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from contextd.cli.output import printable, table
from contextd.cli.session import Session, session_of, utc_now
from contextd.cli.sizes import size
from contextd.model.errors import ContextdError
from contextd.model.names import short_id
from contextd.model.source import SourceState

if TYPE_CHECKING:
    from contextd.home import Home

_LEAST_FREE = 256 << 20


class Checked(NamedTuple):
    """One check: ok, warn or FAIL, what was looked at, what was found, and the mend."""

    state: str
    name: str
    found: str
    mend: str = ""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Recompute the audit log and check the shelves of approved sources too")
    ] = False,
) -> None:
    """A line for each check, with its mend."""
    session = session_of(context)
    checks = list(_checks(session, deep=deep))
    rows = [[check.state, check.name, printable(check.found)] for check in checks]
    for line, check in zip(table(rows), checks, strict=True):
        session.out.text(f"{line}.   mend: {check.mend}" if check.mend else line)
    failed = sum(check.state == "FAIL" for check in checks)
    warned = sum(check.state == "warn" for check in checks)
    session.out.text(f"{failed} to mend, {warned} {'warning' if warned == 1 else 'warnings'}")
    session.out.document("doctor", {"checks": [check._asdict() for check in checks], "failed": failed, "warned": warned})
    if failed:
        session.no()


def _checks(session: Session, *, deep: bool) -> Iterator[Checked]:
    from contextd.home import Home

    yield _git()
    path = session.options.home
    if path.exists():
        yield from _files(path)
    try:
        with Home(path, session.world(), session.options.timeout) as home:
            yield from _opened(home, session, deep=deep)
    except ContextdError as error:
        yield Checked("FAIL", "home", f"{error.reason}: {error.message}", error.hint)


def _git() -> Checked:
    try:
        text = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return Checked("FAIL", "git", "not found on PATH: git sources cannot be crawled", "install git")
    return Checked("ok", "git", text)


def _files(path: Path) -> Iterator[Checked]:
    mode = stat.S_IMODE(path.stat().st_mode)
    used = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    free = shutil.disk_usage(path).free
    facts = f"{path} {mode:04o}, {size(used)}, {size(free)} free"
    if mode & 0o077:
        yield Checked("FAIL", "home", facts, f"chmod 700 {path}")
    elif free < _LEAST_FREE:
        yield Checked("warn", "home", facts, "free some space: a full disk stops crawls and answers")
    else:
        yield Checked("ok", "home", facts)
    for file in sorted((path / "keys").rglob("*")):
        wanted = 0o700 if file.is_dir() else 0o600
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            yield Checked("FAIL", "keys", f"{file.relative_to(path)} is {mode:04o}", f"chmod {wanted:o} {file}")


def _opened(home: Home, session: Session, *, deep: bool) -> Iterator[Checked]:
    plane = home.plane
    yield Checked("ok", "keys", f"signing key {plane.signer.short_id}")
    yield Checked("ok", "bundle", f"{short_id(plane.bundle.digest)}, {len(plane.bundle.files)} files valid")
    try:
        caller = home.caller(session.options.token_file)
        yield Checked("ok", "token", f"of {caller.principal}")
    except ContextdError as error:
        yield Checked("FAIL", "token", error.message, error.hint)
    head = plane.audit.sign_head()
    entry = plane.audit.entry(head.size - 1) if head.size else None
    if entry is not None and entry.event["time"] > utc_now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"):
        yield Checked("FAIL", "clock", f"before the newest audit entry of {entry.event['time']}", "set the clock")
    else:
        yield Checked("ok", "clock", "after the newest audit entry")
    if deep:
        found = plane.audit.verify()
        what = f"{head.size:,} entries recomputed to the signed tree head"
        yield Checked("ok", "audit", what) if found.ok else Checked("FAIL", "audit", "does not verify", "contextd audit verify")
    else:
        yield Checked("ok", "audit", f"{head.size:,} entries, head signed; --deep recomputes them")
    yield from _sources(home, deep=deep)


def _sources(home: Home, *, deep: bool) -> Iterator[Checked]:
    from contextd.operations.history import head_problems

    now = utc_now()
    for source in home.plane.sources():
        if source.state is not SourceState.APPROVED:
            continue
        try:
            shelf = home.plane.shelf(source.name)
            heads = shelf.heads()
            problems = shelf.check() + head_problems(home.plane, source.name) if deep else []
        except ContextdError as error:
            yield Checked("FAIL", "shelf", f"{source.name}: {error.message}", error.hint)
            continue
        jobs = home.plane.control.jobs.find(source.name, limit=1)
        if source.review_by and source.review_by <= now:
            yield Checked(
                "warn",
                "source",
                f"{source.name}: its review is overdue",
                f"contextd source approve {source.name} --reason TEXT",
            )
        if not heads:
            yield Checked("warn", "source", f"{source.name} was never crawled", f"contextd crawl {source.name}")
        elif jobs and jobs[0].state.value in {"failed", "interrupted"}:
            mend = f"contextd crawl {source.name}"
            yield Checked("warn", "source", f"{source.name}: the last crawl {jobs[0].state.value}: {jobs[0].error}", mend)
        if problems:
            mend = f"move {shelf.path} away, then contextd crawl {source.name}"
            yield Checked("FAIL", "shelf", f"{source.name}: {problems[0]}", mend)
