"""Alembic's environment: the revisions run within the caller's transaction, on the caller's connection."""

from alembic import context

from contextd.store.control.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
