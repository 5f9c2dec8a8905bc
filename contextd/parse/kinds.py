"""What a file is for, judged by its path alone: how its text is to be taken, and whether it is a test."""

from __future__ import annotations

import re
from typing import Final

from contextd.model.content import ContentClass
from contextd.parse.grammars import PROSE

TICKET_SUFFIX: Final = ".ticket.md"
"""How the paths of ticket documents end."""

_AGENT_NAMES: Final = frozenset(
    [
        "agents.md",
        "agent.md",
        "agents.override.md",
        "claude.md",
        "claude.local.md",
        "gemini.md",
        "copilot-instructions.md",
        ".cursorrules",
        ".windsurfrules",
        ".clinerules",
        ".roorules",
        ".goosehints",
        ".rules",
        ".aider.conf.yml",
        "warp.md",
        "qwen.md",
        "jules.md",
    ]
)
_AGENT_PLACES: Final = re.compile(
    r"(?:^|/)(?:"
    r"\.cursor/(?:rules|commands)/|\.windsurf/(?:rules|workflows)/|\.clinerules/|\.roo/rules[\w-]*/|\.continue/rules/|\.trae/rules/"
    r"|\.amazonq/rules/|\.kiro/steering/|\.junie/guidelines\.md$|\.augment/rules/|\.claude/(?:agents|commands|skills|rules)/"
    r"|\.gemini/commands/|\.agents?/|\.github/(?:instructions|prompts|chatmodes|agents)/|\.openhands/microagents/"
    r")",
)
_INSTRUCTING: Final = PROSE | {"yaml", "toml", "json"}
_TEST_PLACES: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|e2e|testdata|test-?(?:data|cases|suite|support|utils|resources)|integration[-_]?tests?"
    r"|unit[-_]?tests?|testsuite|__mocks__|__snapshots__|fixtures|cypress|[^/]+\.tests?)/"
    r"|(?:^|/)spec/.+\.rb$"
)
_TEST_NAMES: Final = re.compile(
    r"(?:test_.*|.*_tests?|conftest|tests?)\.py$"
    r"|.*_test\.go$|.*_tests?\.rs$|tests?\.rs$"
    r"|.*[._-](?:test|tests|spec|specs|cy|e2e)\.(?:[cm]?[jt]sx?|vue|dart|coffee)$"
    r"|.*_(?:spec|test)\.(?:rb|exs|lua|dart|cc|cpp|c|php|jl|clj)$|test_.*\.(?:rb|c|cc|cpp|sh|r|jl)$|.*\.bats$|.*\.t$|.*\.feature$"
)
_CAMEL_TEST: Final = re.compile(
    r"(?:.*[a-z0-9])?(?:Tests?|IT|TestCase|Spec)\.(?:java|kt|kts|groovy|scala|cs|fs|swift|php|m|hs)$|Test[A-Z].*\.(?:java|kt|cs)$"
)


def content_class(path: str, language: str) -> ContentClass:
    """How served text of a path is to be taken. Instructions to agents count as such wherever in the tree they stand."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(TICKET_SUFFIX):
        return ContentClass.TICKET
    if name in _AGENT_NAMES or name.endswith((".instructions.md", ".prompt.md")):
        return ContentClass.AGENT_INSTRUCTION
    if language in _INSTRUCTING and _AGENT_PLACES.search(path.lower()):
        return ContentClass.AGENT_INSTRUCTION
    return ContentClass.DOCUMENT if language in PROSE else ContentClass.CODE


def is_test(path: str) -> bool:
    """Whether a path follows a convention for tests or their data, in any of the common languages."""
    name = path.rpartition("/")[2]
    return (
        _TEST_PLACES.search(path.lower()) is not None
        or _TEST_NAMES.match(name.lower()) is not None
        or _CAMEL_TEST.match(name) is not None
    )
