"""Definitions of each language that is taken apart by syntax, with the names they are known by."""

from __future__ import annotations

import pytest

from contextd.model.content import ContentClass
from contextd.parse.kinds import is_test
from contextd.parse.parsing import parse

SAMPLES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "retry.py": (
        '''"""Retries."""
import random

LIMIT = 6
lower = 1


@dataclass(frozen=True)
class Retry:
    """Pauses."""

    CAP = 30.0

    @property
    def cap(self) -> float:
        return self.CAP

    async def backoff(self, attempt):
        def inner():
            return attempt
        return inner()


def retried(call): ...
''',
        [
            ("constant", "LIMIT"),
            ("class", "Retry"),
            ("constant", "Retry.CAP"),
            ("method", "Retry.cap"),
            ("method", "Retry.backoff"),
            ("function", "retried"),
        ],
    ),
    "basket.js": (
        """import x from "y";
export const LIMIT = 3;
export function total(lines) { return lines.length; }
class Basket extends Base {
  constructor() { super(); }
  static of(line) { return new Basket(); }
}
const add = (a, b) => a + b;
module.exports.parse = function (text) { return text; };
""",
        [
            ("constant", "LIMIT"),
            ("function", "total"),
            ("class", "Basket"),
            ("method", "Basket.constructor"),
            ("method", "Basket.of"),
            ("function", "add"),
            ("function", "parse"),
        ],
    ),
    "order.ts": (
        """export interface Line { sku: string; total(): number }
type Id = string | number;
export enum State { Open, Closed }
export abstract class Order<T> {
  private readonly id: Id;
  abstract pay(): Promise<void>;
  close(): void {}
}
export default function make(): Order<Line> { throw new Error(); }
""",
        [
            ("interface", "Line"),
            ("method", "Line.total"),
            ("type", "Id"),
            ("enum", "State"),
            ("class", "Order"),
            ("method", "Order.pay"),
            ("method", "Order.close"),
            ("function", "make"),
        ],
    ),
    "retry.go": (
        """package retry

const Limit = 6

type Policy struct { Base float64 }

type Waiter interface { Wait(n int) }

func New() *Policy { return &Policy{} }

func (p *Policy) Backoff(n int) float64 { return p.Base }
""",
        [
            ("constant", "Limit"),
            ("struct", "Policy"),
            ("interface", "Waiter"),
            ("method", "Waiter.Wait"),
            ("function", "New"),
            ("method", "Policy.Backoff"),
        ],
    ),
    "Retry.java": (
        """package org.example;
public final class Retry {
  static final int LIMIT = 6;
  public Retry() {}
  double backoff(int n) { return 1; }
  enum Kind { A, B }
  interface Sleeper { void sleep(); }
  record Pause(double seconds) {}
}
""",
        [
            ("class", "Retry"),
            ("constant", "Retry.LIMIT"),
            ("method", "Retry.Retry"),
            ("method", "Retry.backoff"),
            ("enum", "Retry.Kind"),
            ("interface", "Retry.Sleeper"),
            ("method", "Retry.Sleeper.sleep"),
            ("record", "Retry.Pause"),
        ],
    ),
    "retry.rs": (
        """pub const LIMIT: u8 = 6;

pub struct Retry<T> { base: T }

pub enum Kind { A, B }

pub trait Wait { fn wait(&self); }

impl<T> Retry<T> {
    pub fn backoff(&self, n: u8) -> u8 { n }
}

impl<T> Wait for Retry<T> {
    fn wait(&self) {}
}

pub fn retried() {}
""",
        [
            ("constant", "LIMIT"),
            ("struct", "Retry"),
            ("enum", "Kind"),
            ("trait", "Wait"),
            ("method", "Wait.wait"),
            ("method", "Retry.backoff"),
            ("method", "Retry.wait"),
            ("function", "retried"),
        ],
    ),
}


@pytest.mark.parametrize("path", SAMPLES)
def test_definitions_have_their_kind_and_their_dotted_name(path: str) -> None:
    text, expected = SAMPLES[path]
    assert [(symbol.kind, symbol.qualified) for symbol in parse(path, text.encode()).symbols] == expected


@pytest.mark.parametrize("path", SAMPLES)
def test_a_broken_tail_does_not_hide_what_stands_before_it(path: str) -> None:
    text, expected = SAMPLES[path]
    found = [symbol.qualified for symbol in parse(path, text.encode() + b"\n(((( }} def class func ]]\n").symbols]
    assert expected[0][1] in found
    assert len(found) >= len(expected) - 2


def test_decorators_and_comments_belong_to_what_they_precede() -> None:
    body = b"".join(b"    y = %d\n" % n for n in range(20))
    text = b"import a\nimport b\nimport c\nimport d\nimport e\n\n\n# why\n@cached\n@other(\n    1\n)\ndef f():\n" + body
    chunk = next(chunk for chunk in parse("a.py", text).chunks if chunk.symbol == "f")
    assert text[chunk.span.start_byte :].startswith(b"# why\n@cached")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/a.py", ContentClass.CODE),
        ("config.yaml", ContentClass.CODE),
        ("README.md", ContentClass.DOCUMENT),
        ("docs/a.rst", ContentClass.DOCUMENT),
        ("notes", ContentClass.DOCUMENT),
        ("PAY-1.ticket.md", ContentClass.TICKET),
        ("AGENTS.md", ContentClass.AGENT_INSTRUCTION),
        ("sub/CLAUDE.md", ContentClass.AGENT_INSTRUCTION),
        (".cursor/rules/a.mdc", ContentClass.AGENT_INSTRUCTION),
        (".github/copilot-instructions.md", ContentClass.AGENT_INSTRUCTION),
    ],
)
def test_text_is_classed_by_what_it_is_for(path: str, expected: ContentClass) -> None:
    assert parse(path, b"text\n").content_class is expected


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py",
        "pkg/test_a.py",
        "a_test.go",
        "src/a.spec.ts",
        "src/test/java/FooTest.java",
        "x/__tests__/a.js",
        "conftest.py",
    ],
)
def test_tests_are_known_by_their_path(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize("path", ["src/latest.py", "contest.go", "attest/a.rs", "src/Request.java", "protest.md"])
def test_words_that_hold_test_are_no_tests(path: str) -> None:
    assert not is_test(path)


def test_a_script_is_known_by_its_first_line() -> None:
    assert parse("bin/run", b"#!/usr/bin/env python3\ndef f(): pass\n").language == "python"
    assert parse("bin/run", b"#!/bin/sh\necho\n").language == "shell"
