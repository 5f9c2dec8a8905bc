"""The context package of a component: which of its seven elements are stated, where, and whether they say enough to act on.

``context.yaml`` speaks first, documents that already say it stand in. A component may have a ``context.yaml`` of its own in its
folder; the one at the root speaks for the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from pathspec import GitIgnoreSpec

from contextd.detect import package_documents as documents
from contextd.detect.contextfile import ELEMENTS, ContextFile, StatedElement, read_context_file
from contextd.detect.package_documents import Shelf
from contextd.detect.tree import Tree
from contextd.model.finding import Corpus, Finding, Package, PackageElement, Severity
from contextd.model.source import REST

CONTEXT_FILE: Final = "context.yaml"

_CODES: Final = {"missing": "PKG-MISSING", "weak": "PKG-WEAK", "stale": "PKG-STALE"}
_FROM_DOCUMENTS: Final[Mapping[str, Callable[[Shelf], PackageElement | None]]] = {
    "purpose": documents.purpose,
    "ownership": documents.ownership,
    "architecture": documents.architecture,
    "dependencies": documents.dependencies,
    "tests": documents.tests,
    "release": documents.release,
}
_ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "purpose": ("is",),
    "ownership": ("owner", "escalation"),
    "architecture": ("invariants", "constraints"),
    "dependencies": ("lock",),
    "tests": ("critical_paths", "coverage", "integration"),
    "release": ("release", "rollback"),
    "reviewed": ("date", "by"),
}
_NOT_SAID: Final = {"purpose": "nothing says what it is for", "dependencies": "no lock file is named, and none is there"}
_ANY_IS_ENOUGH: Final = frozenset({"architecture"})


def check(
    corpus: Corpus,
    component: str,
    tier: int,
    *,
    required: bool,
    max_age: timedelta | None,
    now: datetime,
) -> Package:
    """Check the package of one component. Pure; never raises on what documents hold.

    Args:
        corpus: the documents.
        component: its name, ``REST`` for what no other component claims.
        tier: its tier, as evidence names it.
        required: whether its tier makes eligibility depend on the package.
        max_age: how long ago it may have been reviewed; None for no limit.
        now: the instant of the check, with a time zone.
    """
    stated = _context_file(corpus, component)
    shelf, tree = Shelf(corpus, component), Tree(corpus)
    elements = tuple(
        _reviewed(stated, tier, max_age, now) if name == "reviewed" else _element(name, stated, shelf, tree, corpus)
        for name in ELEMENTS
    )
    facts = {
        key: value
        for name, key in (("architecture", "invariants"), ("tests", "critical_paths"), ("dependencies", "alignment"))
        if stated and name in stated.elements and (value := stated.elements[name].values.get(key))
    }
    complete = all(element.state == "ok" for element in elements)
    reviewed_at = stated.reviewed_at if stated else None
    return Package(component, tier, elements, required, complete or not required, reviewed_at, facts or None)


def findings(package: Package) -> Iterator[Finding]:
    """A finding for every element that keeps the component from being eligible; none where its tier asks for no package."""
    if not package.required:
        return
    for element in package.elements:
        if element.state != "ok":
            yield Finding(
                code=_CODES[element.state],
                severity=Severity.WARN,
                path=element.path or CONTEXT_FILE,
                line=element.line or 1,
                quote="",
                claim=f"package {package.component}: {element.name}",
                observed=element.evidence,
                remediation=f"state it in {CONTEXT_FILE}, {element.name}: {element.lacks or ', '.join(_ASKED[element.name])}",
                component=package.component,
            )


def _context_file(corpus: Corpus, component: str) -> ContextFile | None:
    own = [
        path
        for path in corpus.admitted()
        if component != REST and path.endswith(f"/{CONTEXT_FILE}") and corpus.component(path) == component
    ]
    path = min(own, key=lambda found: (found.count("/"), found), default=CONTEXT_FILE)
    text = corpus.text(path)
    return None if text is None else read_context_file(path, text)


def _element(name: str, stated: ContextFile | None, shelf: Shelf, tree: Tree, corpus: Corpus) -> PackageElement:
    """One element: what ``context.yaml`` states of it, completed by documents where it says nothing or too little."""
    given = stated.elements.get(name) if stated else None
    if stated and given:
        judged = _stated(name, stated.path, given, tree, corpus)
        if judged.state == "ok" or given.problems:
            return judged
        found = _FROM_DOCUMENTS[name](shelf)
        lacking = [key for key in judged.lacks.split(", ") if key]
        if found and lacking and not set(lacking) & set(found.lacks.split(", ")) and _only_lacks(name, given, lacking):
            return PackageElement(
                name, "ok", f"{judged.path}:{judged.line}, {found.evidence}", path=judged.path, line=judged.line
            )
        return judged
    found = _FROM_DOCUMENTS[name](shelf)
    if stated and stated.problems and (found is None or found.state != "ok"):
        return PackageElement(name, "weak", stated.problems[0], path=stated.path, line=_line_of(stated.problems[0]))
    if found:
        return found
    asked = _ASKED[name]
    said = f"{', '.join(asked[:-1])} and {asked[-1]} are nowhere stated" if len(asked) > 1 else _NOT_SAID[name]
    return PackageElement(name, "missing", said, ", ".join(asked))


def _only_lacks(name: str, given: StatedElement, lacking: list[str]) -> bool:
    """Whether all that is wrong with a stated element is that some keys are not given."""
    return name != "purpose" and all(key not in given.values for key in lacking)


def _stated(name: str, path: str, given: StatedElement, tree: Tree, corpus: Corpus) -> PackageElement:
    """One element as ``context.yaml`` states it: every asked key is there, and what is a path leads somewhere."""

    def weak(evidence: str, lacks: str = "", line: int = 0) -> PackageElement:
        return PackageElement(name, "weak", evidence, lacks, path, line or given.line)

    if given.problems:
        return weak(given.problems[0], line=_line_of(given.problems[0]))
    lacks = [key for key in _ASKED[name] if not given.values.get(key)]
    if lacks and not (name in _ANY_IS_ENOUGH and len(lacks) < len(_ASKED[name])):
        return weak(f"{path}:{given.line} does not say {', '.join(lacks)}", ", ".join(lacks))
    if name == "purpose" and len(given.one("is").split()) < _WORDS_OF_A_PURPOSE:
        return weak(f"{path}:{given.lines['is']} says too little to act on", "is", given.lines["is"])
    for key in _PATHS.get(name, ()):
        for value in given.values.get(key, ()):
            if problem := _dead(value, tree, corpus):
                return weak(f"{path}:{given.lines[key]} names {value}, {problem}", key, given.lines[key])
    return PackageElement(name, "ok", _evidence(name, path, given), path=path, line=given.line)


_WORDS_OF_A_PURPOSE: Final = 3
_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "architecture": ("constraints",),
    "dependencies": ("lock",),
    "tests": ("critical_paths", "integration"),
    "release": ("release", "rollback"),
}
_LOOKS_LIKE_A_PATH = re.compile(r"[\w./*?\[\]-]+(?:#[\w-]+)?\Z")


def _dead(value: str, tree: Tree, corpus: Corpus) -> str:
    """Why a stated path leads nowhere; empty when it leads somewhere, or is words rather than a path."""
    target, _, anchor = value.partition("#")
    if not _LOOKS_LIKE_A_PATH.match(value) or ("/" not in target and "." not in target):
        return ""
    if any(mark in target for mark in "*?["):
        return "" if next(GitIgnoreSpec.from_lines([target]).match_files(tree.files), None) else "which matches nothing"
    bare = target.strip("/")
    if not tree.has(bare):
        return "which does not exist"
    text = (corpus.text(bare) or b"").decode("utf-8", "replace")
    return "whose heading does not exist" if anchor and not _has_heading(text, anchor) else ""


def _has_heading(text: str, anchor: str) -> bool:
    wanted = re.sub(r"[\W_]", "", anchor.lower())
    return any(re.sub(r"[\W_]", "", line.lower()) == wanted for line in text.split("\n"))


def _evidence(name: str, path: str, given: StatedElement) -> str:
    if name == "ownership":
        escalation = f"escalation {given.one('escalation')} ({path}:{given.lines['escalation']})"
        return f"{given.one('owner')} ({path}:{given.lines['owner']}), {escalation}"
    if name == "dependencies":
        return f"{given.one('lock')} ({path}:{given.lines['lock']})"
    return f"{path}:{given.line}"


def _line_of(problem: str) -> int:
    """The line in ``file:line: what``."""
    match = re.match(r".*?:(\d+): ", problem)
    return int(match[1]) if match else 1


def _reviewed(stated: ContextFile | None, tier: int, max_age: timedelta | None, now: datetime) -> PackageElement:
    """When the package was last reviewed and by whom; only ``context.yaml`` says it of the package as a whole."""
    given = stated.elements.get("reviewed") if stated else None
    if stated and stated.problems:
        return PackageElement("reviewed", "weak", stated.problems[0], path=stated.path, line=_line_of(stated.problems[0]))
    if stated is None or given is None:
        return PackageElement("reviewed", "missing", "date and by are nowhere stated", "date, by")
    if given.problems:
        return PackageElement("reviewed", "weak", given.problems[0], "date", stated.path, _line_of(given.problems[0]))
    lacks = [key for key in _ASKED["reviewed"] if not given.values.get(key)]
    if lacks or stated.reviewed_at is None:
        evidence = f"{stated.path}:{given.line} does not say {', '.join(lacks)}"
        return PackageElement("reviewed", "weak", evidence, ", ".join(lacks), stated.path, given.line)
    age = now - stated.reviewed_at
    said = f"{stated.reviewed_at:%Y-%m-%d} by {given.one('by')}"
    limit = f"; tier {tier} allows {max_age.days}d" if max_age is not None else ""
    if age < -_SLACK:
        return PackageElement("reviewed", "weak", f"{said}, which is in the future", "date", stated.path, given.line)
    state = "stale" if max_age is not None and age >= max_age else "ok"
    return PackageElement(
        "reviewed", state, f"{said} ({max(age.days, 0)}d{limit})", "date" if state == "stale" else "", stated.path, given.line
    )


_SLACK: Final = timedelta(hours=14)
