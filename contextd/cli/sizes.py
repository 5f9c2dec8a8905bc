"""Sizes as people read them."""

from __future__ import annotations

_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEP = 1000


def many(count: int, noun: str) -> str:
    """``1 file``, ``2,400 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int) -> str:
    """``412 B``, ``2.1 KB``, ``21.8 MB``: decimal units, one digit behind the point."""
    value = float(count)
    for unit in _UNITS[:-1]:
        if value < _STEP:
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    return f"{value:.1f} {_UNITS[-1]}"
