"""The terms of many texts at once: ``tokens`` over whole buffers with numpy, tens of megabytes a second.

Texts are folded, joined, and classified byte by byte; a table over (class before, class, class after) marks where parts begin
and words stop; parts are hashed eight bytes at a time, little-endian, from one unaligned view.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contextd.index import tokens

U64 = NDArray[np.uint64]
Index = NDArray[np.intp]

ORDINAL_BITS = 64 - tokens.KEY_BITS
_MAX_JOIN = 2
_OTHER, _JOIN, _DIGIT, _LOWER, _UPPER = range(5)


def _classes() -> bytes:
    table = bytearray(256)
    for byte in range(256):
        char = chr(byte)
        if byte >= tokens.HIGH or "a" <= char <= "z":
            table[byte] = _LOWER
        elif "A" <= char <= "Z":
            table[byte] = _UPPER
        elif "0" <= char <= "9":
            table[byte] = _DIGIT
        elif char == "_":
            table[byte] = _JOIN
    return bytes(table)


def _events() -> bytes:
    """Tabulate 25·before + 5·here + after: 1 where a part starts, 2 where the byte before was the last of a part."""
    table = bytearray(256)
    for before in range(5):
        for here in range(5):
            for after in range(5):
                if here < _DIGIT:
                    event = 2 if before >= _DIGIT else 0
                else:
                    capital = here == _UPPER and (before == _LOWER or (before == _UPPER and after == _LOWER))
                    event = int(before < _DIGIT or (before == _DIGIT) != (here == _DIGIT) or capital)
                table[25 * before + 5 * here + after] = event
    return bytes(table)


_CLASSES = _classes()
_EVENTS = _events()
_KEEP = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)
_PLACES = np.array([pow(tokens.PLACE, n + 1, 1 << 64) for n in range(tokens.MAX_WORD)], dtype=np.uint64)
_STOPS = np.array(sorted(int.from_bytes(word, "little") for word in tokens.STOP_WORDS), dtype=np.uint64)
_CONSONANT = np.isin(np.arange(256), list(tokens.CONSONANTS))
_VOWEL = np.isin(np.arange(256), list(tokens.VOWELS))


def _slot(words: U64) -> U64:
    return (words * np.uint64(tokens.LENGTH)) >> np.uint64(52)


_MAYBE_STOP = np.zeros(1 << 12, dtype=bool)
_MAYBE_STOP[_slot(_STOPS)] = True


def occurrences(texts: Sequence[bytes], first_ordinal: int = 0) -> U64:
    """Return one ``key << 16 | ordinal`` for each occurrence of a term, in no order.

    Args:
        texts: UTF-8.
        first_ordinal: ordinal of the first text, those of the others follow; all must stay below 65,536.
    """
    folded = [tokens.fold(text) for text in texts]
    joined = b"".join((bytes(tokens.ROUND_BYTES), b"\n".join(folded), b"\n", bytes(2 * tokens.ROUND_BYTES)))
    offsets = np.cumsum([tokens.ROUND_BYTES, *(len(text) + 1 for text in folded)], dtype=np.intp)
    starts, ends, classes = _parts(joined)
    if not len(starts):
        return np.empty(0, dtype=np.uint64)
    low = joined.lower()
    view: U64 = np.ndarray((len(low) - 7,), dtype="<u8", buffer=low, strides=(1,))

    gap = starts[1:] - ends[:-1]
    joins = (gap <= _MAX_JOIN) & (classes[ends[:-1]] == _JOIN) & (classes[starts[1:] - 1] == _JOIN)
    heads = np.concatenate(([0], np.flatnonzero((gap > 0) & ~joins) + 1))
    counts = np.diff(heads, append=len(starts))
    spans = ends[heads + counts - 1] - starts[heads]
    sound = spans <= tokens.MAX_WORD

    lengths = ends - starts
    several = np.flatnonzero(sound & (counts > 1))
    wholes = _wholes(view, starts, lengths, heads[several], counts[several])
    plain = sound & ~((counts > tokens.MANY_PARTS) & (spans < tokens.MIN_STEM * counts))
    chosen = np.flatnonzero(np.repeat(plain, counts) & (lengths > 1))
    own_starts, own_lengths = starts[chosen], lengths[chosen]
    wanted = ~_stops(view[own_starts] & _KEEP.take(own_lengths, mode="clip"))
    own_starts, own_lengths = own_starts[wanted], own_lengths[wanted]
    keys = _hash(view, own_starts, _stem_lengths(view, own_starts, own_lengths))

    return np.concatenate(
        (_label(keys, own_starts, offsets, first_ordinal), _label(wholes, starts[heads[several]], offsets, first_ordinal))
    )


def _parts(joined: bytes) -> tuple[Index, Index, NDArray[np.uint8]]:
    """Return where parts start, where they end (half-open), and the class of each byte."""
    classes = np.frombuffer(joined.translate(_CLASSES), dtype=np.uint8)
    window = classes[1:-1] * np.uint8(5)
    window += classes[2:]
    window += classes[:-2] * np.uint8(25)
    kinds = np.frombuffer(window.tobytes().translate(_EVENTS), dtype=np.uint8)
    events = np.flatnonzero(kinds)
    begins = np.flatnonzero(kinds[events] == 1)
    return events[begins] + 1, events[begins + 1] + 1, classes


def _label(keys: U64, starts: Index, offsets: Index, first_ordinal: int) -> U64:
    """Put the ordinal of the text in which each key starts into its lower 16 bits."""
    per_text = np.diff(np.searchsorted(starts, offsets))
    ordinals = np.repeat(np.arange(first_ordinal, first_ordinal + len(per_text), dtype=np.uint64), per_text)
    ordinals |= keys & ~np.uint64((1 << ORDINAL_BITS) - 1)
    return ordinals


def _hash(view: U64, starts: Index, lengths: Index) -> U64:
    value = lengths.astype(np.uint64)
    value *= np.uint64(tokens.LENGTH)
    value ^= view[starts] & _KEEP.take(lengths, mode="clip")
    value *= np.uint64(tokens.ROUND)
    value ^= value >> np.uint64(32)
    done = tokens.ROUND_BYTES
    rest = np.flatnonzero(lengths > done)
    while len(rest):
        more = value[rest] ^ (view[starts[rest] + done] & _KEEP.take(lengths[rest] - done, mode="clip"))
        more *= np.uint64(tokens.ROUND)
        value[rest] = more ^ (more >> np.uint64(32))
        done += tokens.ROUND_BYTES
        rest = rest[lengths[rest] > done]
    return _finish(value)


def _finish(value: U64) -> U64:
    value ^= value >> np.uint64(29)
    value *= np.uint64(tokens.FINISH)
    value ^= value >> np.uint64(32)
    return value


def _wholes(view: U64, starts: Index, lengths: Index, heads: Index, counts: Index) -> U64:
    """Return the full hashes of words of several parts, given the first part and the number of parts of each."""
    if not len(heads):
        return np.empty(0, dtype=np.uint64)
    begins = np.cumsum(counts) - counts
    places = np.arange(begins[-1] + counts[-1]) - np.repeat(begins, counts)
    parts = places + np.repeat(heads, counts)
    return _finish(np.add.reduceat(_hash(view, starts[parts], lengths[parts]) * _PLACES[places], begins))


def _stops(words: U64) -> NDArray[np.bool_]:
    """Say which zero-padded first eight bytes of a part are a whole stop word (all stop words are shorter)."""
    stop = _MAYBE_STOP[_slot(words)]
    maybe = np.flatnonzero(stop)
    stop[maybe] = _STOPS.take(np.searchsorted(_STOPS, words[maybe]), mode="clip") == words[maybe]
    return stop


class _Tails:
    """The last eight bytes of each part as it is cut: the part's last byte is the highest."""

    def __init__(self, view: U64, starts: Index, lengths: Index) -> None:
        self._view, self._starts = view, starts
        self.lengths = lengths
        self.bytes8 = view[starts + lengths - 8]

    def ending(self, suffix: bytes, among: Index, rest: int = 0) -> Index:
        """Return those of ``among`` that end in ``suffix`` with at least ``rest`` bytes before it."""
        size = len(suffix)
        wanted = np.uint64(int.from_bytes(suffix, "little"))
        found: Index = among[(self.bytes8[among] >> np.uint64(64 - 8 * size)) == wanted]
        long: Index = found[self.lengths[found] >= size + rest]
        return long

    def last(self, back: int, among: Index | slice = slice(None)) -> NDArray[np.uint8]:
        """Return the byte ``back`` places before the end (0 is the last one)."""
        shifted: U64 = self.bytes8[among] >> np.uint64(56 - 8 * back)
        return shifted.astype(np.uint8)

    def cut(self, among: Index, size: int) -> None:
        self.lengths[among] -= size
        self.bytes8[among] = self._view[self._starts[among] + self.lengths[among] - 8]

    def voiced(self, among: Index, size: int) -> Index:
        """Return those with a vowel among the last five bytes, but three at least, that are left when ``size`` are cut."""
        rest = self.lengths[among] - size
        among, rest = among[rest >= tokens.MIN_STEM], rest[rest >= tokens.MIN_STEM]
        vowel = np.zeros(len(among), dtype=bool)
        for back in range(5):
            vowel |= _VOWEL[self.last(size + back, among)] & (rest > back)
        return among[vowel]


