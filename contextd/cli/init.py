"""``contextd init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contextd.cli.session import session_of, shipped_bundle


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("init")(init)


def init(
    context: typer.Context,
    principal: Annotated[str, typer.Option("--as", help="The first principal, who can let others in: you@example.org")],
    boundaries: Annotated[
        Path | None,
        typer.Option(help="The organization's policy bundle, used where it stands; default: a copy of the shipped one"),
    ] = None,
) -> None:
    """Make a home: keys, a policy bundle, and the token of its first principal."""
    from contextd.home import make_home
    from contextd.model.names import short_id

    session = session_of(context)
    home = make_home(session.options.home, session.world(), principal, boundaries, shipped_bundle())
    with home:
        bundle, key = home.plane.bundle.digest, home.plane.signer.short_id
        place = str(home.settings.boundaries)
    shown = "boundaries/" if boundaries is None else place
    session.out.text(f"made {home.path} (0700): contextd.toml, {shown} ({short_id(bundle)}), key {key}")
    session.out.document(
        "home", {"home": str(home.path), "boundaries": place, "bundle": bundle, "key_id": key, "principal": principal}
    )
    session.out.note("next: contextd source add NAME LOCATION --tier N --owner TEAM")
