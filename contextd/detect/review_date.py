"""When a document says it was last reviewed: in its front matter, or in a line near its top or end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import yaml

from contextd.detect.prose import Document


@dataclass(frozen=True, slots=True)
class Review:
    """A stated review: ``at`` is midnight UTC of the day that ``line`` (from 1) states.

    ``at`` is None, with the reason in ``problem``, where something is stated that cannot be taken as a date. ``broken`` tells
    that the front matter as a whole cannot be read, so that what else it says is not known either.
    """

    at: datetime | None
    line: int
    problem: str = ""
    broken: bool = False


_KEYS: Final = ("last_reviewed", "last-reviewed", "lastreviewed", "reviewed", "reviewed_on", "review_date", "last_review")
_TOP, _END = 40, 15
_STATED = re.compile(
    r"^[\s>|*_\-+:]*(?:last[ _-]?reviewed|last[ _-]?review|date reviewed|review date|reviewed)(?: (?:on|at|date))?"
    r"\s*[:|*_ ]*[:|]\s*[*_`]*\s*(?P<date>.*?\d.*)$|^[\s>*_\-+]*(?:last )?reviewed (?:on|at)\s+(?P<on>\d.*|[A-Z][a-z]+ \d.*)$",
    re.IGNORECASE,
)
_DATED = re.compile(r"^[\s>|*_\-+:]*date[*_ ]*[:|][*_` ]*(?P<date>.*?\d.*)$", re.IGNORECASE)
_ADR_FOLDERS: Final = frozenset({"adr", "adrs", "decisions", "decision-records"})


def is_decision(path: str) -> bool:
    """Whether a document is an architecture decision record, by the folder it stands in: its date counts as its review."""
    return not _ADR_FOLDERS.isdisjoint(path.lower().split("/")[:-1])


def stated_review(document: Document) -> Review | None:
    """The review that ``document`` states; None when it states none. Broken front matter is a review with a problem."""
    values, problem = _front_matter(document)
    if problem:
        return problem
    keys = (*_KEYS, "date") if is_decision(document.path) else _KEYS
    for key in keys:
        if key in values:
            text, line = values[key]
            return _review(text, line, f"{key}: {text}")
    patterns = (_STATED, _DATED) if is_decision(document.path) else (_STATED,)
    for pattern in patterns:
        for number, text in _edges(document):
            match = pattern.match(text)
            if match:
                return _review(match["date"] or match.groupdict().get("on") or "", number, text.strip())
    return None


def _edges(document: Document) -> Iterator[tuple[int, str]]:
    """The lines of prose near the top, then those near the end."""
    first, last = document.front_matter + _TOP, len(document.lines) - _END
    yield from ((line.number, line.text) for line in document.prose if line.number <= first)
    yield from ((line.number, line.text) for line in document.prose if line.number > max(first, last))


_MAX_FRONT_MATTER: Final = 16 << 10
_MAX_DEPTH: Final = 32


def _front_matter(document: Document) -> tuple[dict[str, tuple[str, int]], Review | None]:
    """Scalars at the top level of the front matter by lower-case key, with their lines, or why it cannot be read."""
    if not document.front_matter:
        return {}, None
    body = "\n".join(document.lines[1 : document.front_matter - 1])
    if document.lines[0].startswith("+"):
        return {key.lower(): (value, line) for key, value, line in _toml_scalars(body)}, None
    if len(body) > _MAX_FRONT_MATTER:
        return {}, Review(None, 1, f"front matter of {len(body):,} characters", broken=True)
    try:
        return dict(_yaml_scalars(body)), None
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        line = mark.line + 2 if mark else 1
        return {}, Review(None, line, f"line {line}: front matter is not YAML", broken=True)


def _yaml_scalars(body: str) -> Iterator[tuple[str, tuple[str, int]]]:
    """Keys of the top mapping with their scalar values and lines; nothing when the text is no mapping."""
    depth, key = 0, ""
    for event in yaml.parse(body, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth, key = depth + 1, ""
            if depth > _MAX_DEPTH:
                raise yaml.YAMLError  # the parser's time grows with the square of the depth
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and depth == 1:
            if key:
                yield key, (event.value, (event.start_mark.line if event.start_mark else 0) + 2)
            key = "" if key else event.value.strip().lower()
        elif isinstance(event, yaml.AliasEvent) and depth == 1:
            key = ""


_TOML_SCALAR = re.compile(r"^([\w-]+)\s*=\s*[\"']?([^\"'#]*)", re.MULTILINE)


def _toml_scalars(body: str) -> Iterator[tuple[str, str, int]]:
    top = body.partition("\n[")[0]
    for match in _TOML_SCALAR.finditer(top):
        yield match[1], match[2].strip(), top.count("\n", 0, match.start()) + 2


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?!\d)", re.ASCII)
_DAY_FIRST = re.compile(r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\.? (?P<m>[A-Za-z]{3,9})\.?,? (?P<y>\d{4})(?!\d)", re.ASCII)
_MONTH_FIRST = re.compile(r"\b(?P<m>[A-Za-z]{3,9})\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?,? (?P<y>\d{4})(?!\d)", re.ASCII)


def _review(text: str, line: int, shown: str) -> Review:
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST):
        match = pattern.search(text)
        if not match:
            continue
        name = match["m"].lower()[:3]
        month = int(match["m"]) if match["m"].isdigit() else _MONTHS.index(name) + 1 if name in _MONTHS else 0
        try:
            return Review(datetime(int(match["y"]), month, int(match["d"]), tzinfo=UTC), line)
        except ValueError:
            break
    return Review(None, line, f'line {line}: "{shown[:80]}" states no date that can be read; write 2026-05-01')
