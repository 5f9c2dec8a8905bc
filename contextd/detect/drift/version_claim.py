"""DRIFT-VERSION-CLAIM: a document states a version bound or pin that the nearest manifest or lock file contradicts.

At error: the stated version cannot be true (the lock resolves an older one, the manifest forbids it, or the manifest asks for a
newer one than the text lets the reader have). At warn: the text asks for a newer version than the manifest does; one of them
says more than is needed. Versions are compared at the precision that the text has: ``Python 3+`` agrees with ``>=3.10``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contextd.detect import wording
from contextd.detect.declared import Stated
from contextd.detect.drift.claims import Claim, claims
from contextd.detect.prose import Document
from contextd.detect.scene import Scene, quote
from contextd.manifests.manifest import Dependency, Ecosystem, Runtime
from contextd.manifests.ranges import Release, compare, release_of
from contextd.model.finding import Commit, Finding, Severity

VERSION_CLAIM: Final = "DRIFT-VERSION-CLAIM"


class VersionClaims:
    """The detector; expected precision 0.9 at error, 0.8 at warn."""

    codes: tuple[str, ...] = (VERSION_CLAIM,)

    def subjects(self, scene: Scene) -> Iterator[str]:
        """Every document that is not itself a sample."""
        return (document.path for document in scene.documents() if not wording.is_sample(document.path))

    def examine(self, scene: Scene, path: str) -> Iterator[Finding]:
        """The version statements of one document that do not hold, one finding for a line and name."""
        document = scene.document(path)
        if document is None:
            return
        own_names = {*scene.declarations.own_names(path), scene.corpus.descriptor.name, *_title(document)}
        seen: set[tuple[int, str]] = set()
        for claim in claims(document, own_names):
            stated = next((found for name in claim.names if (found := scene.declarations.find(path, name))), None)
            conflict = stated and _conflict(claim, stated)
            if stated and conflict and (claim.line.number, stated.name) not in seen:
                seen.add((claim.line.number, stated.name))
                yield _finding(scene, document, claim, stated, conflict)


def _title(document: Document) -> list[str]:
    """The title of a document when it is short enough to be the project's name, lower-case."""
    title = next((line.heading for line in document.prose if line.level == 1), "")
    words = re.findall(r"[\w.-]+", title.lower())
    return ["".join(words)] if 0 < len(words) <= _TITLE_WORDS else []


_TITLE_WORDS: Final = 3


@dataclass(frozen=True, slots=True)
class _Conflict:
    """Where reality stands against a claim: the place, how sure that is, what would be true, and whether it could give way."""

    against: Dependency | Runtime
    certain: bool
    truth: str
    either: bool


def _conflict(claim: Claim, stated: Stated) -> _Conflict | None:
    resolved = _resolved(stated)
    lower = stated.ends.lower if stated.ends else None
    upper = stated.ends.upper if stated.ends else None
    parts = len(claim.release)
    if resolved and _cut(resolved[0], parts) != claim.release and (claim.pin or compare(resolved[0], claim.release) < 0):
        return _Conflict(resolved[1], certain=True, truth=_text(resolved[0], parts), either=True)
    if upper is not None and compare(upper, claim.release) <= 0:
        return _Conflict(stated.asked, certain=True, truth=_text(lower or upper, parts), either=True)
    if lower is None or _cut(lower, parts) == claim.release:
        return None
    newer = compare(lower, claim.release) > 0
    if claim.pin and not newer:
        return None
    return _Conflict(stated.asked, certain=newer, truth=_text(lower, parts), either=not newer)


def _resolved(stated: Stated) -> tuple[Release, Dependency] | None:
    """The newest version that the lock settles on: with several, an older one alone contradicts nothing."""
    found = [(release, one) for one in stated.locked if (release := release_of(one.resolved))]
    return max(found, key=lambda pair: pair[0] + (0,) * 6, default=None)


def _cut(release: Release, parts: int) -> Release:
    return (release + (0,) * parts)[:parts]


def _text(release: Release, parts: int) -> str:
    return ".".join(str(part) for part in release[:parts])


def _finding(scene: Scene, document: Document, claim: Claim, stated: Stated, conflict: _Conflict) -> Finding:
    sign = "==" if claim.pin else ">="
    where = f"{document.path}:{claim.line.number}"
    asked = stated.asked
    mend = f'write "{conflict.truth}" in {where}'
    if conflict.either:
        mend = f'either change {asked.path}:{asked.line} to "{sign}{claim.version}", or {mend}'
    breaking, history = _history(scene, document, claim, conflict.against)
    return Finding(
        code=VERSION_CLAIM,
        severity=Severity.ERROR if conflict.certain else Severity.WARN,
        path=document.path,
        line=claim.line.number,
        quote=quote(claim.line.text),
        claim=f"{stated.name}{sign}{claim.version}",
        observed=_observed(stated),
        remediation=mend,
        component=scene.corpus.component(document.path),
        history=history,
        breaking=breaking,
        confidence=0.93 if conflict.certain else 0.75,
    )


def _observed(stated: Stated) -> str:
    """Both sides of reality with their places: what is resolved, and what is asked for."""
    asked, resolved = stated.asked, _resolved(stated)
    separator = (
        "" if isinstance(asked, Dependency) and asked.ecosystem is Ecosystem.PYPI and not asked.declared[:1].isalnum() else " "
    )
    asks = f'{asked.path}:{asked.line} asks "{stated.name}{separator}{asked.declared}"'
    if resolved is None or resolved[1] is asked:
        return asks
    return f"{stated.name} {resolved[1].resolved} resolved in {resolved[1].path}:{resolved[1].line}; {asks}"


def _history(scene: Scene, document: Document, claim: Claim, against: Dependency | Runtime) -> tuple[Commit | None, str]:
    """The commit that made the claim untrue, if the line against it changed after the claim was written, and what is known."""
    written = document.lines[claim.line.number - 1].strip()
    since = scene.history.said_since(document.path, written)
    changed = scene.history.line_change(against.path, against.line)
    if since is None or changed is None:
        return None, "" if scene.history.complete else "the history is incomplete: since when is not known"
    said = f"{document.path} says so since {since.id[:7]} ({since.time:%Y-%m-%d})"
    if changed.id != since.id and changed.time > since.time:
        return changed, f"{said}; {against.path}:{against.line} changed with {changed.id[:7]} ({changed.time:%Y-%m-%d})"
    return None, said
