"""``contextd crawl``: bring approved sources up to date."""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from contextd.cli.output import Output
from contextd.cli.session import session_of
from contextd.cli.sizes import size
from contextd.model.errors import ContextdError, InvalidInput
from contextd.model.names import short_id
from contextd.model.source import SourceState

if TYPE_CHECKING:
    from contextd.operations.ingest import Crawled, Progress

_PLAIN_EVERY = 10.0


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("crawl")(crawl)


def collect_less() -> None:
    """Let Python's collector of cycles look less often, in this process, which is about to crawl and then end.

    What is loaded by now stays, and a crawl makes many small objects that live for a moment: by default all of them are looked
    at again and again, for an eighth of the time.
    """
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def crawl(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Sources to crawl")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every approved source")] = False,
) -> None:
    """Crawl approved sources: list, filter, build a snapshot, look for drift, publish the head."""
    from contextd.operations.ingest import crawl as act
    from contextd.operations.registry import visible_sources
    from contextd.wire.json import error_json, snapshot_json

    session = session_of(context)
    if bool(names) == all_:
        raise InvalidInput("name the sources to crawl, or say --all", hint="contextd crawl payments")
    results: list[dict[str, object]] = []
    with session.plane() as (plane, caller):
        collect_less()
        if all_:
            names = [source.name for source in visible_sources(plane, caller) if source.state is SourceState.APPROVED]
        failure: ContextdError | None = None
        for name in names or ():
            shown = _Shown(session.out)
            try:
                done = act(plane, caller, name, shown.update)
            except ContextdError as error:
                if len(names or ()) == 1:
                    raise
                failure = failure or error
                session.out.text(f"{name}  FAIL  {error.reason}  {error.message}")
                results.append({"source": name, "error": error_json(error)})
                continue
            finally:
                shown.end()
            for result in done:
                session.out.text(_line(name, result))
                body = {"changed": result.changed, "file_count": result.files, "seconds": round(result.seconds, 3)}
                drift = {"findings_opened": result.opened, "findings_resolved": result.resolved}
                results.append({"source": name, "snapshot": snapshot_json(result.snapshot), **body, **drift})
    session.out.document("crawl", {"crawls": results})
    if failure is not None:
        session.exit_code = 1 if failure.outcome == "no" else 3


def _line(name: str, result: Crawled) -> str:
    snapshot = result.snapshot
    commit = f"git {snapshot.commit[:7]}  " if snapshot.commit != "-" else ""
    found = f"  findings +{result.opened} -{result.resolved}" if result.opened or result.resolved else ""
    if not result.changed:
        return f"{name}  head {short_id(snapshot.id)}  {commit}nothing changed{found}"
    kept = f"{snapshot.documents:,} documents  {snapshot.chunks:,} chunks"
    cut = f"excluded {snapshot.excluded:,}  redacted {snapshot.redacted:,}"
    return f"{name}  head {short_id(snapshot.id)}  {commit}{kept}  {cut}  {result.seconds:.1f} s{found}"


class _Shown:
    """Progress on stderr: one line that is drawn over on a terminal, otherwise one plain line every ten seconds."""

    def __init__(self, out: Output) -> None:
        self._on = not (out.options.quiet or out.json)
        self._terminal = sys.stderr.isatty()
        self._started = self._last = time.monotonic()
        self._drawn = False

    def update(self, progress: Progress) -> None:
        """Show how far a crawl is."""
        now = time.monotonic()
        if not self._on or now - self._last < (0.1 if self._terminal else _PLAIN_EVERY):
            return
        self._last = now
        rate = progress.bytes / max(now - self._started, 0.001)
        text = (
            f"{progress.source}  {progress.done:,}/{progress.total:,} files  {size(progress.bytes)}  {size(int(rate))}/s"
            f"  excluded {progress.excluded:,}  redacted {progress.redacted:,}"
        )
        sys.stderr.write(f"\r\x1b[2K{text}" if self._terminal else f"{text}\n")
        sys.stderr.flush()
        self._drawn = self._terminal

    def end(self) -> None:
        """Wipe the line that is drawn over."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
