"""Looking at a checkout that need not be registered: no store, no clock, nothing recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from contextd import pipeline
from contextd.crawl.opening import open_source
from contextd.detect.package import check as check_package
from contextd.model.content import Admitted
from contextd.model.finding import Package
from contextd.model.source import REST, Descriptor
from contextd.policy.bundle import Bundle, load_bundle, read_bundle


class FilteredCorpus:
    """The ``Corpus`` of a listing that was filtered just now."""

    def __init__(self, descriptor: Descriptor, admitted: dict[str, Admitted], listed: Sequence[str]) -> None:
        self.descriptor = descriptor
        self._admitted = admitted
        self._listed = listed

    def paths(self) -> Sequence[str]:
        """Every listed path, admitted or excluded, in byte order."""
        return self._listed

    def admitted(self) -> Iterator[str]:
        """Paths of admitted documents, in byte order."""
        return iter(self._admitted)

    def text(self, path: str) -> bytes | None:
        """Redacted text of an admitted document; None when it is not one."""
        found = self._admitted.get(path)
        return found.text if found else None

    def component(self, path: str) -> str:
        """The component that has ``path``."""
        found = self._admitted.get(path)
        return found.component if found else REST


def look_at_package(location: str, descriptor: Descriptor, boundaries: Path, now: datetime) -> Package:
    """The context package of a checkout as its first ref has it, judged by a bundle.

    Raises:
        BundleInvalid, BadLocation, CrawlFailed: the bundle or the place cannot be read.
    """
    bundle: Bundle = load_bundle(read_bundle(boundaries))
    crawler = open_source(descriptor.kind, location, ())
    listing = crawler.list(crawler.refs()[0])
    with crawler.reader() as reader:
        recipe = pipeline.recipe_for(bundle.ingest, descriptor, listing.entries, reader)
        outcomes = [outcome for _, outcome in pipeline.filtered(listing.entries, reader, recipe.boundary())]
    admitted = {outcome.path: outcome for outcome in outcomes if isinstance(outcome, Admitted)}
    corpus = FilteredCorpus(descriptor, admitted, [outcome.path for outcome in outcomes])
    need = bundle.tiers[descriptor.tier].package
    return check_package(corpus, REST, descriptor.tier, required=need.required, max_age=need.max_age, now=now)
