"""Alembic's environment and the revisions of the control plane's tables."""
