"""``contextd config``: the settings in force, and where each comes from."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from contextd.cli.output import table
from contextd.cli.session import session_of

app = typer.Typer(help="Settings of the home.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep ``config`` a noun with verbs."""


@app.command("show")
def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from")] = False,
) -> None:
    """Effective settings."""
    from contextd.config import load_settings

    session = session_of(context)
    items = load_settings(session.options.home, os.environ).items()
    rows = [["home", str(session.options.home), "--home, CONTEXTD_HOME or the default"], *(list(item) for item in items)]
    session.out.text(table(rows if origin else [row[:2] for row in rows]))
    session.out.document("config", {"settings": [{"key": key, "value": value, "origin": where} for key, value, where in rows]})
