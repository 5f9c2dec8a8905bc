"""Names that people choose, and the short forms of ids."""

from __future__ import annotations

import re

from contextd.model.errors import InvalidInput

_NAME = re.compile(r"[a-z][a-z0-9-]{1,62}\Z")
_PRINCIPAL = re.compile(r"[a-z0-9][a-z0-9._@-]{1,253}\Z")
_ID = re.compile(r"[a-z]+[0-9]+:[0-9a-f]{64}\Z")
_SHORT_HEX = 12
_MIN_PREFIX = 8


def checked_name(value: str, field: str = "name") -> str:
    """Return ``value`` if it is a name ``[a-z][a-z0-9-]{1,62}``; InvalidInput otherwise."""
    if not _NAME.match(value):
        raise InvalidInput(
            f"{field} {value!r} is not a name: 2 to 63 of a-z, 0-9 and -, starting with a letter",
            hint="for example: payments, admin-ui",
            field=field,
        )
    return value


def checked_principal(value: str) -> str:
    """Return ``value`` if it is a principal ``[a-z0-9][a-z0-9._@-]{1,253}``; InvalidInput otherwise."""
    if not _PRINCIPAL.match(value):
        raise InvalidInput(
            f"principal {value!r} is not a principal: 2 to 254 of a-z, 0-9, . _ @ and -, starting with a letter or digit",
            hint="for example: dev@example.org, team-payments",
            field="principal",
        )
    return value


def is_id(value: str) -> bool:
    """Whether ``value`` is a whole id, ``kind+version:64 hex``."""
    return bool(_ID.match(value))


def short_id(value: str) -> str:
    """Return the form people read: the kind and 12 hex digits. Anything that is not an id is returned as it is."""
    if not is_id(value):
        return value
    kind, _, digits = value.partition(":")
    return f"{kind}:{digits[:_SHORT_HEX]}"


def id_prefix(value: str, kind: str) -> str:
    """Return ``kind:hex…`` to look up from what a person typed: a whole id, or a prefix of at least 8 hex digits.

    The kind may be left out (``c07d5b1e``). InvalidInput when it is too short, not hex, or of another kind.
    """
    given, sep, digits = value.partition(":")
    if not sep:
        given, digits = kind, value
    if given != kind or not re.fullmatch(r"[0-9a-f]{1,64}", digits):
        raise InvalidInput(f"{value!r} is not an id of the form {kind}:<hex>", field="id")
    if len(digits) < _MIN_PREFIX:
        raise InvalidInput(f"{value!r} is too short: give at least {_MIN_PREFIX} hex digits", field="id")
    return f"{kind}:{digits}"
