"""The content plane: one SQLite file a source."""
