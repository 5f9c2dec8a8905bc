"""Paths that a label closes to a caller: what speaks of documents, not only what serves them, must not tell of these."""

from __future__ import annotations

from collections.abc import Callable

from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.access import Action
from contextd.model.source import Source
from contextd.operations.plane import Caller, Plane, parts_of, target_of
from contextd.pipeline import Recipe
from contextd.store.shelf.schema import ShelfUnusable


def closed_to(plane: Plane, caller: Caller, source: Source) -> Callable[[str], bool]:
    """Return a test of paths: whether a document there has, had in some snapshot, or would have now a label that is closed.

    Where that cannot be said because the shelf is damaged, every path is closed.
    """
    readable = {
        part for part in parts_of(source) if plane.decide(caller, Action.READ_RESTRICTED, target_of(source, part)).allowed
    }
    if len(readable) == len(parts_of(source)):
        return lambda _: False
    try:
        shelf = plane.shelf(source.name)
        labelled = {path for path, part in shelf.labelled_paths() if part not in readable}
        built = {head.ingest_digest for head in shelf.heads().values()}
    except ShelfUnusable:
        return lambda _: True
    if built <= {plane.bundle.ingest.digest}:
        return labelled.__contains__
    recipe = Recipe(plane.bundle.ingest, source.descriptor, RepositoryIgnores(()), cache_dir=plane.cache_dir)
    boundary = plane.boundary(recipe)

    def closed(path: str) -> bool:
        today = boundary.path_decision(path)
        return path in labelled or (bool(today.labels) and today.component not in readable)

    return closed
