"""One pass over the first-parent history of a commit: which commits touched which path, and how.

Two plumbing commands say it: ``git rev-list --first-parent --parents`` and ``git diff-tree --stdin`` of each commit against its
first parent. What a merge brought in counts as a change of the merge, which is when it reached this branch.

Measured on moby/moby (20,564 first-parent commits, 174,000 touches): 1.6 s. Beyond the limits the history is cut, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from contextd.crawl.gitcommand import LONG, Git

MAX_COMMITS = 50_000
"""First-parent commits that are looked at, newest first."""
MAX_TOUCHES = 2_000_000
"""Changed paths that are kept, over all commits."""
_BATCH = 2_000


class Touch(IntEnum):
    """What a commit did to a path."""

    CHANGED = 0
    ADDED = 1
    REMOVED = 2


@dataclass(frozen=True, slots=True)
class Touches:
    """Commits newest first, the first parent of each (empty for a root), and per path what touched it, newest first.

    A touch is ``3 * index of the commit + Touch``. ``complete`` is False where the history was cut.
    """

    commits: list[str]
    parents: list[str]
    complete: bool
    paths: dict[bytes, list[int]] = field(default_factory=dict)

    def of(self, path: bytes) -> Iterator[tuple[int, Touch]]:
        """Index of commit and touch, newest first."""
        for code in self.paths.get(path, ()):
            yield code // 3, Touch(code % 3)


def read_touches(git: Git, commit: str, *, max_commits: int = MAX_COMMITS, max_touches: int = MAX_TOUCHES) -> Touches:
    """Walk the history of ``commit`` down to its root, a shallow boundary or a limit; CrawlFailed when git fails."""
    output = git.output("rev-list", "--first-parent", "--parents", f"--max-count={max_commits + 1}", commit, "--", limit=LONG)
    lines = [line.split(" ") for line in output.decode("ascii").splitlines()]
    cut = git.shallow()
    kept = [line for line in lines[:max_commits] if line[0] not in cut]
    touches = Touches(
        commits=[line[0] for line in kept],
        parents=[line[1] if len(line) > 1 else "" for line in kept],
        complete=len(kept) == len(lines),
    )
    count = 0
    for start in range(0, len(kept), _BATCH):
        count += _read_batch(git, touches, start)
        if count > max_touches and start + _BATCH < len(kept):
            del touches.commits[start + _BATCH :], touches.parents[start + _BATCH :]
            return Touches(touches.commits, touches.parents, complete=False, paths=touches.paths)
    return touches


def _read_batch(git: Git, touches: Touches, start: int) -> int:
    """Add the touches of one batch of commits; return how many there were."""
    batch = range(start, min(start + _BATCH, len(touches.commits)))
    asked = "".join(f"{touches.commits[index]} {touches.parents[index]}".rstrip() + "\n" for index in batch)
    arguments = ("--stdin", "--root", "-r", "-z", "--name-status", "--no-renames")
    output = git.output("diff-tree", *arguments, stdin=asked.encode("ascii"), limit=LONG)
    where = {touches.commits[index].encode("ascii"): index for index in batch}
    tokens = iter(output.split(b"\0")[:-1])
    changed = added = removed = -1
    count = 0
    paths = touches.paths
    for token in tokens:
        if len(token) > 1:
            changed, added, removed = (3 * where[token] + touch for touch in Touch)
            continue
        path = next(tokens)
        code = added if token == b"A" else removed if token == b"D" else changed
        count += 1
        known = paths.get(path)
        if known is None:
            paths[path] = [code]
        else:
            known.append(code)
    return count
