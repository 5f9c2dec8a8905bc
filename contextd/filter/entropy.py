"""Shannon entropy of a short text."""

from __future__ import annotations

import math
from collections import Counter


def shannon(text: bytes) -> float:
    """Entropy of the characters of ``text`` in bits a character: 0 for an empty or uniform text, at most log2 of its length.

    Bytes that are not UTF-8 count as one character each. (C. E. Shannon, A Mathematical Theory of Communication, 1948.)
    """
    if not text:
        return 0.0
    characters: bytes | str = text if text.isascii() else text.decode("utf-8", "surrogateescape")
    total = len(characters)
    counts = Counter(characters).values()
    return math.log2(total) - math.fsum(count * math.log2(count) for count in counts) / total
