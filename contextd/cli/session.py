"""One run of the command line: its options, its output, its home."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from contextd.cli.options import Globals
from contextd.cli.output import Output
from contextd.cli.times import parse_time
from contextd.model.errors import InvalidInput

if TYPE_CHECKING:
    from contextd.home import World
    from contextd.operations.plane import Caller, Plane


_FOR_MODELS = ("search", "fetch")
"""The commands whose answer a model reads."""

_LONG = ("list", "show", "diff")
"""The verbs whose answer is paged on a terminal."""


def utc_now() -> datetime:
    """The clock: everything below gets it as an argument."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Session:
    """What every command works with; ``exit_code`` is 0 until a command says otherwise."""

    options: Globals
    out: Output
    exit_code: int = 0

    @contextmanager
    def plane(self) -> Iterator[tuple[Plane, Caller]]:
        """The opened home's plane, and who is calling; the home is held for as long as the block lasts."""
        from contextd.home import Home

        with Home(self.options.home, self.world(), self.options.timeout) as home:
            caller = home.caller(self.options.token_file)
            if self.options.verbose:
                self.out.note(f"in this process, on {home.path}, as {caller.principal}")
            yield home.plane, caller

    @staticmethod
    def world() -> World:
        """Clock, randomness and environment of this process."""
        from contextd.home import World

        return World(utc_now, secrets.token_bytes, os.environ)

    def no(self) -> None:
        """The answer of this command is no: exit 1."""
        self.exit_code = 1


def session_of(context: typer.Context) -> Session:
    """The session of a running command."""
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("commands run through contextd.cli.main.main, which makes their session")
    if session.options.format == "tool" and context.info_name not in _FOR_MODELS:
        raise InvalidInput(
            f"{context.command_path} has no format tool: that is for what a model reads, from {' and '.join(_FOR_MODELS)}",
            hint="--format text or json",
            field="format",
        )
    session.out.pages = context.info_name in _LONG
    return session


def shipped_bundle() -> Path:
    """The default bundle: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "_bundle"
    return inside if inside.is_dir() else package.parent / "boundaries"


def time_option(text: str | None, name: str) -> datetime | None:
    """A point in time as an option takes it; InvalidInput names the option."""
    if text is None:
        return None
    time = parse_time(text, utc_now())
    if time is None:
        raise InvalidInput(f"{name} {text} is not a time", hint="2026-11-23, 2026-11-23T18:40:02Z, or a duration such as 90d")
    return time
