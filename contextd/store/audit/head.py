"""Signed tree heads as C2SP checkpoints (c2sp.org/tlog-checkpoint) in signed notes (c2sp.org/signed-note).

    <origin>
    <size>
    <base64 root>

    — <origin> <base64 of key hash ‖ signature>


The key hash is the first four bytes of SHA-256(origin ‖ 0A ‖ 01 ‖ public key); the signature is Ed25519 over the first three
lines with their line ends. Any tool that reads Go's signed notes can check a head.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from contextd.model.errors import InvalidInput

_ED25519 = b"\x01"
_KEY_HASH = 4
_ROOT = 32
_DASH = "\u2014 "
_ORIGIN = re.compile(r"[!-*,-~]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Verifier(Protocol):
    """An Ed25519 public key. ``public_key`` are its 32 raw bytes."""

    @property
    def key_id(self) -> str:
        """The name of the key, for people and records."""
        ...

    @property
    def public_key(self) -> bytes:
        """The raw public key."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's over ``message``."""
        ...


class Signer(Verifier, Protocol):
    """An Ed25519 key that signs."""

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``; 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What the log was at one size: its root (32 bytes), and the signed note that says so."""

    origin: str
    size: int
    root: bytes
    note: str

    def signed_by(self, keys: Iterable[Verifier]) -> Verifier | None:
        """The key among ``keys`` that signed this head; None when none of them did."""
        text, _, signatures = self.note.partition("\n\n")
        for line in signatures.splitlines():
            blob = _signature(line, self.origin)
            for key in keys:
                if blob[:_KEY_HASH] == key_hash(self.origin, key.public_key) and key.verify(
                    (text + "\n").encode(), blob[_KEY_HASH:]
                ):
                    return key
        return None


def checked_origin(origin: str) -> str:
    """Return ``origin`` if it can name a key of a signed note: 1 to 255 printable ASCII characters, no space, no plus."""
    if not _ORIGIN.fullmatch(origin):
        raise InvalidInput(
            f"audit origin {origin!r} cannot be used: 1 to 255 printable ASCII characters without space or plus",
            hint="for example: contextd.example.org/audit",
            field="origin",
        )
    return origin


def key_hash(origin: str, public_key: bytes) -> bytes:
    """The four bytes by which a signed note names a key."""
    return sha256(origin.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_HASH]


def sign_head(origin: str, size: int, root: bytes, signer: Signer) -> TreeHead:
    """A head over the first ``size`` entries, whose Merkle tree hash is ``root``."""
    text = f"{checked_origin(origin)}\n{size}\n{b64encode(root).decode()}\n"
    blob = key_hash(origin, signer.public_key) + signer.sign(text.encode())
    return TreeHead(origin, size, root, f"{text}\n{_DASH}{origin} {b64encode(blob).decode()}\n")


def parse_head(note: str) -> TreeHead:
    """Read a head from its note; InvalidInput when it is not a checkpoint. Says nothing yet about its signature.

    Extension lines, which checkpoints may have after the root, are kept in the note.
    """
    text, blank, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not blank or not signatures.endswith("\n") or len(lines) < 3:  # noqa: PLR2004 - origin, size, root
        raise InvalidInput(
            "not a signed tree head: origin, size, root, an empty line and a signature are expected", field="note"
        )
    origin, size, encoded = lines[:3]
    try:
        root = b64decode(encoded, validate=True)
    except Base64Error:
        root = b""
    if len(root) != _ROOT or not _SIZE.fullmatch(size) or not _ORIGIN.fullmatch(origin):
        raise InvalidInput("not a signed tree head: its origin, size or root cannot be read", field="note")
    return TreeHead(origin, int(size), root, note)


def _signature(line: str, origin: str) -> bytes:
    """The bytes behind one signature line of ``origin``; empty when the line is not one."""
    prefix = f"{_DASH}{origin} "
    if not line.startswith(prefix):
        return b""
    try:
        return b64decode(line[len(prefix) :], validate=True)
    except (Base64Error, ValueError):
        return b""
