"""DRIFT-ANCHOR-BROKEN: a link's file is there, the heading that it points at is not.

Site generators make anchors of headings in different ways, so headings and anchors are compared by their letters and digits
alone; what only one generator could resolve is let pass. Only links between Markdown documents are judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from contextd.detect import wording
from contextd.detect.prose import Document, Markup
from contextd.detect.references import Reference, ReferenceKind
from contextd.detect.scene import Scene, quote
from contextd.detect.tree import folder_of, joined
from contextd.model.finding import Finding, Severity

ANCHOR_BROKEN: Final = "DRIFT-ANCHOR-BROKEN"


class BrokenAnchors:
    """The detector; expected precision 0.9."""

    codes: tuple[str, ...] = (ANCHOR_BROKEN,)

    def subjects(self, scene: Scene) -> Iterator[str]:
        """Every Markdown document that is neither a sample nor a record of what was."""
        for document in scene.documents():
            path = document.path
            if document.markup is Markup.MARKDOWN and not wording.is_sample(path) and not wording.is_record(path):
                yield path

    def examine(self, scene: Scene, path: str) -> Iterator[Finding]:
        """The links of one document to headings that are not there."""
        document = scene.document(path)
        if document is None:
            return
        seen: set[tuple[int, str]] = set()
        for reference in scene.references(document):
            target = _target(scene, document, reference)
            if target is None or not _lacks(target, reference.fragment):
                continue
            claim = f"{target.path}#{reference.fragment}"
            if (reference.line.number, claim) not in seen:
                seen.add((reference.line.number, claim))
                yield _finding(scene, document, reference, claim)


def _target(scene: Scene, document: Document, reference: Reference) -> Document | None:
    """The Markdown document that a link with an anchor leads to, where it is there and says all its headings itself."""
    if reference.kind is not ReferenceKind.LINK or not reference.fragment or reference.path.startswith("/"):
        return None
    path = joined(folder_of(document.path), reference.path) if reference.path else document.path
    found = scene.document(path) if path else None
    if found is None or found.markup is not Markup.MARKDOWN or _ASSEMBLED.search("\n".join(found.lines)):
        return None
    return found


_ASSEMBLED = re.compile(
    r"\{%|\{\{|^\s*(?:```+|~~~+|:::+)\s*\{|--8<--|<!--\s*(?:include|@include|embed)|^import\s.+from|\[!INCLUDE|@include|!!!include|"
    r"\[!\w+\[|^\s*::: |<(?:Tabs?|TabItem|Include|Partial|[A-Z]\w+Partial)\b|\$\{",
    re.MULTILINE | re.IGNORECASE,
)
_NOT_A_HEADING = re.compile(r"[/?=&:!]|\Atop\Z|\AL\d+|\Afn|\Atab", re.IGNORECASE)
_OWN_ID = re.compile(
    r"(?:\bid|\bname)\s*=\s*[\"']?([^\s\"'>]+)|\{:?\s*#([^\s}]+)|^\(([\w.:-]+)\)=|\$\$\$([\w.-]+)\$\$\$|\[\[([\w.-]+)\]\]|\s\[([\w-]+)\]$",
    re.MULTILINE,
)
_HTML_HEADING = re.compile(r"<(h[1-6]|summary|dt)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_HEADING = re.compile(r"^[ >]*(?:[-*+]\s+)?#{1,6}\s*(.+?)\s*#*\s*$|^(\S.*)\n\s*(?:=+|-+)\s*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_SHORTCODE = re.compile(r":[a-z0-9_+-]+:")
_NUMBERED = re.compile(r"[-_]?\d+\Z")


def _lacks(document: Document, fragment: str) -> bool:
    """Whether no heading and no id of ``document`` can be what ``fragment`` points at."""
    if _NOT_A_HEADING.search(fragment) or not _folded(fragment):
        return False
    text = "\n".join(document.lines)
    ids = {group.lower() for match in _OWN_ID.finditer(text) for group in match.groups() if group}
    wanted = fragment.lower().removeprefix("user-content-")
    if wanted in ids or f"user-content-{wanted}" in ids:
        return False
    asked = {_folded(wanted), _folded(_NUMBERED.sub("", wanted))}
    return asked.isdisjoint(_headings(text))


def _headings(text: str) -> set[str]:
    """Every heading in the forms in which generators fold them.

    Those in code are included: an unclosed fence may make code of a real one.
    """
    raw = [match[1] or match[2] for match in _HEADING.finditer(text)] + [match[2] for match in _HTML_HEADING.finditer(text)]
    found = set()
    for heading in raw:
        words = re.sub(r"<[^<>]*>|\{[^{}]*\}|&\w+;", " ", _LINK.sub(r"\1", heading))
        plain = _SHORTCODE.sub(" ", words)
        found |= {_folded(words), _folded(plain), _folded(plain.encode("ascii", "ignore").decode()), _folded(heading)}
    return found


def _folded(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _finding(scene: Scene, document: Document, reference: Reference, claim: str) -> Finding:
    where = f"{document.path}:{reference.line.number}"
    return Finding(
        code=ANCHOR_BROKEN,
        severity=Severity.ERROR,
        path=document.path,
        line=reference.line.number,
        quote=quote(reference.line.text),
        claim=claim,
        observed=f"{claim.partition('#')[0]} has no such heading {scene.place}",
        remediation=f"{where}  point {reference.written} at a heading that is there, or drop the anchor",
        component=scene.corpus.component(document.path),
        confidence=0.9,
    )
