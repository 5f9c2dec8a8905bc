"""Which language a path is written in, and the tree-sitter grammars of those that are taken apart by syntax.

Names of languages are lower case and those of GitHub's linguist where it has one (``python``, ``c++``, ``shell``); ``text`` is
what is not known. A grammar is loaded on first use and kept for the life of the process.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Final

from tree_sitter import Language

_SUFFIXES: Final = {
    "python": "py pyi pyw",
    "javascript": "js jsx mjs cjs",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "java": "java",
    "rust": "rs",
    "markdown": "md markdown mdx mdc",
    "restructuredtext": "rst rest",
    "asciidoc": "adoc asciidoc asc",
    "text": "txt log",
    "c": "c h",
    "c++": "cc cpp cxx hh hpp hxx ipp inl",
    "c#": "cs",
    "clojure": "clj cljs cljc edn",
    "css": "css scss sass less",
    "csv": "csv tsv",
    "cue": "cue",
    "dart": "dart",
    "dockerfile": "dockerfile",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "f#": "fs fsi fsx",
    "graphql": "graphql gql",
    "groovy": "groovy gradle",
    "haskell": "hs lhs",
    "hcl": "tf tfvars hcl",
    "html": "html htm xhtml",
    "ini": "ini cfg conf properties editorconfig",
    "json": "json jsonc json5 ipynb",
    "jsonl": "jsonl ndjson",
    "julia": "jl",
    "kotlin": "kt kts",
    "lua": "lua",
    "makefile": "mk mak",
    "nix": "nix",
    "objective-c": "m mm",
    "ocaml": "ml mli",
    "perl": "pl pm",
    "php": "php",
    "powershell": "ps1 psm1",
    "protobuf": "proto",
    "r": "r",
    "ruby": "rb rake gemspec",
    "scala": "scala sbt sc",
    "shell": "sh bash zsh ksh fish",
    "sql": "sql",
    "starlark": "bzl bazel star",
    "svelte": "svelte",
    "swift": "swift",
    "toml": "toml",
    "vue": "vue",
    "xml": "xml xsd xsl xslt svg pom",
    "yaml": "yaml yml",
    "zig": "zig",
}
_NAMES: Final = {
    "dockerfile": "Dockerfile Containerfile",
    "makefile": "Makefile GNUmakefile makefile Justfile justfile",
    "cmake": "CMakeLists.txt",
    "starlark": "BUILD WORKSPACE Tiltfile",
    "ruby": "Gemfile Rakefile Vagrantfile Podfile Brewfile",
    "groovy": "Jenkinsfile",
    "toml": "Cargo.lock poetry.lock uv.lock Pipfile pdm.lock",
    "json": "Pipfile.lock composer.lock .babelrc .eslintrc .prettierrc",
    "go-module": "go.mod go.sum go.work",
    "codeowners": "CODEOWNERS",
    "ini": ".editorconfig .gitconfig .npmrc .gitmodules",
    "ignore-list": ".gitignore .dockerignore .gitattributes .aiexclude .cursorignore .aiignore .codeiumignore .npmignore",
    "shell": ".bashrc .profile .zshrc .bash_profile",
    "markdown": ".cursorrules .windsurfrules .clinerules",
}
_BY_SUFFIX: Final = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME: Final = {name: language for language, names in _NAMES.items() for name in names.split()}
_REQUIREMENTS: Final = re.compile(r"(?:requirements|constraints)[\w.-]*\.(?:txt|in)$")
_SHEBANG: Final = re.compile(
    rb"#![ \t]*\S*/(?:env[ \t]+(?:-S[ \t]+)?)?(python|node|bash|zsh|ksh|dash|sh|ruby|perl)[\d.]*(?=\s|$)"
)
_INTERPRETERS: Final = {b"python": "python", b"node": "javascript", b"ruby": "ruby", b"perl": "perl"}

_GRAMMARS: Final = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "rust": ("tree_sitter_rust", "language"),
}
PARSED = frozenset(_GRAMMARS)
"""The languages that are taken apart by syntax."""
PROSE = frozenset({"markdown", "restructuredtext", "asciidoc", "text"})
"""The languages that are written for people and not for machines."""


def language_of(path: str, text: bytes = b"") -> str:
    """The language of a file by its name, else by the interpreter that its first line names, else ``text``."""
    name = path.rpartition("/")[2]
    if known := _BY_NAME.get(name):
        return known
    if _REQUIREMENTS.match(name):
        return "requirements"
    stem, dot, suffix = name.rpartition(".")
    if dot and stem and (known := _BY_SUFFIX.get(suffix) or _BY_SUFFIX.get(suffix.lower())):
        return known
    if name.partition(".")[0] in {"Dockerfile", "Makefile"}:
        return _BY_NAME[name.partition(".")[0]]
    shebang = _SHEBANG.match(text)
    return _INTERPRETERS.get(shebang[1], "shell") if shebang else "text"


@cache
def grammar(language: str) -> Language:
    """The tree-sitter grammar of one of the languages in :data:`PARSED`."""
    module, function = _GRAMMARS[language]
    return Language(getattr(importlib.import_module(module), function)())
