"""The evidence plane: an append-only RFC 6962 log."""
