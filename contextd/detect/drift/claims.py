"""Statements about versions in prose: which bound or pin is stated for which name, as a requirement of this project.

Most version numbers in a text claim nothing that can be checked: they are examples, history, the requirement of somebody else
or of one feature. So a statement counts only with a bound (``0.27 or newer``, ``3.12+``, ``>= 4.2``, ``at least 18``) or a pin
(``pinned to 1.2``, ``==1.2``), next to the name, in a sentence that states a requirement of the project itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from contextd.detect import wording
from contextd.detect.prose import Document, Line
from contextd.manifests.ranges import Release, release_of


@dataclass(frozen=True, slots=True)
class Claim:
    """A stated version: ``names`` are what the words before it may mean, longest first, lower-cased, words joined by ``-``.

    ``release`` has as many parts as were written; ``pin`` tells ``exactly this`` from ``this or newer``.
    """

    line: Line
    names: tuple[str, ...]
    version: str
    release: Release
    pin: bool


_VERSION = r"(?<![\w.])v?(?P<version>\d{1,4}(?:\.\d{1,4}){0,3})"
_NAME = r"(?P<name>@?[A-Za-z][\w.@/-]*(?: [A-Za-z][\w.-]*){0,2})"
_ONE_NAME = r"(?P<name>@?[A-Za-z][\w.@/-]*)"
_BETWEEN = r"[\s:(]{0,3}(?:(?:version|release|interpreter|runtime)s?[\s:]{1,2})?(?:>=|≥|=>)?\s?"
_NEWER = r"(?:\s?\+(?!\w|\.\w)|,?\s(?:or|and|&)\s(?:a\s)?(?:newer|later|higher|above|greater|up|upwards|more recent|better)\b)"
_MINIMUM = r"(?:at least|minimum(?: of)?|min\.?)(?: version(?: of)?)?"
_END = r"(?![\w*-]|\.[\w*])"

_BOUNDS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _NAME + _BETWEEN + _VERSION + _NEWER,
        _NAME + r"(?: \(?version)?\s?(?:>=|≥|=>)\s?" + _VERSION + r"(?!\w|\.\w|\s?,?\s?[<!])",
        _MINIMUM + " " + _NAME + " (?:version )?" + _VERSION + _END,
        _NAME + r" (?:\(?of )?" + _MINIMUM + " " + _VERSION + _END,
        f"minimum (?:supported |required )?{_NAME}"
        r" version(?: \(MSRV\))?(?: is| of|:)?(?: currently)? (?:[a-z.]+ )?" + _VERSION + _END,
        r"(?P<name>MSRV)(?: is|:| of)?(?: currently)? (?:rust )?" + _VERSION + _END,
    )
)
_PINS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _ONE_NAME + r"\s?==\s?" + _VERSION.removeprefix(r"(?<![\w.])") + _END,
        _ONE_NAME + " (?:is|are) (?:pinned|locked|fixed) (?:to|at) (?:version )?" + _VERSION + _END,
        "(?:pinned|pin|locked|fixed)(?: to| at| on)? " + _ONE_NAME + "(?: to| at)?(?: version)? " + _VERSION + _END,
    )
)


def claims(document: Document, own_names: Collection[str]) -> Iterator[Claim]:
    """The version statements of ``document`` that speak of the project, which is known by ``own_names`` (lower-case)."""
    if wording.is_record(document.path):
        return
    for line in document.prose:
        if not _DIGIT.search(line.text) or wording.is_record_heading(line.heading) or line.text.lstrip().startswith("|"):
            continue
        for index, sentence in enumerate(_SENTENCE_END.split(_plain(line.text))):
            yield from _in_sentence(line, sentence, own_names, starts=index == 0)


_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)+][.!?;])\s+(?=[A-Z`*])|(?<=\w)\s+[\u2013\u2014]\s+")
_LIST_MARK = re.compile(r"\A[\s>]*(?:[-*+•]|\d{1,3}[.)])\s+")
_LINKED = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])?")
_MARKS = re.compile(r"[`*]+|(?<!\w)_+|_+(?!\w)|<[^<>]*>|\\(?=\W)")


def _plain(text: str) -> str:
    """The words of a line without links' targets and the marks of lists, emphasis and code."""
    text = _LIST_MARK.sub("", text)
    return " ".join(_MARKS.sub("", _LINKED.sub(r"\1", text)).split())


