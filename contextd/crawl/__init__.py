"""Listing and reading registered sources."""
