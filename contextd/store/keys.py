"""The home's keys: an Ed25519 key that signs, and a secret that fingerprints of found values are keyed with.

They are files of mode 0600 in a folder of mode 0700, and are refused where anyone else could read them. Randomness is an
argument: a function that returns as many unpredictable bytes as it is asked for.
"""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from contextd.model.errors import InvalidInput, Unavailable

Entropy = Callable[[int], bytes]

_SIGNING = "ed25519-"
_FINGERPRINT = "fingerprint"
_SECRET = 32
_SHORT = 4


class KeysUnavailable(Unavailable):
    """A key file is missing, cannot be read, is not what its name says, or others could read it."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """An Ed25519 public key (RFC 8032). ``public_key`` are its 32 raw bytes."""

    public_key: bytes

    @property
    def key_id(self) -> str:
        """``ed25519:`` and the SHA-256 of the raw public key in hex."""
        return f"ed25519:{sha256(self.public_key).hexdigest()}"

    @property
    def short_id(self) -> str:
        """The form people read: ``ed25519:`` and four hex digits."""
        return self.key_id[: len("ed25519:") + _SHORT]

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (64 bytes) is this key's over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def to_pem(self) -> str:
        """The public key as others take it: SubjectPublicKeyInfo in PEM."""
        key = Ed25519PublicKey.from_public_bytes(self.public_key)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @classmethod
    def from_pem(cls, text: str) -> VerifyingKey:
        """Read a public key; InvalidInput when it is not an Ed25519 one."""
        try:
            key = load_pem_public_key(text.encode())
        except ValueError as error:
            raise InvalidInput("not a public key in PEM", field="key") from error
        if not isinstance(key, Ed25519PublicKey):
            raise InvalidInput("not an Ed25519 public key", field="key")
        return cls(key.public_bytes_raw())


@dataclass(frozen=True, slots=True)
class SigningKey(VerifyingKey):
    """An Ed25519 key pair. Its secret part is never shown."""

    private: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``; 64 bytes, the same each time."""
        return self.private.sign(message)


def create_signing_key(folder: Path, entropy: Entropy) -> SigningKey:
    """Make a signing key in ``folder`` (made 0700 if it is not there), as ``ed25519-<4 hex>`` in PEM (PKCS #8)."""
    key = _pair(Ed25519PrivateKey.from_private_bytes(entropy(_SECRET)))
    name = key.short_id.replace(":", "-")
    write_secret(folder / name, key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_signing_key(folder: Path) -> SigningKey:
    """The signing key in ``folder``; KeysUnavailable when there is not exactly one, or it is not kept to oneself."""
    found = sorted(path for path in folder.glob(f"{_SIGNING}*") if path.is_file())
    if len(found) != 1:
        raise KeysUnavailable(
            f"{folder} holds {len(found)} signing keys, one is needed",
            hint=f"restore {folder} from a backup" if not found else f"keep one of: {' '.join(path.name for path in found)}",
        )
    data = read_secret(found[0])
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise _not_a_key(found[0]) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key(found[0])
    return _pair(key)


def create_fingerprint_key(folder: Path, entropy: Entropy) -> bytes:
    """Make the key of the home's fingerprints in ``folder`` (32 bytes, kept in hex) and return it."""
    key = entropy(_SECRET)
    write_secret(folder / _FINGERPRINT, key.hex().encode() + b"\n")
    return key


def load_fingerprint_key(folder: Path) -> bytes:
    """The key of the home's fingerprints; KeysUnavailable when it is not there, not 32 bytes, or not kept to oneself."""
    path = folder / _FINGERPRINT
    try:
        key = bytes.fromhex(read_secret(path).decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _SECRET:
        raise _not_a_key(path)
    return key


def fingerprint(key: bytes, value: bytes) -> str:
    """HMAC-SHA-256 (RFC 2104) of a found value in lowercase hex: tells two apart, tells nothing without the key."""
    return hmac.digest(key, value, "sha256").hex()


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file of mode 0600, durably, in a folder that is made 0700 if it is not there.

    KeysUnavailable when there is such a file already, which stays as it is, or when it cannot be written, and none is left.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except OSError:
            path.unlink()
            raise
    except FileExistsError as error:
        raise KeysUnavailable(f"{path} is there already and is not overwritten", hint=f"move it away: {path}") from error
    except OSError as error:
        raise KeysUnavailable(
            f"cannot write {path}: {error.strerror}", hint=f"check its folder: ls -la {path.parent}"
        ) from error


def read_secret(path: Path) -> bytes:
    """The bytes of a file that only its owner may read, in a folder of the same kind; KeysUnavailable otherwise."""
    try:
        with path.open("rb") as file:
            modes = ((path.parent, path.parent.stat().st_mode, 0o700), (path, os.fstat(file.fileno()).st_mode, 0o600))
            for place, mode, wanted in modes:
                if stat.S_IMODE(mode) & 0o077:
                    raise KeysUnavailable(
                        f"{place} is {stat.S_IMODE(mode):04o}: others on this machine could use it",
                        hint=f"chmod {wanted:o} {place}",
                    )
            return file.read()
    except FileNotFoundError as error:
        raise KeysUnavailable(f"{path} is missing", hint=f"restore {path} from a backup") from error
    except OSError as error:
        raise KeysUnavailable(f"cannot read {path}: {error.strerror}", hint=f"check that it is yours: ls -la {path}") from error


def _pair(private: Ed25519PrivateKey) -> SigningKey:
    return SigningKey(public_key=private.public_key().public_bytes_raw(), private=private)


def _not_a_key(path: Path) -> KeysUnavailable:
    return KeysUnavailable(f"{path} is not the key that its name says", hint=f"restore {path} from a backup")
