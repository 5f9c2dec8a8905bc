"""Snapshot identity: pure functions from documents to an id."""
