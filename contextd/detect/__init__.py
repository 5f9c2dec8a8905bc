"""Freshness, package and drift detectors: pure functions from a snapshot and its history to findings."""
