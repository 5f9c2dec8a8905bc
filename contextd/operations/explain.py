"""What the boundary does and why: a dry run over a whole source, and the rule that decides about one path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from contextd import pipeline
from contextd.crawl.listing import Crawler
from contextd.crawl.opening import open_source
from contextd.filter.filtering import PathDecision
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.access import Action
from contextd.model.content import Excluded, Redaction, RedactionKind
from contextd.model.source import Descriptor
from contextd.operations.plane import Caller, Plane
from contextd.operations.restricted import closed_to
from contextd.pipeline import Recipe


@dataclass(slots=True)
class Tally:
    """Files excluded for one reason at one place of the rules: how many, their bytes, and how often each pattern matched."""

    code: str
    where: str
    rule: str
    files: int = 0
    bytes: int = 0
    patterns: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class DryRun:
    """What a crawl would do, without keeping anything. ``commit`` is ``-`` where the source is not git."""

    name: str
    commit: str
    files: int = 0
    admitted: int = 0
    admitted_bytes: int = 0
    tallies: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    excluded: list[Excluded] = field(default_factory=list)
    redactions: list[tuple[str, Redaction]] = field(default_factory=list)

    def redacted(self, *kinds: RedactionKind) -> tuple[int, int]:
        """Redacted spans of some kinds, and the number of files that have any."""
        found = [path for path, redaction in self.redactions if redaction.kind in kinds]
        return len(found), len(set(found))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a path is context or is not: as it was when the head was built, and by the rules in force now.

    ``then`` is empty for what the head does not list; ``redactions`` are those of the head at this path.
    """

    source: str
    path: str
    then: str
    now: PathDecision
    redactions: tuple[Redaction, ...]
    snapshot: str


def check_boundary(plane: Plane, caller: Caller, name: str) -> DryRun:
    """Run the filter over a registered source as a crawl would, on its first followed ref, and keep nothing.

    Raises:
        NotFound, Refused: the source is not one that the caller may look into.
        CrawlFailed: it could not be listed or read whole.
    """
    source = plane.source(caller, name, Action.INSPECT)
    crawler = open_source(source.descriptor.kind, source.location, source.refs)
    run = dry_run(plane_recipe(plane, source.descriptor), crawler, crawler.refs()[0])
    closed = closed_to(plane, caller, source)
    run.redactions = [(path, redaction) for path, redaction in run.redactions if not closed(path)]
    return run


def plane_recipe(plane: Plane, descriptor: Descriptor) -> Recipe:
    """A recipe by the bundle in force, without the source's own ignore files."""
    return Recipe(plane.bundle.ingest, descriptor, RepositoryIgnores(()), cache_dir=plane.cache_dir)


def dry_run(recipe: Recipe, crawler: Crawler, ref: str) -> DryRun:
    """Run the filter over a full listing and count what it does.

    Raises:
        CrawlFailed: it could not be listed or read whole.
    """
    listing = crawler.list(ref)
    run = DryRun(recipe.descriptor.name, listing.commit, files=len(listing.entries))
    with crawler.reader() as reader:
        whole = pipeline.recipe_for(recipe.rules, recipe.descriptor, listing.entries, reader, recipe.cache_dir)
        for entry, outcome in pipeline.filtered(listing.entries, reader, whole.boundary()):
            if isinstance(outcome, Excluded):
                run.excluded.append(outcome)
                _count(run, outcome)
                continue
            run.admitted += 1
            run.admitted_bytes += entry.size
            run.redactions += [(outcome.path, redaction) for redaction in outcome.redactions]
    return run


def explain_path(plane: Plane, caller: Caller, name: str, path: str) -> Explanation:
    """Say which rule decides about one path of a source, then (at the head) and now.

    Raises:
        NotFound, Refused: the source is not one that the caller may look into.
    """
    source = plane.source(caller, name, Action.INSPECT)
    shelf = plane.shelf(name)
    heads = shelf.heads()
    head = next((heads[ref] for ref in source.refs if ref in heads), next(iter(heads.values()), None))
    ignores = RepositoryIgnores(tuple(shelf.ignores(head.ref)) if head else ())
    recipe = Recipe(plane.bundle.ingest, source.descriptor, ignores, cache_dir=plane.cache_dir)
    now = recipe.boundary().path_decision(path)
    if head is None or closed_to(plane, caller, source)(path):
        return Explanation(name, path, "", now, (), head.id if head else "")
    then = next((_said(e) for e in shelf.exclusions(head.ref, head.sequence) if e.path == path), "")
    if not then and shelf.document(head.ref, head.sequence, path):
        then = "admitted"
    cut = tuple(r for where, _, r in shelf.redactions(head.ref, head.sequence) if where == path)
    return Explanation(name, path, then, now, cut, head.id)


def top_folders(run: DryRun) -> Iterator[tuple[str, int]]:
    """Excluded files by their first folder, most first."""
    counts = Counter(PurePosixPath(excluded.path).parts[0] for excluded in run.excluded)
    yield from counts.most_common()


def _count(run: DryRun, excluded: Excluded) -> None:
    key = (excluded.code, excluded.where, excluded.rule)
    tally = run.tallies.setdefault(key, Tally(*key))
    tally.files += 1
    tally.bytes += excluded.size
    if excluded.pattern:
        tally.patterns[excluded.pattern] += 1


def _said(excluded: Excluded) -> str:
    place = f", {excluded.where}" if excluded.where else ""
    return f"{excluded.code}  {excluded.rule}{place}"
