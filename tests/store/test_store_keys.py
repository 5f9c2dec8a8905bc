"""Keys and tokens: private files, refused when others could read them, never overwritten, never half-written."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from contextd.model.errors import InvalidInput
from contextd.store import keys, tokens
from contextd.store.keys import KeysUnavailable, SigningKey, VerifyingKey


def entropy(seed: int) -> keys.Entropy:
    return lambda count: sha256(bytes([seed])).digest()[:count]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_key_is_made_private_and_comes_back(folder: Path) -> None:
    made = keys.create_signing_key(folder, entropy(1))
    (path,) = folder.iterdir()
    assert path.name == f"ed25519-{made.short_id[-4:]}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = keys.load_signing_key(folder)
    assert loaded == made
    assert loaded.sign(b"message") == made.sign(b"message")


def test_file_modes_do_not_depend_on_the_umask(folder: Path) -> None:
    before = os.umask(0o277)
    try:
        folder.mkdir()
        folder.chmod(0o700)
        keys.create_fingerprint_key(folder, entropy(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "fingerprint").stat().st_mode) == 0o600


def test_ed25519_signatures_are_those_of_rfc_8032() -> None:
    # Section 7.1, test 2: the public key, the message 72 and its signature.
    public = VerifyingKey(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert public.verify(b"\x72", signature)
    assert not public.verify(b"\x73", signature)
    assert not public.verify(b"\x72", signature[:-1])
    assert not public.verify(b"\x72", b"")


def test_a_key_is_named_by_its_public_part(folder: Path) -> None:
    key = keys.create_signing_key(folder, entropy(1))
    assert key.key_id == f"ed25519:{sha256(key.public_key).hexdigest()}"
    assert key.key_id.startswith(key.short_id)
    assert len(key.short_id) == len("ed25519:1f77")
    assert "private" not in repr(key)


def test_public_keys_travel_as_pem(folder: Path) -> None:
    key = keys.create_signing_key(folder, entropy(1))
    public = VerifyingKey.from_pem(key.to_pem())
    assert public.public_key == key.public_key
    assert public.verify(b"message", key.sign(b"message"))
    with pytest.raises(InvalidInput):
        VerifyingKey.from_pem("nothing")
    other = X25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    with pytest.raises(InvalidInput, match="not an Ed25519"):
        VerifyingKey.from_pem(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o604])
def test_a_key_that_others_could_use_is_refused_with_its_mend(folder: Path, mode: int) -> None:
    keys.create_signing_key(folder, entropy(1))
    (path,) = folder.iterdir()
    path.chmod(mode)
    with pytest.raises(KeysUnavailable, match=f"{mode:04o}") as refused:
        keys.load_signing_key(folder)
    assert refused.value.hint == f"chmod 600 {path}"
    path.chmod(0o600)
    keys.load_signing_key(folder)


def test_a_folder_that_others_could_use_is_refused_with_its_mend(folder: Path) -> None:
    keys.create_signing_key(folder, entropy(1))
    folder.chmod(0o755)
    with pytest.raises(KeysUnavailable, match="0755") as refused:
        keys.load_signing_key(folder)
    assert refused.value.hint == f"chmod 700 {folder}"


def test_there_is_one_signing_key(folder: Path) -> None:
    with pytest.raises(KeysUnavailable, match="holds 0"):
        keys.load_signing_key(folder)
    keys.create_signing_key(folder, entropy(1))
    keys.create_signing_key(folder, entropy(2))
    with pytest.raises(KeysUnavailable, match="holds 2"):
        keys.load_signing_key(folder)


def test_what_is_no_ed25519_key_is_refused(folder: Path) -> None:
    key = keys.create_signing_key(folder, entropy(1))
    (path,) = folder.iterdir()
    other = X25519PrivateKey.from_private_bytes(bytes(32))
    for content in (
        b"",
        b"nothing",
        key.to_pem().encode(),
        other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ):
        path.write_bytes(content)
        with pytest.raises(KeysUnavailable, match="not the key that its name says"):
            keys.load_signing_key(folder)


def test_nothing_is_overwritten(folder: Path) -> None:
    made = keys.create_fingerprint_key(folder, entropy(1))
    with pytest.raises(KeysUnavailable, match="not overwritten"):
        keys.create_fingerprint_key(folder, entropy(2))
    assert keys.load_fingerprint_key(folder) == made


def test_a_failing_disk_leaves_no_half_written_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeysUnavailable, match="No space left") as told:
        keys.create_signing_key(folder, entropy(1))
    assert "ls -la" in told.value.hint
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", ["", "zz", "00", "é", "00" * 33])
def test_a_fingerprint_key_that_is_none_is_refused(folder: Path, content: str) -> None:
    keys.create_fingerprint_key(folder, entropy(1))
    (folder / "fingerprint").write_text(content, encoding="utf-8")
    with pytest.raises(KeysUnavailable, match="not the key"):
        keys.load_fingerprint_key(folder)


def test_missing_and_unreadable_files_are_told(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    with pytest.raises(KeysUnavailable, match="is missing") as told:
        keys.load_fingerprint_key(folder)
    assert "backup" in told.value.hint
    (folder / "fingerprint").mkdir()
    with pytest.raises(KeysUnavailable, match="cannot read"):
        keys.load_fingerprint_key(folder)


def test_fingerprints_are_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    assert keys.fingerprint(b"Jefe", b"what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@given(st.binary(min_size=32, max_size=32))
def test_any_token_is_one_and_is_known_by_its_hash(secret: bytes) -> None:
    token = tokens.new_token(lambda count: secret[:count])
    assert token.isascii()
    assert tokens.token_hash(token) == sha256(token.encode()).hexdigest()


@pytest.mark.parametrize(
    "token", ["", "nothing", "ctxt_short", "CTXT_" + "a" * 43, "ctxt_" + "a" * 44, "ctxt_" + "a" * 42 + "\n"]
)
def test_what_is_no_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(tokens.TokenInvalid) as refused:
        tokens.token_hash(token)
    assert not token or token not in refused.value.message


def test_a_token_is_kept_in_a_private_file_of_its_principal(folder: Path) -> None:
    token = tokens.new_token(entropy(3))
    path = tokens.write_token(folder / "tokens", "dev@example.org", token)
    assert path == folder / "tokens" / "dev@example.org"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens.read_token(path) == token
    path.chmod(0o644)
    with pytest.raises(KeysUnavailable):
        tokens.read_token(path)
    path.chmod(0o600)
    path.write_bytes(b"\xff")
    with pytest.raises(tokens.TokenInvalid, match="does not hold"):
        tokens.read_token(path)


@pytest.mark.parametrize("principal", ["../escape", "a/b", "", ".hidden", "Upper"])
def test_a_token_file_never_leaves_its_folder(folder: Path, principal: str) -> None:
    with pytest.raises(InvalidInput):
        tokens.token_path(folder, principal)


def test_a_signing_key_is_a_verifying_key(folder: Path) -> None:
    key = keys.create_signing_key(folder, entropy(1))
    assert isinstance(key, SigningKey)
    assert key.verify(b"message", key.sign(b"message"))
