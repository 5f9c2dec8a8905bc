"""Dead paths: a document names a file or folder that is no longer there, or a relative link leads to no file.

DRIFT-PATH-GONE says: the path existed in the history while the document already said it, and is gone now. Without that
evidence a name in a code span is not reported at all, for most such names never meant this repository. DRIFT-LINK-BROKEN says:
a relative link leads to no file; that needs no history, and is said only where links are known to be read as files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from contextd.detect import wording
from contextd.detect.prose import Document
from contextd.detect.references import Reference, ReferenceKind
from contextd.detect.scene import Scene, quote, short
from contextd.detect.tree import folder_of, joined, relative
from contextd.model.finding import Commit, Finding, Removal, Severity

PATH_GONE: Final = "DRIFT-PATH-GONE"
LINK_BROKEN: Final = "DRIFT-LINK-BROKEN"

_ALIKE: Final = 50
_SOURCE_ROOTS: Final = frozenset({"src", "lib", "source", "python"})
_WINDOW: Final = 80
_OTHER_CODE = re.compile(r"`[^`]*`")
_MARKS: Final = "`*_()[]\"'"
_MAX_RENAMES: Final = 20
_CERTAIN: Final = 0.85


class DeadPaths:
    """The detector of both codes; expected precision 0.9 at error, 0.8 at warn."""

    codes: tuple[str, ...] = (LINK_BROKEN, PATH_GONE)

    def subjects(self, scene: Scene) -> Iterator[str]:
        """Every document that is not itself a sample."""
        return (document.path for document in scene.documents() if not wording.is_sample(document.path))

    def examine(self, scene: Scene, path: str) -> Iterator[Finding]:
        """The dead paths that one document names, one finding for a line and path."""
        document = scene.document(path)
        if document is None:
            return
        seen: set[tuple[int, str]] = set()
        for reference in scene.references(document):
            case = _Case(scene, document, reference)
            if not reference.path or case.alive:
                continue
            finding = case.gone() or case.broken()
            if finding and (finding.line, finding.claim) not in seen:
                seen.add((finding.line, finding.claim))
                yield finding


_LINKED_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}\Z")
_PAGE = re.compile(r"\.(?:md|mdx|markdown|rst|adoc|asciidoc)\Z", re.IGNORECASE)
_SITE_CONFIG_WORDS: Final = (
    "_config.yml _config.yaml _config.toml _quarto.yml antora.yml astro.config.mjs astro.config.ts book.toml conf.py "
    "config.toml docs.json docusaurus.config.js docusaurus.config.ts eleventy.config.js gatsby-config.js gatsby-config.ts "
    "hugo.toml hugo.yaml mint.json mkdocs.yml mkdocs.yaml next.config.js next.config.mjs nuxt.config.ts .eleventy.js "
    "sidebars.js zensical.toml"
)
_SITE_CONFIG: Final = frozenset(_SITE_CONFIG_WORDS.split())
_SITE_FOLDERS_WORDS: Final = "_docs _pages _posts content pages site website www"
_SITE_FOLDERS: Final = frozenset(_SITE_FOLDERS_WORDS.split())
_LOGS: Final = frozenset({"blog", "posts", "_posts"})
_FORGE_PAGE = re.compile(
    r"(?:readme|contributing|agents|claude|security|support|governance|maintainers|install)", re.IGNORECASE
)


@dataclass(frozen=True)
class _Case:
    """One reference of one document, judged against the tree and its history."""

    scene: Scene
    document: Document
    reference: Reference

    @cached_property
    def is_link(self) -> bool:
        """Whether the path is a link's target, which is read from the document's folder."""
        return self.reference.kind is not ReferenceKind.CODE

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """The paths it may mean, likeliest first. A code span may be written from any folder above the document."""
        here = folder_of(self.document.path)
        target = self.reference.path
        if self.is_link:
            found = [joined("", target)] if target.startswith("/") else [joined(here, target)]
        else:
            found = [joined(here, target)]
            while here and not target.startswith("../"):
                here = folder_of(here)
                found.append(joined(here, target))
            found.reverse()
        return tuple(dict.fromkeys(path for path in found if path))

    @cached_property
    def alive(self) -> bool:
        """Whether it may well mean something that is there, or something outside of this tree."""
        tree = self.scene.tree
        if not self.candidates or any(tree.has(path) for path in self.candidates):
            return True
        target = re.sub(r"\A(?:\.{1,2}/)+", "", self.reference.path.strip("/"))
        if self.reference.path.startswith("/"):
            return tree.has_suffix(target) or tree.has_page(target)
        if self.is_link:
            return any(tree.has_page(path) for path in self.candidates)
        return "/" not in target and tree.has_suffix(target)

    def gone(self) -> Finding | None:
        """The finding that the path existed while the document said it, if history shows that and the text means it."""
        if not self._claims_present():
            return None
        for path in self.candidates:
            removal = self.scene.history.removal(path)
            since = removal and self.scene.history.said_since(self.document.path, self.reference.written)
            if not removal or not since:
                continue
            existed = self.scene.history.existed_at(path, since.id)
            if existed or (removal.commit.time > since.time and removal.commit.id != since.id):
                return (
                    None if self._is_named_from_a_source_root() else self._gone_finding(path, removal, since, existed=existed)
                )
        return None

    def _elsewhere(self) -> list[str]:
        """Where a path in a code span still is as a whole, below some other folder."""
        bare = re.sub(r"\A(?:\.{1,2}/)+", "", self.reference.path.strip("/"))
        return [] if self.is_link else [path.removesuffix(bare) for path in self.scene.tree.ending_in(bare)]

    def _is_named_from_a_source_root(self) -> bool:
        """Whether it is there below ``src`` or the like, from where people name modules (``twisted/python/failure.py``)."""
        return any(folder.rstrip("/").rpartition("/")[2] in _SOURCE_ROOTS for folder in self._elsewhere())

    def _claims_present(self) -> bool:
        """Whether the words around the path claim that it is there now."""
        before, after = self._around()
        if wording.is_record(self.document.path) or wording.is_record_heading(self.reference.line.heading):
            return False
        if self.scene.tree.is_never_committed(self.candidates[0]) or wording.speaks_of_the_past(before, after):
            return False
        if self.is_link:
            return True
        if wording.is_the_readers(before) or wording.speaks_of_the_made(before, after):
            return False
        bare = "/" not in self.reference.path.strip("/")
        return not (bare and wording.introduces_an_example(before)) and not self._is_anybodys()

    def _is_anybodys(self) -> bool:
        """Whether a path in a code span may as well be one of the reader's own project."""
        path = self.reference.path
        if wording.is_stand_in(path) or wording.is_conventional(path):
            return True
        return ("/" not in path or path.startswith(".")) and self._in_site()

    def _around(self) -> tuple[str, str]:
        """The words directly before and after the path: sentences go over line ends."""
        line = self.reference.line
        head, _, tail = line.text.partition(self.reference.written)
        before = _OTHER_CODE.sub("", f"{line.before} {head.rstrip(_MARKS)}")
        return before[-_WINDOW:], f"{tail.lstrip(_MARKS)} {line.after}"[:_WINDOW]

    def _gone_finding(self, path: str, removal: Removal, since: Commit, *, existed: bool) -> Finding:
        target = self._renamed_to(removal)
        confidence = 0.97 if existed and target else 0.93 if existed else 0.86
        if not self.is_link and ("/" not in self.reference.path.strip("/") or self._elsewhere()):
            confidence -= 0.15
        return Finding(
            code=PATH_GONE,
            severity=Severity.ERROR if confidence >= _CERTAIN else Severity.WARN,
            path=self.document.path,
            line=self.reference.line.number,
            quote=quote(self.reference.line.text),
            claim=path,
            observed=f"no such path {self.scene.place}",
            remediation=self._mend(target),
            component=self.scene.corpus.component(self.document.path),
            history=(
                f"{self.document.path} said so since {short(since.id)} ({since.time:%Y-%m-%d}), while the path existed; "
                f"it went with {short(removal.commit.id)} ({removal.commit.time:%Y-%m-%d})"
            ),
            last_valid_commit=f"{removal.commit.id}^",
            breaking=removal.commit,
            rename_target=target,
            confidence=round(confidence, 2),
        )

    def _renamed_to(self, removal: Removal) -> str:
        """Where the path is now, through later renames; empty when it was deleted or the trail ends."""
        seen: set[str] = set()
        target = removal.target if removal.similarity >= _ALIKE else ""
        while target and not self.scene.tree.has(target):
            further = self.scene.history.removal(target) if target not in seen and len(seen) < _MAX_RENAMES else None
            seen.add(target)
            target = further.target if further and further.similarity >= _ALIKE else ""
        return target

    def _mend(self, target: str) -> str:
        where, written = f"{self.document.path}:{self.reference.line.number}", self.reference.written
        if not target:
            what = "link" if self.is_link else "mention"
            return f"{where}  drop the {what} of {written}, or name what does its work now"
        if self.is_link:
            _, hash_sign, fragment = written.partition("#")
            now = "/" + target if written.startswith("/") else relative(folder_of(self.document.path), target)
            return f"{where}  - ({written})   + ({now}{hash_sign}{fragment})"
        now = relative(folder_of(self.document.path), target) if written.startswith("../") else target
        location = written[len(self.reference.path) :] if "::" in written else ""
        return f"{where}  - `{written}`   + `{now}{location}`"

    def broken(self) -> Finding | None:
        """The finding that a relative link leads to no file, where links are known to be read as files."""
        if not self.is_link or self.reference.path.startswith("/") or not self._links_are_files():
            return None
        mend, near = self._correction()
        return Finding(
            code=LINK_BROKEN,
            severity=Severity.ERROR,
            path=self.document.path,
            line=self.reference.line.number,
            quote=quote(self.reference.line.text),
            claim=self.candidates[0],
            observed=f"no such path {self.scene.place}",
            remediation=f"{self.document.path}:{self.reference.line.number}  {mend}",
            component=self.scene.corpus.component(self.document.path),
            history="" if self.scene.history.complete else "the history is incomplete: whether it ever existed is not known",
            confidence=0.95 if near else 0.9,
        )

    def _links_are_files(self) -> bool:
        """Whether the link is one that forges and site generators alike read as a file beside the document."""
        document, target = self.document.path, self.reference.path
        folders, _, name = document.rpartition("/")
        parts = folders.lower().split("/")
        if not _LINKED_SUFFIX.search(target) or not _LOGS.isdisjoint(parts) or wording.is_stand_in(target):
            return False
        if self.scene.tree.is_never_committed(self.candidates[0]) or name.upper().startswith("CHANGE"):
            return False
        if self._in_site():
            site = self._site()
            top = folders.removeprefix(site or "").lstrip("/").partition("/")[0]
            inside = self.candidates[0].startswith(f"{joined(site or '', top)}/")
            return self.reference.kind is ReferenceKind.LINK and inside and bool(_PAGE.search(target))
        if self.reference.kind is ReferenceKind.HTML:
            return bool(_FORGE_PAGE.match(name))
        return not target.endswith((".html", ".htm"))

    def _in_site(self) -> bool:
        """Whether the document is a page of a site; the root's own documents are the forge's."""
        folders = folder_of(self.document.path).lower()
        return bool(folders) and (self._site() is not None or not _SITE_FOLDERS.isdisjoint(folders.split("/")))

    def _site(self) -> str | None:
        """The folder of the site that the document is a page of, by its generator's settings; None when there is none."""
        files, folder = self.scene.tree.files, folder_of(self.document.path)
        while True:
            if any(f"{folder}/{name}".lstrip("/") in files for name in _SITE_CONFIG):
                return folder
            if not folder:
                return None
            folder = folder_of(folder)

    def _correction(self) -> tuple[str, bool]:
        """What to do about a broken link, and whether a file that it should have named was found."""
        tree, here, written = self.scene.tree, folder_of(self.document.path), self.reference.written
        bare = re.sub(r"\A(?:\.{1,2}/)+", "", self.reference.path)
        if bare in tree.files:
            _, hash_sign, fragment = written.partition("#")
            return f"- ({written})   + ({relative(here, bare)}{hash_sign}{fragment})", True
        alike = tree.ending_in(bare)
        if len(alike) == 1:
            return f"correct the target {written}; the one path of that name is {alike[0]}", True
        return f"correct the target {written}, or drop the link", False
