"""A repository in memory, told commit by commit: what detectors look at without git."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from contextd.model.finding import Commit, Removal
from contextd.model.source import REST, Component, ContentKind, Descriptor, SourceKind

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When the first commit of a story was made; each later one is a day later."""

Change = Mapping[str, str | None]


@dataclass
class MemoryCorpus:
    descriptor: Descriptor
    files: Mapping[str, bytes]
    excluded: Sequence[str] = ()

    def paths(self) -> Sequence[str]:
        return sorted([*self.files, *self.excluded])

    def admitted(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def text(self, path: str) -> bytes | None:
        return self.files.get(path)

    def component(self, path: str) -> str:
        claims = ((c.name, c.paths) for c in self.descriptor.components)
        return next((name for name, folders in claims if path.startswith(folders)), REST)


@dataclass
class MemoryHistory:
    commits: Sequence[Commit]
    states: Sequence[Mapping[str, bytes]]
    moves: Sequence[Mapping[str, str]]
    complete: bool = True

    def last_change(self, path: str) -> Commit | None:
        return self._last(lambda at: self._before(at).get(path) != self.states[at].get(path))

    def removal(self, path: str) -> Removal | None:
        for at in reversed(range(len(self.states))):
            before, after = self._under(self._before(at), path), self._under(self.states[at], path)
            if before and not after:
                target = self.moves[at].get(path, "")
                return Removal(self.commits[at], target, 98 if target else 0)
        return None

    def said_since(self, path: str, words: str) -> Commit | None:
        since = None
        for at in reversed(range(len(self.states))):
            if words.encode() not in self.states[at].get(path, b""):
                break
            since = self.commits[at]
        return since

    def existed_at(self, path: str, commit: str) -> bool:
        at = [one.id for one in self.commits].index(commit)
        return self._under(self.states[at], path)

    def line_change(self, path: str, line: int) -> Commit | None:
        def at_line(state: Mapping[str, bytes]) -> bytes:
            lines = state.get(path, b"").split(b"\n")
            return lines[line - 1] if line <= len(lines) else b""

        return self._last(lambda at: at_line(self._before(at)) != at_line(self.states[at]))

    def _last(self, changed: Callable[[int], bool]) -> Commit | None:
        return next((self.commits[at] for at in reversed(range(len(self.states))) if changed(at)), None)

    def _before(self, at: int) -> Mapping[str, bytes]:
        return self.states[at - 1] if at else {}

    @staticmethod
    def _under(state: Mapping[str, bytes], path: str) -> bool:
        return path in state or any(one.startswith(f"{path}/") for one in state)


@pytest.fixture
def tell() -> Callable[..., tuple[MemoryCorpus, MemoryHistory]]:
    """``tell(*commits, …) -> corpus, history``: a commit maps paths to their text, None removes one, ``"a -> b"`` renames."""

    def story(
        *commits: Change,
        tier: int = 3,
        content: ContentKind = ContentKind.REPO,
        components: tuple[Component, ...] = (),
        complete: bool = True,
        excluded: Sequence[str] = (),
        name: str = "payments",
    ) -> tuple[MemoryCorpus, MemoryHistory]:
        files: dict[str, bytes] = {}
        states, moves, told = [], [], []
        for number, change in enumerate(commits):
            moved = dict(key.split(" -> ") for key in change if " -> " in key)
            for old, new in moved.items():
                files[new] = files.pop(old)
            for path, text in change.items():
                if " -> " not in path and text is None:
                    del files[path]
                elif " -> " not in path and text is not None:
                    files[path] = text.encode()
            states.append(dict(files))
            moves.append(moved)
            told.append(Commit(f"{number:040x}", FIRST + timedelta(days=number), f"commit {number}"))
        descriptor = Descriptor(name, SourceKind.GIT, content, tier, components)
        return MemoryCorpus(descriptor, files, excluded), MemoryHistory(told, states, moves, complete)

    return story
