"""Length-prefixed tuples: the one way in which parts are put together before they are hashed."""

from __future__ import annotations

from struct import Struct

_U64 = Struct(">Q")


def tlv(*parts: bytes | int | str) -> bytes:
    """Return ``u64be(count)``, then each part as ``u64be(length) ‖ bytes``.

    Text goes as UTF-8; a number (0 to 2^64-1) is a part of eight bytes. No two different tuples of bytes have the same form.
    """
    out = [_U64.pack(len(parts))]
    for part in parts:
        data = part.encode() if isinstance(part, str) else _U64.pack(part) if isinstance(part, int) else part
        out.append(_U64.pack(len(data)))
        out.append(data)
    return b"".join(out)
