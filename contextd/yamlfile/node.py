"""Values of a file, where they stand, and how they are read field by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from contextd.model.errors import InvalidInput
from contextd.model.names import checked_name, checked_principal

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
Plain = str | None | list["Plain"] | dict[str, "Plain"]
"""A parsed file without its places: what the digest of a bundle is taken over."""

_DURATION = re.compile(r"(0|[1-9][0-9]{0,5})([smhd])\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(0|[1-9][0-9]{0,5})(B|KiB|MiB|GiB)\Z", re.ASCII)
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,17})\Z", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?\Z", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII
)
_NOT_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def parse_duration(text: str) -> timedelta:
    """Return the time that ``30s``, ``90m``, ``12h`` or ``30d`` names; ValueError for anything else."""
    if not (match := _DURATION.match(text)):
        raise ValueError(f"{text!r} is not a duration; write 90m, 12h or 30d")
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def parse_size(text: str) -> int:
    """Return the bytes that ``512B``, ``64KiB``, ``1MiB`` or ``1GiB`` names; ValueError for anything else."""
    if not (match := _SIZE.match(text)):
        raise ValueError(f"{text!r} is not a size; write 64KiB or 1MiB")
    return int(match[1]) * _BYTES[match[2]]


class Absent:
    """Marks the value of a key that was not given."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of a file and where it stands.

    ``value`` is text, a dict by key, a list, None for a null, or Absent for a key that was not given. All nodes of a file
    share the list ``problems``. Each reading method returns what was asked for; where the value does not fit it notes
    ``file:line: what; mend`` and returns the default, so that one pass finds everything. An absent value is the default
    and no problem: ``mapping`` has already said which required keys lack.
    """

    file: str
    line: int
    label: str
    value: str | Mapping[str, Node] | list[Node] | Absent | None
    problems: list[str]

    @property
    def given(self) -> bool:
        """Whether the key was written at all, a null included."""
        return not isinstance(self.value, Absent)

    @property
    def null(self) -> bool:
        """Whether the value is null: nothing, ``~`` or ``null``."""
        return self.value is None

    def problem(self, what: str) -> None:
        """Note a problem at this place; ``what`` says what is wrong and, after a semicolon, how to mend it."""
        self.problems.append(f"{self.file}:{self.line}: {what}")

    def plain(self) -> Plain:
        """The value without places: text, None, lists and dicts."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return None if isinstance(self.value, Absent) else self.value

    def mapping(self, known: Collection[str], required: Collection[str] = ()) -> Fields:
        """Read a mapping with the keys ``known``, of which ``required`` must be given and not be null."""
        fields = dict(self.entries())
        for key, node in fields.items():
            if key not in known:
                near = get_close_matches(key, sorted(known), n=1)
                node.problem(
                    f"unknown key {key}; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}")
                )
        if isinstance(self.value, Mapping):
            for key in sorted(required):
                if key not in fields:
                    self.problem(f"{self.label} lacks {key}; add {key}: …")
                elif fields[key].null:
                    fields[key].problem(f"{key} is empty; give it a value")
        return Fields(self, {key: node for key, node in fields.items() if key in known and not (node.null and key in required)})

    def document(self, schema: str, known: Collection[str], required: Collection[str] = ()) -> Fields:
        """Read the whole file: a mapping that begins with ``schema: contextd.dev/<schema>``."""
        fields = self.mapping({"schema", *known}, {"schema", *required})
        expected = f"contextd.dev/{schema}"
        given = fields["schema"]
        if given.given and given.value != expected:
            given.problem(f"schema is not one that this version reads; write schema: {expected}")
        return fields

    def entries(self) -> list[tuple[str, Node]]:
        """Read a mapping whose keys are free: key and value in the order of the file."""
        if isinstance(self.value, Mapping):
            return list(self.value.items())
        self._misfit("a mapping; write key: value pairs")
        return []

    def items(self, *, empty: bool = False) -> list[Node]:
        """Read a list; ``empty`` says whether it may have no items."""
        if isinstance(self.value, list):
            if not self.value and not empty:
                self.problem(f"{self.label} is empty; name at least one or leave it out")
            return self.value
        self._misfit("a list; write [one, two]")
        return []

    def text(self, default: str = "") -> str:
        """Read text of at least one visible character."""
        if isinstance(self.value, str):
            if self.value.strip():
                return self.value
            self.problem(f"{self.label} is empty; give it a text")
        else:
            self._misfit("text; write a single value")
        return default

    def name(self, default: str = "") -> str:
        """Read a name, ``[a-z][a-z0-9-]{1,62}``."""
        text = self.text()
        try:
            return checked_name(text, self.label) if text else default
        except InvalidInput as error:
            return self._refuse(error.message, f"write {error.hint}", default)

    def principal(self, default: str = "") -> str:
        """Read a principal, ``[a-z0-9][a-z0-9._@-]{1,253}``."""
        text = self.text()
        try:
            return checked_principal(text) if text else default
        except InvalidInput as error:
            return self._refuse(f"{self.label}: {error.message}", f"write {error.hint}", default)

    def strings(self, *, empty: bool = False) -> tuple[str, ...]:
        """Read a list of texts; a single text is not a list. Items that do not fit are noted and left out."""
        return tuple(text for node in self.items(empty=empty) if (text := node.text()))

    def integer(self, low: int, high: int, default: int = 0) -> int:
        """Read a decimal integer between ``low`` and ``high``, both included."""
        text = self.text()
        if text and not (_INTEGER.match(text) and low <= int(text) <= high):
            return self._refuse(f"{self.label} is {text!r}", f"write a whole number from {low} to {high}", default)
        return int(text) if text else default

    def integers(self, low: int, high: int) -> tuple[int, ...]:
        """Read a list of integers between ``low`` and ``high``, each once, in order."""
        found = [node.integer(low, high, low - 1) for node in self.items()]
        return tuple(sorted({number for number in found if number >= low}))

    def number(self, low: float, high: float, default: float = 0.0) -> float:
        """Read a decimal number between ``low`` and ``high``, both included."""
        text = self.text()
        if text and not (_NUMBER.match(text) and low <= float(text) <= high):
            return self._refuse(f"{self.label} is {text!r}", f"write a number from {low} to {high}", default)
        return float(text) if text else default

    def boolean(self, *, default: bool = False) -> bool:
        """Read ``true`` or ``false``; yes, no, on and off are refused."""
        text = self.text()
        if not text or text in {"true", "false"}:
            return text == "true" if text else default
        return self._refuse(f"{self.label} is {text!r}", f"write {_NOT_BOOLEANS.get(text.lower(), 'true or false')}", default)

    def duration(self, default: timedelta = timedelta(0)) -> timedelta:
        """Read a duration longer than nothing: ``90m``, ``12h``, ``30d``."""
        if not (text := self.text()):
            return default
        try:
            found = parse_duration(text)
        except ValueError as error:
            return self._refuse(self.label, str(error), default)
        return found or self._refuse(f"{self.label} is no time at all", "write 90m, 12h or 30d", default)

    def size(self, default: int = 0) -> int:
        """Read a size of at least one byte: ``64KiB``, ``1MiB``."""
        if not (text := self.text()):
            return default
        try:
            found = parse_size(text)
        except ValueError as error:
            return self._refuse(self.label, str(error), default)
        return found or self._refuse(f"{self.label} is nothing at all", "write 64KiB or 1MiB", default)

    def date(self, default: date | None = None) -> date | None:
        """Read a calendar date, ``2027-01-31``."""
        if not (text := self.text()):
            return default
        try:
            return date.fromisoformat(text if _DATE.match(text) else "")
        except ValueError:
            return self._refuse(f"{self.label} is {text!r}, which is not a date", "write year-month-day: 2027-01-31", default)

    def instant(self) -> datetime | None:
        """Read an instant (RFC 3339 with its zone) or a date, which is its midnight in UTC; returned in UTC."""
        if not (text := self.text()):
            return None
        whole = f"{text}T00:00:00Z" if _DATE.match(text) else text
        try:
            return datetime.fromisoformat(whole if _INSTANT.match(whole) else "").astimezone(UTC)
        except (ValueError, OverflowError):
            return self._refuse(
                f"{self.label} is {text!r}, which is no instant", "write 2027-01-31 or 2027-01-31T12:00:00Z", None
            )

    def choice(self, kinds: type[E], default: E) -> E:
        """Read one of the values of an enumeration."""
        found = self.one_of([kind.value for kind in kinds])
        return kinds(found) if found else default

    def one_of(self, known: Collection[str], default: str = "") -> str:
        """Read one of the texts ``known``."""
        text = self.text()
        if not text or text in known:
            return text or default
        near = get_close_matches(text, known, n=1)
        mend = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        return self._refuse(f"{self.label} is {text!r}", mend, default)

    def some_of(self, known: Collection[str]) -> tuple[str, ...]:
        """Read a list of texts out of ``known``, in the order of the file."""
        return tuple(dict.fromkeys(text for node in self.items() if (text := node.one_of(known))))

    def _misfit(self, wanted: str) -> None:
        if self.given:
            kind = "text" if isinstance(self.value, str) else "a list" if isinstance(self.value, list) else "a mapping"
            kind = "empty" if self.null else kind
            self.problem(f"{self.label} is {kind}, not {wanted}")

    def _refuse(self, what: str, mend: str, default: T) -> T:
        self.problem(f"{what}; {mend}")
        return default


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """The known keys of one mapping. A key that was not given reads as an absent node: its default, and no problem."""

    node: Node
    given: Mapping[str, Node]

    def __getitem__(self, key: str) -> Node:
        """The value of ``key``, or an absent node at the line of the mapping."""
        return self.given.get(key) or Node(self.node.file, self.node.line, key, ABSENT, self.node.problems)

    def __contains__(self, key: str) -> bool:
        """Whether ``key`` was given."""
        return key in self.given
