"""One ticket of a JSON Lines export, as a Markdown document.

The usual names of trackers are understood (title, summary; body, description; labels, tags; comments; Jira's ``fields``), and
whatever is left is listed as it stands: every scalar of the record is somewhere in the document. The same record always gives
the same text; numbers are kept as they were written.

Source: RFC 8259; JSON Lines (jsonlines.org).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import quote

_TITLE = ("title", "summary", "subject")
_BODY = ("body", "description", "text", "content")
_FACTS = {
    "status": ("status", "state"),
    "created": ("created", "created_at", "createdAt", "opened_at"),
    "updated": ("updated", "updated_at", "updatedAt", "modified_at"),
    "closed": ("closed", "closed_at", "closedAt", "resolved", "resolved_at", "resolutiondate"),
    "due": ("due", "due_date", "duedate"),
}
_LABELS = ("labels", "tags")
_COMMENTS = ("comments", "comment", "notes")
_AUTHOR = ("author", "user", "by", "from")
_WHEN = ("created", "created_at", "createdAt", "date", "at", "time", "updated", "updated_at")
_NAMES = ("name", "login", "displayName", "display_name", "label", "value", "email")
_DEEPEST = 100
_LONGEST_ID = 255
_BREAKS = re.compile(r"\r\n?")
_BLANKS = re.compile(r"[\t-\r ]+")


class BadRecord(Exception):
    """A line is not a ticket; says what it is instead."""


def parse_record(line: bytes) -> dict[str, Any]:
    """The JSON object of one line; numbers stay strings as written. BadRecord when it is anything else."""
    try:
        record = json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise BadRecord(f"is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise BadRecord(f"is not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise BadRecord(f"nests deeper than {_DEEPEST}") from error
    if not isinstance(record, dict):
        raise BadRecord(f"is not a JSON object but {'an array' if isinstance(record, list) else 'a single value'}")
    return record


def record_id(record: dict[str, Any]) -> str:
    """The ticket's id: ``key`` where there is one (PAY-104), else ``id``; BadRecord when there is neither."""
    return _one_line(record[_id_field(record)])


def document_path(identity: str) -> bytes:
    """``<id>.ticket.md``; all but letters, digits and ``-._~`` percent-encoded, so that no two ids share a path."""
    try:
        name = quote(identity, safe="").encode("ascii")
    except UnicodeEncodeError as error:
        raise BadRecord("has an id that is not Unicode text") from error
    if len(name) > _LONGEST_ID:
        raise BadRecord(f"has an id longer than {_LONGEST_ID} bytes")
    return name + b".ticket.md"


def render(record: dict[str, Any]) -> bytes:
    """The document as UTF-8: title, facts, labels, body, comments, then every other field, sorted. Takes ``record`` apart."""
    identity = _one_line(record.pop(_id_field(record)))
    nested = record.get("fields")
    places = [record, nested] if isinstance(nested, dict) else [record]
    title = _one_line(_taken(places, _TITLE))
    parts = [f"# {identity}: {title}" if title else f"# {identity}"]
    facts = [f"- {name}: {_one_line(text)}" for name, fields in _FACTS.items() if (text := _taken(places, fields))]
    if labels := _labels(places):
        facts.append(f"- labels: {', '.join(labels)}")
    if facts:
        parts.append("\n".join(facts))
    if body := _taken(places, _BODY):
        parts.append(f"## Description\n\n{body}")
    parts.extend(_comments(places))
    parts.extend(_rest(record))
    text = "\n\n".join(_BREAKS.sub("\n", part).strip("\n") for part in parts) + "\n"
    return text.encode("utf-8", "replace")


def _id_field(record: dict[str, Any]) -> str:
    for name in ("key", "id"):
        if isinstance(value := record.get(name), str) and _one_line(value):
            return name
    raise BadRecord("has no id: it needs a field id or key that is a word or a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRecord(f"gives the field {twice!r} twice")
    return record


def _no_constant(name: str) -> NoReturn:
    raise BadRecord(f"is not JSON: {name} is no number there")


def _text(value: object) -> str:
    """A scalar as text; empty for null and for anything that is not a scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    return _BLANKS.sub(" ", text).strip(" ")


def _taken(places: list[dict[str, Any]], names: tuple[str, ...]) -> str:
    """Take the first of the named fields that says something, out of the first place that has it."""
    for place in places:
        for name in names:
            value = place.get(name)
            if text := _text(value):
                del place[name]
                return text
            if isinstance(value, dict) and (text := _taken([value], _NAMES)):
                return text
    return ""


def _labels(places: list[dict[str, Any]]) -> list[str]:
    """Take labels given as words or as objects with a name; what else such an object says stays where it is."""
    for place in places:
        for name in _LABELS:
            if isinstance(value := place.get(name), list) and value:
                shown = [_text(item) or (_taken([item], _NAMES) if isinstance(item, dict) else "") for item in value]
                place[name] = [None if _text(item) else item for item in value]
                return [_one_line(label) for label in shown if label]
    return []


def _comments(places: list[dict[str, Any]]) -> Iterator[str]:
    for place in places:
        for name in _COMMENTS:
            value = place.get(name)
            comments = value.get("comments") if isinstance(value, dict) else value
            if not isinstance(comments, list) or not comments:
                continue
            yield "## Comments"
            for index, comment in enumerate(comments):
                if isinstance(comment, dict):
                    heading = ", ".join(_one_line(text) for names in (_AUTHOR, _WHEN) if (text := _taken([comment], names)))
                    yield f"### {heading or f'Comment {index + 1}'}\n\n{_taken([comment], _BODY)}"
                elif text := _text(comment):
                    comments[index] = None
                    yield f"### Comment {index + 1}\n\n{text}"
            return


def _rest(record: dict[str, Any]) -> Iterator[str]:
    """Every scalar that is left: those of one line as ``path: value``, the others under a heading of their own."""
    found = sorted(_scalars(record, ()), key=lambda item: item[0])
    if not found:
        return
    yield "## Fields"
    if lines := [f"{name}: {text}" for name, text in found if "\n" not in text and "\r" not in text]:
        yield "\n".join(lines)
    yield from (f"### {name}\n\n{text}" for name, text in found if "\n" in text or "\r" in text)


def _scalars(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if len(path) > _DEEPEST:
        raise BadRecord(f"nests deeper than {_DEEPEST}")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(inner, (*path, _one_line(name)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scalars(inner, (*path, str(index)))
    elif _one_line(text := _text(value)):
        yield ".".join(path), text
