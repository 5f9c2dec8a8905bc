"""Measure retrieval: recall@10 over files, MRR and latency of masked BM25, beside SQLite's FTS5 on the same chunks.

    python bench/retrieval.py SETS CORPORA

SETS holds ``<name>.jsonl``: the first line ``{"corpus": "<package>==<version>", …}``, each other line
``{"query": "…", "files": ["…", …], …}``. CORPORA holds one folder a corpus, named like it, with the unpacked wheel:

    pip download --no-deps --only-binary :all: celery==5.2.0 -d WHEELS && unzip -d CORPORA/celery==5.2.0 WHEELS/celery-*.whl

What is missing is named and skipped; without anything to measure the exit code is 3.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from contextd.index.query import parse_query
from contextd.index.rank import Searcher
from contextd.index.segments import IndexedChunk, Segment, pack
from contextd.parse.kinds import is_test
from contextd.parse.parsing import parse

DEPTH = 10
CHUNKS_ASKED = 200


class Case(NamedTuple):
    """A question and the files that answer it."""

    query: str
    files: frozenset[str]


class Row(NamedTuple):
    """What was measured of one engine on one set: means over the questions, and milliseconds."""

    recall: float
    reciprocal: float
    p50: float
    p95: float


def read_set(path: Path) -> tuple[str, list[Case]]:
    """Return the corpus that a set names, and its cases."""
    head, *rest = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return head["corpus"], [Case(line["query"], frozenset(line["files"])) for line in rest]


def chunks_of(path: str, text: bytes) -> Iterator[IndexedChunk]:
    """The chunks of a file as a crawl makes them."""
    for chunk in parse(path, text).chunks:
        yield IndexedChunk(path, chunk.symbol, text[chunk.span.start_byte : chunk.span.end_byte], is_test(path))


def read_corpus(folder: Path) -> list[IndexedChunk]:
    """Return the chunks of all Python files under a folder, by path."""
    files = sorted(file for file in folder.rglob("*.py") if file.is_file())
    return [chunk for file in files for chunk in chunks_of(file.relative_to(folder).as_posix(), file.read_bytes())]


def masked(chunks: list[IndexedChunk]) -> Callable[[str], list[int]]:
    """Return a search by masked BM25, with everything permitted."""
    packed = pack(chunks)
    searcher = Searcher([Segment(packed.header, packed.blocks.__getitem__, np.arange(packed.count))])
    mask = searcher.mask([np.ones(packed.count, bool)])
    return lambda text: [
        hit.chunk_id for hit in searcher.search(parse_query(text), mask, CHUNKS_ASKED, lambda i: chunks[i].text)
    ]


def fts5(chunks: list[IndexedChunk]) -> Callable[[str], list[int]]:
    """Return a search by FTS5 with the porter tokenizer and bm25 over path, symbol and text, any word matching."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE chunk USING fts5(path, symbol, body, tokenize = 'porter unicode61')")
    rows = ((at, c.path, c.symbol, c.text.decode("utf-8", "replace")) for at, c in enumerate(chunks))
    database.executemany("INSERT INTO chunk (rowid, path, symbol, body) VALUES (?, ?, ?, ?)", rows)

    def search(text: str) -> list[int]:
        terms = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        sql = "SELECT rowid FROM chunk WHERE chunk MATCH ? ORDER BY rank, rowid LIMIT ?"
        return [row[0] for row in database.execute(sql, (terms, CHUNKS_ASKED))] if terms else []

    return search


def measure(search: Callable[[str], list[int]], chunks: list[IndexedChunk], cases: list[Case]) -> Row:
    """Ask every question once to warm up and once to measure."""
    recalls, reciprocals, times = [], [], []
    for case in cases:
        search(case.query)
        begun = time.perf_counter()
        found = search(case.query)
        times.append(1000 * (time.perf_counter() - begun))
        files = list(dict.fromkeys(chunks[at].path for at in found))
        recalls.append(len(case.files.intersection(files[:DEPTH])) / len(case.files))
        reciprocals.append(next((1 / rank for rank, file in enumerate(files, 1) if file in case.files), 0.0))
    p50, p95 = np.percentile(times, [50, 95])
    return Row(float(np.mean(recalls)), float(np.mean(reciprocals)), float(p50), float(p95))


def main() -> int:
    """Print one line for each set and engine."""
    parser = argparse.ArgumentParser(description="Measure retrieval on sets of questions.")
    parser.add_argument("sets", type=Path, help="folder of <name>.jsonl")
    parser.add_argument("corpora", type=Path, help="folder of unpacked wheels, each named <package>==<version>")
    given = parser.parse_args()
    files = sorted(given.sets.glob("*.jsonl"))
    if not files:
        print(f"missing: no *.jsonl in {given.sets}", file=sys.stderr)
    measured = 0
    print(f"{'set':<12}{'engine':<8}{'files':>6}{'chunks':>8}{'recall@10':>11}{'MRR':>7}{'p50 ms':>8}{'p95 ms':>8}")
    for file in files:
        corpus, cases = read_set(file)
        folder = given.corpora / corpus
        chunks = read_corpus(folder)
        if not chunks:
            print(f"missing: {folder} with Python files; unzip the wheel of {corpus} there", file=sys.stderr)
            continue
        measured += 1
        for engine, make in (("masked", masked), ("fts5", fts5)):
            row = measure(make(chunks), chunks, cases)
            sizes = f"{len({chunk.path for chunk in chunks}):>6}{len(chunks):>8}"
            print(f"{file.stem:<12}{engine:<8}{sizes}{row.recall:>11.3f}{row.reciprocal:>7.3f}{row.p50:>8.3f}{row.p95:>8.3f}")
    return 0 if measured else 3


if __name__ == "__main__":
    sys.exit(main())