def _without(among: Index, gone: Index) -> Index:
    return np.setdiff1d(among, gone, assume_unique=True)


def _stem_lengths(view: U64, starts: Index, lengths: Index) -> Index:
    """Return ``tokens.stem_length`` of each part, rule by rule in the same order."""
    long = np.flatnonzero(lengths > tokens.MIN_STEM)
    tails = _Tails(view, starts[long], lengths[long])

    plural = np.flatnonzero(tails.last(0) == ord("s"))
    ies, sses = tails.ending(b"ies", plural, tokens.MIN_STEM), tails.ending(b"sses", plural)
    kept = np.concatenate([tails.ending(suffix, plural) for suffix in (b"ss", b"us", b"is")])
    tails.cut(_without(plural, np.concatenate((ies, sses, kept))), 1)
    tails.cut(ies, 3)
    tails.cut(sses, 2)

    last = tails.last(0)
    ing, past = tails.ending(b"ing", np.flatnonzero(last == ord("g"))), tails.ending(b"ed", np.flatnonzero(last == ord("d")))
    ied = tails.ending(b"ied", past, tokens.MIN_STEM)
    plain = _without(past, np.concatenate((tails.ending(b"ied", past), tails.ending(b"eed", past))))
    ing, plain = tails.voiced(ing, 3), tails.voiced(plain, 2)
    tails.cut(ing, 3)
    tails.cut(ied, 3)
    tails.cut(plain, 2)

    last = tails.last(0)
    for suffix, rest, before in tokens.DERIVED:
        found = tails.ending(suffix, np.flatnonzero(last == suffix[-1]), rest)
        if before:
            found = found[np.isin(tails.last(len(suffix), found), list(before))]
        tails.cut(found, len(suffix))

    last = tails.last(0)
    final = np.flatnonzero((last == ord("e")) | (last == ord("y")))
    tails.cut(final[tails.lengths[final] > tokens.MIN_STEM], 1)
    tails.cut(tails.ending(b"at", np.flatnonzero(tails.last(0) == ord("t")), tokens.MIN_STEM + 2), 2)
    last = tails.last(0)
    twin = np.flatnonzero((last == tails.last(1)) & _CONSONANT[last] & (tails.lengths > tokens.MIN_STEM))
    tails.cut(twin, 1)

    stems = lengths.copy()
    stems[long] = tails.lengths
    return stems
