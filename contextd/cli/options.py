"""The global options: they work before or after the verb, and from the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from contextd.cli.times import parse_duration

VALUED = {
    "--home": "home",
    "--format": "format",
    "--token-file": "token_file",
    "--timeout": "timeout",
    "--color": "color",
    "-o": "output",
    "--output": "output",
}
FLAGS = {"--no-pager": "no_pager", "-q": "quiet", "--quiet": "quiet", "-v": "verbose", "-vv": "debug"}
FORMATS = ("text", "json", "jsonl", "tool")


class UsageProblem(Exception):
    """The command line cannot be meant; the text says why."""


@dataclass(frozen=True, slots=True)
class Globals:
    """Values of the global options; see ``contextd --help``."""

    home: Path
    format: str = "text"
    token_file: Path | None = None
    timeout: timedelta = timedelta(seconds=30)
    color: str = "auto"
    output: Path | None = None
    no_pager: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False


def split_globals(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Globals, list[str]]:
    """Take the global options out of a command line, wherever they stand before ``--``; return them and the rest.

    Raises:
        UsageProblem: an option lacks its value, or the value is none that it takes.
    """
    found: dict[str, str] = {}
    flags: set[str] = set()
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
            break
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in VALUED:
            found[VALUED[name]] = value if equals else _next(words, name)
        elif word in FLAGS:
            flags.add(FLAGS[word])
        else:
            rest.append(word)
    return _globals(found, flags, environ), rest


def asks_for_json(argv: Sequence[str]) -> bool:
    """Whether a command line that cannot be meant at least asks for JSON, so that its error is a document too."""
    joined = {f"--format={value}" for value in ("json", "jsonl")}
    after = {value for option, value in pairwise(argv) if option == "--format"}
    return not joined.isdisjoint(argv) or not after.isdisjoint({"json", "jsonl"})


def _next(words: Iterator[str], name: str) -> str:
    for value in words:
        return value
    raise UsageProblem(f"{name} needs a value")


def _globals(found: Mapping[str, str], flags: set[str], environ: Mapping[str, str]) -> Globals:
    home = found.get("home") or environ.get("CONTEXTD_HOME") or str(Path(environ.get("HOME", "/")) / ".contextd")
    token = found.get("token_file") or environ.get("CONTEXTD_TOKEN_FILE")
    chosen = found.get("format") or environ.get("CONTEXTD_FORMAT") or "text"
    if chosen not in FORMATS:
        raise UsageProblem(f"--format {chosen}: it takes {', '.join(FORMATS)}")
    color = found.get("color", "auto")
    if color not in {"auto", "always", "never"}:
        raise UsageProblem(f"--color {color}: it takes auto, always or never")
    timeout = parse_duration(found.get("timeout", "30s"))
    if timeout is None:
        raise UsageProblem(f"--timeout {found['timeout']}: it takes a duration such as 500ms, 30s, 5m")
    return Globals(
        home=Path(home).expanduser().absolute(),
        format=chosen,
        token_file=Path(token).expanduser() if token else None,
        timeout=timeout,
        color=color,
        output=Path(found["output"]) if "output" in found else None,
        no_pager="no_pager" in flags,
        quiet="quiet" in flags,
        verbose=bool({"verbose", "debug"} & flags),
        debug="debug" in flags,
    )
