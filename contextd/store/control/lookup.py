"""Finding a record by the beginning of its id."""

from __future__ import annotations

import sqlalchemy as sa

from contextd.model.names import id_prefix, short_id
from contextd.store.control.errors import IdAmbiguous, RecordUnknown

_AFTER_HEX = "g"


def whole_id(connection: sa.Connection, column: sa.Column[str], value: str, kind: str, what: str) -> str:
    """The one id in ``column`` that ``value`` means: a whole id of ``kind``, or a prefix of at least 8 hex digits.

    InvalidInput when it is not such an id, RecordUnknown when there is no such ``what`` (a word for people), IdAmbiguous when
    it fits more than one.
    """
    prefix = id_prefix(value, kind)
    query = sa.select(column).where(column >= prefix, column < prefix + _AFTER_HEX).distinct().order_by(column).limit(2)
    found = connection.execute(query).scalars().all()
    if not found:
        raise RecordUnknown(f"there is no {what} {value}")
    if len(found) > 1:
        raise IdAmbiguous(f"{value} fits more than one {what}: {short_id(found[0])}, {short_id(found[1])}", field="id")
    return found[0]
