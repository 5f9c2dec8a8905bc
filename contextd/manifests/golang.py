"""Go modules: go.mod. Format: https://go.dev/ref/mod#go-mod-file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from contextd.manifests.manifest import Dependency, Ecosystem, Manifest, ManifestError, Runtime, Scope

_DIRECTIVES_WORDS: Final = "module go toolchain require replace exclude retract godebug tool ignore"
_DIRECTIVES: Final = frozenset(_DIRECTIVES_WORDS.split())
_VERSION = re.compile(r"v\d+\.\d+\.\d+\S*\Z")


def parse_mod(path: str, text: str) -> Manifest:
    """Parse go.mod: direct requirements at the versions that ``replace`` leaves them, and the go version.

    An empty file is valid: it keeps a folder out of the module around it. A requirement replaced by a folder has no resolved
    version. Requirements marked ``// indirect`` are not declared here.
    """
    name, runtimes = "", []
    required: dict[str, tuple[str, int]] = {}
    replaced: dict[tuple[str, str], str] = {}
    for number, directive, words in _statements(path, text):
        if directive == "module" and words:
            name = words[0]
        elif directive == "go" and words:
            runtimes.append(Runtime("go", words[0], path, number))
        elif directive == "require":
            if len(words) < len(("path", "version")) or not _VERSION.match(words[1]):
                raise ManifestError(path, number, "a module path and a version such as v1.2.3")
            if "indirect" not in words[2:]:
                required[words[0]] = (words[1], number)
        elif directive == "replace" and "=>" in words:
            arrow = words.index("=>")
            old, new = words[:arrow], words[arrow + 1 :]
            if not old or not new:
                raise ManifestError(path, number, "a module path on both sides of =>")
            replaced[old[0], old[1] if len(old) > 1 else ""] = new[1] if len(new) > 1 else ""
    if not name and (required or runtimes):
        raise ManifestError(path, 1, "a module directive")
    found = [
        Dependency(module, Ecosystem.GOLANG, version, resolved, path, line, Scope.RUNTIME)
        for module, (version, line) in required.items()
        for resolved in (replaced.get((module, version), replaced.get((module, ""), version)),)
    ]
    return Manifest(path, Ecosystem.GOLANG, tuple(found), tuple(runtimes), name)


def _statements(path: str, text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line number, directive and its words; blocks are unrolled, an ``// indirect`` remark becomes the last word."""
    block = ""
    for number, line in enumerate(text.split("\n"), start=1):
        code, _, remark = line.partition("//")
        words = [word.strip('"`') for word in code.split()]
        if not words:
            continue
        if block:
            if words == [")"]:
                block = ""
                continue
            words = [block, *words]
        directive = words[0]
        if directive not in _DIRECTIVES:
            raise ManifestError(path, number, f"a directive of go.mod, not {directive[:40]!r}")
        if words[1:] == ["("]:
            block = directive
            continue
        marked = ["indirect"] if remark.split(";")[0].strip() == "indirect" else []
        yield number, directive, words[1:] + marked
