"""Bringing the tables up to date. Alembic is imported only when there is something to do: it costs a third of a second."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from contextd.store.control.errors import ControlTooNew, ControlUnavailable
from contextd.store.control.schema import HEAD

_SCRIPTS = Path(__file__).parent / "migrations"


def is_current(connection: sa.Connection, path: Path) -> bool:
    """Whether the tables are those of this version; False when they are older or not there yet.

    ControlUnavailable when the database at ``path`` is not a control plane.
    """
    tables = set(connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
    if "alembic_version" not in tables:
        if tables:
            raise ControlUnavailable(
                f"{path} is a database, but not a control plane", hint=f"move it away, or restore {path.name} from a backup"
            )
        return False
    return _revision(connection) == HEAD


def upgrade(connection: sa.Connection, path: Path) -> None:
    """Apply what is missing, within the caller's transaction. ControlTooNew when the tables are of a version not known here."""
    from alembic import command  # noqa: PLC0415 - see the module's docstring
    from alembic.config import Config  # noqa: PLC0415 - likewise
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = _revision(connection) if sa.inspect(connection).has_table("alembic_version") else None
    if found is not None and found not in known:
        raise ControlTooNew(
            f"{path} has revision {found}; this contextd knows {HEAD}", hint="install the version of contextd that wrote it"
        )
    command.upgrade(config, HEAD)


def _revision(connection: sa.Connection) -> str | None:
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
