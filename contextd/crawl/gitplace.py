"""Finding the git directory behind a location, without asking git to search for one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from shlex import quote

from contextd.crawl.gitcommand import Git
from contextd.crawl.listing import BadLocation

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]+:")
"""A URL, or ``host:path`` as git takes it: a colon before any slash."""


def locate(location: str) -> Git:
    """Return the repository at ``location``: a work tree, a linked work tree, a submodule's checkout or a bare repository.

    Raises:
        BadLocation: it is remote, is not there, or is not itself a repository.
    """
    place = Path(os.path.abspath(location))  # noqa: PTH100 - a link in the way stays as people wrote it
    if not place.exists() and _REMOTE.match(location):
        raise BadLocation(
            f"{location} is remote; only repositories on this machine are crawled",
            hint=f"git clone --mirror {quote(location)}, keep it current with git fetch, and register the folder",
        )
    if not place.exists():
        raise BadLocation(f"{location} does not exist", hint=f"ls -d {quote(str(place.parent))}")
    if not place.is_dir():
        raise BadLocation(f"{location} is a file, not a git repository", hint="name the folder that holds .git")
    dot_git = place / ".git"
    if dot_git.is_file():
        found = _pointed_to(dot_git, location)
    elif dot_git.is_dir():
        found = dot_git
    else:
        found = place
    if not _is_git_directory(found):
        raise _not_a_repository(location, place, dot_git)
    return Git(str(found), location)


def _pointed_to(pointer: Path, location: str) -> Path:
    """The git directory that a ``.git`` file names (gitrepository-layout(5))."""
    said = os.fsdecode(pointer.read_bytes()).rstrip("\r\n")
    if not said.startswith("gitdir: "):
        raise BadLocation(
            f"{location}/.git is a file that names no git directory", hint=f"look at it: cat {quote(str(pointer))}"
        )
    target = Path(os.path.normpath(pointer.parent / said.removeprefix("gitdir: ")))
    if not target.is_dir():
        raise BadLocation(
            f"{location} is a linked work tree of {target}, which is gone",
            hint="git worktree repair, in the repository it was made from; or register that repository",
        )
    return target


def _is_git_directory(directory: Path) -> bool:
    common = Path(Git(str(directory), str(directory)).common())
    head = directory / "HEAD"
    return (head.is_file() or head.is_symlink()) and (common / "objects").is_dir() and (common / "refs").is_dir()


def _not_a_repository(location: str, place: Path, dot_git: Path) -> BadLocation:
    if dot_git.exists():
        return BadLocation(
            f"{location}/.git is not a git directory: it lacks HEAD, objects or refs", hint=f"git -C {quote(location)} fsck"
        )
    for parent in place.parents:
        if (parent / ".git").exists():
            return BadLocation(
                f"{location} is a folder inside the repository {parent}, not a repository",
                hint=f"register {parent} and give this folder a component of its own; or register it with --kind directory",
            )
    return BadLocation(f"{location} is not a git repository", hint="for a plain folder: --kind directory")