def _any_of(words: str) -> str:
    """A pattern for any of ``words``, of which each is a regex without blanks, ``_`` standing for one."""
    return r"\b(?:" + "|".join(word.replace("_", " ") for word in words.split()) + r")\b"


_REQUIRES = re.compile(
    _any_of(
        "requires? required requirements? needs? needed prerequisites? depends_on must_have supports? supported "
        "compatible_with works?_(?:with|on) runs?_on tested_(?:with|on|against) minimum msrv at_least ensure make_sure "
        "pinned pin locked is_fixed"
    ),
    re.IGNORECASE,
)
_LISTING_HEADING = re.compile(
    r"^(?:\W*)(?:system |software |hard )?"
    r"(?:requirements?|prerequisites?|pre-requisites?|dependencies|compatibility|supported (?:\w+ )?versions?)\W*$",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    _any_of(
        r"if when whenever unless since until before prior drop(?:s|ped)? remov\w+ deprecat\w+ was were previous\w* older "
        r"optional\w* users? windows macos recommend\w* prefer\w* ideally e\.?g examples? will upcoming next future plan\w* "
        "plugins? extensions? extras? features? backends? as_of starting introduced added available new_in support_for "
        "no_longer not don't doesn't only_(?:for|if|when|needed|on) either alternatively instead latest up_to tests? testing "
        r"docs documentation lint\w* develop\w* contribut\w* maintainers? releas(?:e|ing)_process also_works? some example "
        r"your their client server database v\d+\.x "
        r"branch\w* legacy"
    ),
    re.IGNORECASE,
)
_PURPOSE = re.compile(
    r"\b(?:for|because|in order|when|if|due|by)\b|"
    r"\bto\b(?! (?:run|build|install|work|compile|be|use (?:it|this|the))\b)|"
    r"\A(?:on|in|with|as|from)\b(?! (?:your|the (?:path|system|machine)))",
    re.IGNORECASE,
)
_LIST_MARKS: Final = " -*+:•0123456789.)"
_SUBJECT_WORDS: Final = (
    "a all also an and app application are at be depend depends build building client code compile compiled compiling crate "
    "currently following framework from have i install installation installed installing is it library least make minimum "
    "module must need needed needs note of officially only our package please program project repo repository requirement "
    "requirements require requires required run running runtime service should software source supported supports sure "
    "system that the they this to tool stable use version versions we which you ensure prerequisite prerequisites "
    "supporting support works with work on pinned pin"
)
_SUBJECT: Final = frozenset(_SUBJECT_WORDS.split())


def _in_sentence(line: Line, sentence: str, own_names: Collection[str], *, starts: bool) -> Iterator[Claim]:
    verb = _REQUIRES.search(sentence)
    listed = starts and bool(_LISTING_HEADING.match(line.heading))
    if not (verb or listed) or _OTHERWISE.search(sentence):
        return
    taken: list[tuple[int, int]] = []
    for pattern, pin in (*((bound, False) for bound in _BOUNDS), *((pinned, True) for pinned in _PINS)):
        for match in pattern.finditer(sentence):
            start, end = match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken) or _PURPOSE.search(
                sentence, end
            ):
                continue
            taken.append((start, end))
            before = _without(sentence[: match.start("name")], taken)
            names = tuple(
                name
                for name, left in _names(match["name"])
                if _is_own(before + left, own_names) and (verb or not (before + left).strip(_LIST_MARKS))
            )
            release = release_of(match["version"])
            if release and names:
                yield Claim(line, names, match["version"], release, pin)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """``text`` with blanks in place of the statements that were already read."""
    for start, end in spans:
        text = text[:start] + " " * (min(end, len(text)) - start) + text[end:] if start < len(text) else text
    return text


def _is_own(subject: str, own_names: Collection[str]) -> bool:
    """Whether the words before the name leave the project itself as what requires it."""
    words = [word.strip(".") for word in re.findall(r"[a-z][\w.-]*", subject.lower())]
    left = _folded("".join(word for word in words if word not in _SUBJECT))
    return not left or left in {_folded(name) for name in own_names}


def _folded(name: str) -> str:
    return re.sub(r"[-_.\s]", "", name)


def _names(words: str) -> Iterator[tuple[str, str]]:
    """What the last one to three words may name, longest first, each with the words before it.

    ``needs django framework`` gives ``needs-django-framework``, ``django-framework`` and ``framework``.
    """
    parts = words.rstrip(".:-").split()
    for start in range(len(parts)):
        yield "-".join(parts[start:]).lower(), " ".join(parts[:start])
