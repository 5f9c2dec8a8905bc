"""Masked BM25 search over immutable segments."""
