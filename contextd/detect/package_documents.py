"""Elements of a context package that ordinary documents already state: README, CODEOWNERS, ADRs, lock files, release notes.

Each function gives what it found for one element, with its place, or None where nothing is stated at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contextd.detect.prose import Document, markup_of, read
from contextd.model.finding import Corpus, PackageElement
from contextd.model.source import REST


class Shelf:
    """The documents that speak for one component: those in its own folders, and where it has none those at the root."""

    def __init__(self, corpus: Corpus, component: str) -> None:
        self._corpus = corpus
        self.listed = corpus.paths()
        own = [] if component == REST else [path for path in corpus.admitted() if corpus.component(path) == component]
        self._folders = _top_folders(own)
        self._admitted = tuple(corpus.admitted())

    def find(self, pattern: str) -> list[str]:
        """Admitted paths that match ``pattern``, a regex over the path from the component's folder, or else from the root.

        Those nearest to the top come first.
        """
        regex = re.compile(pattern, re.IGNORECASE)
        for folder in (*self._folders, ""):
            found = [path for path in self._admitted if path.startswith(folder) and regex.fullmatch(path.removeprefix(folder))]
            if found:
                return sorted(found, key=lambda path: (path.count("/"), path.encode()))
        return []

    def text(self, path: str) -> str:
        """The text of an admitted document, empty when it is none."""
        return (self._corpus.text(path) or b"").decode("utf-8", "replace")

    def document(self, path: str) -> Document | None:
        """A document taken apart; None for other files."""
        markup, text = markup_of(path), self._corpus.text(path)
        return read(path, markup, text) if markup and text is not None else None


def _top_folders(paths: list[str]) -> tuple[str, ...]:
    """The folders, with a trailing slash, that the paths of a component have in common; none when they have only the root."""
    if not paths:
        return ()
    shared = paths[0].split("/")[:-1]
    for path in paths:
        parts = path.split("/")[:-1]
        shared = [a for a, b in zip(shared, parts, strict=False) if a == b] if parts[: len(shared)] != shared else shared
        while shared and parts[: len(shared)] != shared:
            shared = shared[:-1]
    return ("/".join(shared) + "/",) if shared else ()


@dataclass(frozen=True, slots=True)
class _Said:
    """A line of a document that says something."""

    path: str
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def _lines(shelf: Shelf, files: str, words: re.Pattern[str]) -> Iterator[_Said]:
    """Lines with ``words`` in the documents that match ``files``; within one document headings come last, they promise only."""
    for path in shelf.find(files):
        document = shelf.document(path)
        for line in sorted(document.prose if document else (), key=lambda one: one.level > 0):
            if words.search(line.text):
                yield _Said(path, line.number, line.text)


def _ok(name: str, evidence: str, path: str, line: int = 1) -> PackageElement:
    return PackageElement(name, "ok", evidence, path=path, line=line)


def _weak(name: str, evidence: str, lacks: str, path: str, line: int = 1) -> PackageElement:
    return PackageElement(name, "weak", evidence, lacks, path, line)


_README: Final = r"readme\.(?:md|rst|adoc|markdown)"
_ENOUGH_WORDS: Final = 5


def purpose(shelf: Shelf) -> PackageElement | None:
    """What it is for: the first paragraph of the README that says something, badges and links apart."""
    for path in shelf.find(_README)[:1]:
        document = shelf.document(path)
        prose = document.prose if document else ()
        for index, line in enumerate(prose):
            if line.level or line.before:
                continue
            paragraph = [line]
            while index + len(paragraph) < len(prose) and prose[index + len(paragraph)].before:
                paragraph.append(prose[index + len(paragraph)])
            words = re.sub(r"!?\[[^\[\]]*\]\([^()]*\)|<[^<>]*>|\S*://\S*", " ", " ".join(one.text for one in paragraph))
            if len(re.findall(r"\w{2,}", words)) >= _ENOUGH_WORDS:
                return _ok("purpose", f"{path}:1-{paragraph[-1].number}", path)
        return _weak("purpose", f"{path}:1 does not say what it is for", "is", path)
    return None


_CODEOWNERS: Final = r"(?:\.github/|\.gitlab/|docs/)?codeowners"
_OWNER_RULE = re.compile(r"^(?!\s*#)\S+\s+(?:\S+\s+)*?([^\s#]*@\S+)", re.MULTILINE)
_CATALOG_OWNER = re.compile(r"^\s+owner:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
_ESCALATION = re.compile(r"\b(?:escalat\w+|on-?call|pager\s?duty|opsgenie|incident channel)\b", re.IGNORECASE)
_SPEAKING: Final = (
    r"(?:docs?/)?(?:readme|support|maintainers|contributing|agents|operations|runbooks?)\.\w+|(?:docs/)?runbooks?/[^/]+\.\w+"
)


def ownership(shelf: Shelf) -> PackageElement | None:
    """Who answers for it, and whom to call: CODEOWNERS or catalog-info.yaml, and a line on escalation."""
    owner = next(_owners(shelf), None)
    called = next(_lines(shelf, _SPEAKING, _ESCALATION), None)
    if owner is None:
        if called is None:
            return None
        return _weak("ownership", f"{called.place} tells whom to call, not who owns it", "owner", called.path, called.line)
    if called is None:
        return _weak(
            "ownership", f"{owner.place} names {owner.text}, nothing tells whom to call", "escalation", owner.path, owner.line
        )
    return _ok("ownership", f"{owner.place}, escalation {called.place}", owner.path, owner.line)


def _owners(shelf: Shelf) -> Iterator[_Said]:
    for files, rule in ((_CODEOWNERS, _OWNER_RULE), (r"catalog-info\.ya?ml", _CATALOG_OWNER)):
        for path in shelf.find(files):
            text = shelf.text(path)
            for match in rule.finditer(text):
                yield _Said(path, text.count("\n", 0, match.start(1)) + 1, match[1])


_DECISIONS: Final = r"(?:.*/)?(?:adrs?|decisions|decision-records)/[^/]*\d[^/]*\.(?:md|rst|adoc)"
_STATUS = re.compile(r"status\W{0,8}\s*(\w+)", re.IGNORECASE)
_ARCHITECTURE: Final = r"(?:docs?/)?(?:architecture|design|invariants)\.(?:md|rst|adoc)"
_STATUS_LINES: Final = 40


def architecture(shelf: Shelf) -> PackageElement | None:
    """What must hold: accepted decision records, or a document on the architecture."""
    decisions = shelf.find(_DECISIONS)
    folder = decisions[0].rpartition("/")[0] + "/" if decisions else ""
    if decisions:
        found = [_STATUS.search("\n".join(shelf.text(path).split("\n")[:_STATUS_LINES])) for path in decisions]
        accepted = sum(1 for status in found if status and status[1].lower() == "accepted")
        if accepted:
            return _ok("architecture", f"{folder} {accepted} accepted", decisions[0])
    for path in shelf.find(_ARCHITECTURE):
        if len(re.findall(r"\w{2,}", shelf.text(path))) >= _ENOUGH_WORDS**2:
            return _ok("architecture", f"{path}:1", path)
        return _weak("architecture", f"{path}:1 says too little to act on", "invariants or constraints", path)
    if decisions:
        return _weak("architecture", f"{folder} {len(decisions)} decisions, none accepted", "constraints", decisions[0])
    return None


_LOCKS: Final = (
    r"(?:uv|poetry|pdm|cargo|gemfile|composer|yarn|mix|pubspec|flake|bun)\.lock|pipfile\.lock|pylock\.toml|"
    r"package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|gradle\.lockfile|packages\.lock\.json"
)
_MANIFESTS: Final = (
    r"pyproject\.toml|setup\.(?:py|cfg)|requirements[^/]*\.(?:txt|in)|package\.json|go\.mod|cargo\.toml|gemfile|pom\.xml|"
    r"build\.gradle(?:\.kts)?|composer\.json|mix\.exs|pubspec\.yaml"
)
_PIN = re.compile(r"^\s*[A-Za-z0-9][\w.\[\],-]*\s*(==)?", re.MULTILINE)


def dependencies(shelf: Shelf) -> PackageElement | None:
    """What it resolves to: a lock file (listed is enough, it may be kept out as generated), or requirements all pinned."""
    locks = sorted({path for path in shelf.listed if re.fullmatch(_LOCKS, path, re.IGNORECASE)})
    locks = locks or shelf.find(_LOCKS)
    if locks:
        return _ok("dependencies", ", ".join(locks), locks[0])
    manifests = shelf.find(_MANIFESTS)
    for path in manifests:
        if path.endswith(".txt"):
            asked = [match[1] for match in _PIN.finditer(shelf.text(path))]
            if asked and all(asked):
                return _ok("dependencies", f"{path}:1, all pinned", path)
    if manifests:
        return _weak("dependencies", f"{manifests[0]}:1 declares ranges, no lock file resolves them", "lock", manifests[0])
    return None


_GUIDES: Final = "testing|tests|test-strategy|contributing|agents|claude|readme|development"
_TESTING: Final = rf"(?:docs?/)?(?:{_GUIDES})\.(?:md|rst|adoc)|tests?/readme\.\w+"
_CRITICAL = re.compile(r"\bcritical (?:paths?|flows?|code)\b", re.IGNORECASE)
_COVERAGE = re.compile(r"\bcoverage\b.*\d\s?%|\d\s?%.*\bcoverage\b|fail_under", re.IGNORECASE)
_INTEGRATION = re.compile(r"\b(?:integration|end-to-end|e2e)[ -]tests?\b", re.IGNORECASE)


def tests(shelf: Shelf) -> PackageElement | None:
    """Where a mistake would hurt, how much is covered, where the integration tests are: each said in a document on testing."""
    wanted = (("critical_paths", _CRITICAL), ("coverage", _COVERAGE), ("integration", _INTEGRATION))
    said = {name: next(_lines(shelf, _TESTING, words), None) for name, words in wanted}
    found = {name: one for name, one in said.items() if one}
    if not found:
        return None
    places = ", ".join(f"{name} {one.place}" for name, one in found.items())
    first = next(iter(found.values()))
    lacks = [name for name in said if name not in found]
    if lacks:
        return _weak("tests", f"{places}; nothing on {' and '.join(lacks)}", ", ".join(lacks), first.path, first.line)
    return _ok("tests", places, first.path, first.line)


_SUFFIX: Final = r"\.(?:md|rst|adoc)"
_OPERATING: Final = r"releas\w*|deploy\w*|rollback\w*|runbooks?|operations"
_RELEASING: Final = rf"(?:docs?/)?(?:{_OPERATING}){_SUFFIX}|(?:docs/)?runbooks?/[^/]+{_SUFFIX}"
_RELEASE = re.compile(r"\b(?:releas(?:e|es|ed|ing)|deploy\w*|ship|publish\w*|roll ?out)\b", re.IGNORECASE)
_ROLLBACK = re.compile(r"\broll(?:s|ed|ing)?[ -]?back\b|\brevert\w*\b|\bprevious (?:version|release|image)\b", re.IGNORECASE)


def release(shelf: Shelf) -> PackageElement | None:
    """How it is released, and how a release is taken back."""
    out, back = next(_lines(shelf, _RELEASING, _RELEASE), None), next(_lines(shelf, _RELEASING, _ROLLBACK), None)
    if out and back:
        return _ok("release", f"{out.place}, rollback {back.place}", out.path, out.line)
    if out:
        return _weak("release", f"{out.place} tells how to deploy, not how to roll back", "rollback", out.path, out.line)
    if back:
        return _weak("release", f"{back.place} tells how to roll back, not how to release", "release", back.path, back.line)
    return None
