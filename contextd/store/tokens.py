"""Bearer tokens: made once, handed over as a file, and known to the control plane by their hash only."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from contextd.model.errors import InvalidInput
from contextd.model.names import checked_principal
from contextd.store.keys import Entropy, read_secret, write_secret

_PREFIX = "ctxt_"
_SECRET = 32
_FORM = re.compile(_PREFIX + r"[A-Za-z0-9_-]{43}")


class TokenInvalid(InvalidInput):
    """What was given is not a token of this product."""


def new_token(entropy: Entropy) -> str:
    """A token of 256 bits: ``ctxt_`` and 43 characters of base64url (RFC 4648). ``entropy`` gives unpredictable bytes."""
    return _PREFIX + urlsafe_b64encode(entropy(_SECRET)).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    """What is kept of a token: its SHA-256 in lowercase hex, enough because tokens are random.

    TokenInvalid for anything that is not one.
    """
    if not _FORM.fullmatch(token):
        raise TokenInvalid("this is not a contextd token", hint="contextd token create PRINCIPAL", field="token")
    return sha256(token.encode()).hexdigest()


def token_path(folder: Path, principal: str) -> Path:
    """Where the token of ``principal`` lies in ``folder`` (``keys/tokens``): its name, percent-encoded."""
    return folder / quote(checked_principal(principal), safe="@")


def write_token(folder: Path, principal: str, token: str) -> Path:
    """Keep a token in a new file of mode 0600 and return its path. KeysUnavailable when there is one already."""
    path = token_path(folder, principal)
    write_secret(path, token.encode() + b"\n")
    return path


def read_token(path: Path) -> str:
    """The token in a file.

    KeysUnavailable when it is missing or others can read it, TokenInvalid when it holds something else.
    """
    token = read_secret(path).decode("utf-8", errors="replace").strip()
    if not _FORM.fullmatch(token):
        raise TokenInvalid(f"{path} does not hold a contextd token", hint="contextd token create PRINCIPAL", field="token")
    return token
