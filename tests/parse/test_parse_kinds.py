"""What a path alone says: language, how text is to be taken, tests."""

from __future__ import annotations

import pytest

from contextd.model.content import ContentClass
from contextd.parse.grammars import language_of
from contextd.parse.kinds import content_class, is_test


@pytest.mark.parametrize(
    ("path", "first_line", "language"),
    [
        ("a/b.py", b"", "python"),
        ("a.jsx", b"", "javascript"),
        ("a.mts", b"", "typescript"),
        ("a.d.ts", b"", "typescript"),
        ("a.tsx", b"", "tsx"),
        ("Main.JAVA", b"", "java"),
        ("README.MD", b"", "markdown"),
        ("docker/Dockerfile.prod", b"", "dockerfile"),
        ("Makefile.am", b"", "makefile"),
        ("requirements-dev.txt", b"", "requirements"),
        ("notes.txt", b"", "text"),
        ("go.mod", b"", "go-module"),
        (".gitignore", b"", "ignore-list"),
        (".py", b"", "text"),
        ("py", b"", "text"),
        ("a.py/b", b"", "text"),
        ("run", b"#!/usr/bin/python3.12 -u\n", "python"),
        ("run", b"#!/usr/bin/env -S node --flag\n", "javascript"),
        ("run", b"#! /bin/bash\n", "shell"),
        ("run", b"#!/usr/bin/pythonic\n", "text"),
        ("run", b" #!/bin/sh\n", "text"),
        ("a.go", b"#!/bin/sh\n", "go"),
    ],
)
def test_a_language_is_known_by_name_then_by_the_first_line(path: str, first_line: bytes, language: str) -> None:
    assert language_of(path, first_line) == language


@pytest.mark.parametrize(
    "path",
    [
        "AGENTS.md",
        "services/pay/agents.md",
        "CLAUDE.md",
        "GEMINI.md",
        ".cursorrules",
        ".cursor/rules/style.mdc",
        "web/.cursor/rules/deep/style.md",
        ".windsurfrules",
        ".clinerules",
        ".clinerules/01-style.md",
        ".github/copilot-instructions.md",
        ".github/instructions/python.instructions.md",
        ".github/prompts/review.prompt.md",
        ".claude/commands/ship.md",
        ".junie/guidelines.md",
    ],
)
def test_instructions_to_agents_are_told_from_documents(path: str) -> None:
    assert content_class(path, language_of(path)) is ContentClass.AGENT_INSTRUCTION


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("docs/agents.py", ContentClass.CODE),
        ("docs/about-agents.md", ContentClass.DOCUMENT),
        (".claude/skills/report/build.py", ContentClass.CODE),
        ("cursor/rules/a.md", ContentClass.DOCUMENT),
        (".github/workflows/ci.yml", ContentClass.CODE),
        (".github/CONTRIBUTING.md", ContentClass.DOCUMENT),
        ("LICENSE", ContentClass.DOCUMENT),
        ("PAY-311.ticket.md", ContentClass.TICKET),
        ("export/PAY-311.TICKET.md", ContentClass.TICKET),
        ("ticket.md", ContentClass.DOCUMENT),
    ],
)
def test_everything_else_is_code_document_or_ticket(path: str, expected: ContentClass) -> None:
    assert content_class(path, language_of(path)) is expected


@pytest.mark.parametrize(
    "path",
    [
        "test/a.txt",
        "src/pay/tests.py",
        "pay/refund_test.py",
        "pkg/testdata/golden.json",
        "src/a.test.tsx",
        "src/a_spec.rb",
        "spec/support/env.rb",
        "e2e/login.ts",
        "src/lib/tests.rs",
        "core/src/test/kotlin/Helpers.kt",
        "src/RefundIT.java",
        "Pay.Tests/Refund.cs",
        "src/PayTests.swift",
        "t/basic.t",
        "features/pay.feature",
        "web/__mocks__/fs.js",
        "integration-tests/run.sh",
    ],
)
def test_conventions_for_tests_in_many_languages(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/testing.py",
        "lib/testify.go",
        "numpy/testing/utils.py",
        "specs/openapi.yaml",
        "spec/openapi.yaml",
        "docs/testing.md",
        "src/Contest.java",
        "src/latest_release.py",
        "greatest.ts",
        "src/Latest.kt",
        "test",
        "tests.md",
    ],
)
def test_what_only_sounds_like_a_test(path: str) -> None:
    assert not is_test(path)
