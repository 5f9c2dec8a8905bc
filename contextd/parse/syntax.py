"""Syntax trees, within bounds that hold for hostile text too.

What tree-sitter 0.26 does with text that was made to hurt it, and what is done about it here:

    brackets inside brackets       the stack grows, and each error costs time in proportion: the text is refused by counting
    what never closes              each opening of a comment is tried up to the end of the text: refused by counting
    errors at every step           many readings are followed at once: stopped when the parser's steps gain no ground
    chains that never end          ``-> return -> return …``: at the end of the input every reading of the chain is gathered, in
                                   memory that grows with the square of its length (20 KB need 4 GB). A few statements behind
                                   the text let the parser recover before it meets the end

Every bound counts something in the text or steps of the parser, never time, so that the same text always meets the same fate.
"""

from __future__ import annotations

from typing import Final

from tree_sitter import Parser, Point, Tree

from contextd.parse.grammars import grammar

LARGEST_PARSED: Final = 512 << 10
"""Text of more bytes is not given to a parser: it is data in the form of code, and the worst case grows with the square."""
DEEPEST: Final = 200
"""Text with more brackets inside each other is not given to a parser."""
BUDGET: Final = 32.0
"""How many hundreds of parser steps may be spent beyond one for each 32 bytes of progress that are not white space.

Code spends a hundred steps on 50 to 250 bytes. In 60 MB of real code in seven languages the excess never went over 7; with
every fiftieth token taken away it seldom went over 16.
"""

_STEP_BYTES: Final = 32
_BLANKS: Final = b" \t\r\n"
_ROUND: Final = bytes.maketrans(b"[{]}", b"(())")
_NOT_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"([{)]}")))
_MOST_LOOKAHEAD: Final = 32 << 20
_MOST_CONTINUED: Final = 4000
_UNCLOSED: Final = {"rust": ((b"/*", b"*/"), (b"r#", b'"#'))}
_ENDINGS: Final = {
    "python": b"\nx = 1\nx = 1\nx = 1\nx = 1\ndef f():\n    pass\n",
    "go": b"\nvar a = 1\nvar a = 1\nfunc f() { a() }\nvar a = 1\n",
    "java": b"\n;\n;\nclass A { int a = 1; void f() { a(); } }\n;\n",
    "rust": b"\nconst A: u8 = 1;\nfn f() { a(); }\nconst A: u8 = 1;\nstruct A;\n",
    "javascript": b"\n;\nlet a = 1;\nfunction f() { a(); }\nlet a = 1;\n;\n",
}


def syntax_tree(language: str, text: bytes) -> Tree | None:
    """The tree of a text in one of the parsed languages, errors included; None where parsing it may cost out of all proportion.

    Nodes may begin or end behind the text, because statements are added there.
    """
    if len(text) > LARGEST_PARSED or _too_deep(text) or _far_to_look(language, text):
        return None
    spent, last = 0.0, 0

    def stop(offset: int, _has_error: bool) -> bool:  # noqa: FBT001 - tree-sitter calls it with positional arguments
        nonlocal spent, last
        if offset != last:
            gained = len(text[last:offset].translate(None, _BLANKS))
            spent = max(0.0, spent + 1.0 - gained / _STEP_BYTES)
            last = offset
        return spent > BUDGET

    whole = memoryview(text)
    ending = memoryview(_ENDINGS.get(language, _ENDINGS["javascript"]))

    def read(offset: int, _point: Point) -> memoryview:
        return whole[offset:] if offset < len(whole) else ending[offset - len(whole) :]

    try:
        return Parser(grammar(language)).parse(read, progress_callback=stop)
    except ValueError:  # what the binding raises when the callback stops it
        return None


def _too_deep(text: bytes) -> bool:
    """Whether brackets nest deeper than the limit, or more of them are left open; strings and comments count like code."""
    brackets = text.translate(_ROUND, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        fewer = brackets.replace(b"()", b"")
        if len(fewer) == len(brackets):
            return brackets.count(b"(") > DEEPEST
        brackets = fewer
    return True


def _far_to_look(language: str, text: bytes) -> bool:
    """Whether looking for the end of what never closes, over and over, costs too much.

    That is many comments or raw strings that open after the last one closes, or in Python thousands of continued lines.
    """
    if language == "python":
        return text.count(b"\\\n") + text.count(b"\\\r\n") > _MOST_CONTINUED
    for opens, closes in _UNCLOSED.get(language, ((b"/*", b"*/"),)):
        rest = text[text.rfind(closes) + 1 :]
        if rest.count(opens) * len(rest) > _MOST_LOOKAHEAD:
            return True
    return False
