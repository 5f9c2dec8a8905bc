"""contextd: the governed context plane for AI-assisted engineering."""

__version__ = "0.1.0"
