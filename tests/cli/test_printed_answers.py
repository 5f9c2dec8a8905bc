"""What is printed: nothing that fools a terminal or a parser, colour only where it is wanted, files whole or not at all."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.cli.options import Globals
from contextd.cli.output import Output, OutputUnwritable, printable, table

HOSTILE = "a\x1b[2Jb\u202egnp\u2066\x9b\x7f\r\n\tc\udcff\u200f"


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal, or is not one."""

    def __init__(self, encoding: str = "utf-8", *, tty: bool = True) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="", write_through=True)
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty

    @property
    def said(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


def shown(monkeypatch: pytest.MonkeyPatch, stream: Terminal, lines: list[str], **options: object) -> str:
    """What an answer of some lines looks like on a stream."""
    monkeypatch.setattr(sys, "stdout", stream)
    out = Output(Globals(Path("/h"), **options))  # type: ignore[arg-type]  # keywords of a test
    out.pages = True
    out.text(lines)
    out.close()
    return stream.said


def test_control_and_bidirectional_characters_are_written_out() -> None:
    assert printable(HOSTILE) == r"a\x1b[2Jb\u202egnp\u2066\x9b\x7f\x0d\x0a\x09c\udcff\u200f"
    assert printable("tab\tline\n\x00", "\t\n") == "tab\tline\n\\x00"
    assert printable("été 東京 👍") == "été 東京 👍"
    assert printable("\U000e0041") == r"\U000e0041"


@settings(max_examples=100)
@given(st.text())
def test_what_is_printable_is_one_line_that_stays_as_it_is(text: str) -> None:
    once = printable(text)
    assert once.isprintable()
    assert len(once.splitlines()) <= 1
    assert printable(once) == once


def test_a_table_lines_up_and_cuts_nothing() -> None:
    rows = [["a", "long cell " * 9, "x"], ["bbb", "y", ""]]
    lines = table(rows, ["ONE", "TWO", "THREE"])
    assert [line.index(cell) for line, cell in zip(lines, ["TWO", "long", "y"], strict=True)] == [5, 5, 5]
    assert "long cell " * 8 in lines[1]
    assert lines[2] == "bbb  y"
    assert table([]) == []


def test_without_utf8_signs_become_plain_and_letters_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown(monkeypatch, Terminal("ascii", tty=False), ["a → b … ━ · é"])
    assert said == "a -> b ... # | \\xe9\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_json_in_every_encoding_and_hides_nothing(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream = Terminal(encoding, tty=False)
    monkeypatch.setattr(sys, "stdout", stream)
    out = Output(Globals(Path("/h"), format="json"))
    body = {"text": "→ … é 東 👍 " + HOSTILE.replace("\udcff", ""), "path": "a\udcffb"}
    out.text("not this")
    out.document("probe", body)
    out.close()
    assert json.loads(stream.said) == {"schema": "contextd.dev/probe/v1", **body}
    assert not set(stream.said) & set("\x1b\x9b\x7f\u202e\u2066\u200f")
    assert stream.said.endswith("}\n")


def test_a_listing_is_one_document_or_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for form, lines in (("json", 1), ("jsonl", 3)):
        stream = Terminal(tty=False)
        monkeypatch.setattr(sys, "stdout", stream)
        out = Output(Globals(Path("/h"), format=form))
        out.listing("boundary-hit", [{"n": n} for n in range(3)], ["text"])
        out.close()
        if form == "json":
            assert json.loads(stream.said)["boundary_hits"] == [{"n": 0}, {"n": 1}, {"n": 2}]
        else:
            assert [json.loads(line)["n"] for line in stream.said.splitlines()] == list(range(lines))
            assert json.loads(stream.said.splitlines()[0])["schema"] == "contextd.dev/boundary-hit/v1"


def test_colour_is_for_terminals_that_want_it_and_changes_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    lines = ["ok    home", "FAIL  keys", "plain ok here"]
    plain = "ok    home\nFAIL  keys\nplain ok here\n"
    coloured = shown(monkeypatch, Terminal(), lines, no_pager=True)
    assert "\x1b[3" in coloured
    assert coloured.count("\x1b[0m") == 2
    assert _without_colour(coloured) == plain
    assert "\x1b[" in shown(monkeypatch, Terminal(tty=False), lines, color="always")
    assert shown(monkeypatch, Terminal(tty=False), lines) == plain
    assert shown(monkeypatch, Terminal(), lines, color="never", no_pager=True) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(monkeypatch, Terminal(), lines, no_pager=True) == plain
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert shown(monkeypatch, Terminal(), lines, no_pager=True) == plain


def _without_colour(text: str) -> str:
    pieces = text.split("\x1b[")
    return pieces[0] + "".join(piece.split("m", 1)[1] for piece in pieces[1:])


def test_a_long_answer_goes_through_the_pager_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "page"
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\ncat > {page}\n")
    pager.chmod(0o700)
    monkeypatch.setenv("CONTEXTD_PAGER", str(pager))
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdin", Terminal())
    lines = [f"line {n}" for n in range(30)]
    assert shown(monkeypatch, Terminal(), lines) == ""
    assert page.read_text().splitlines() == lines
    page.unlink()
    for stream, options in ((Terminal(), {"no_pager": True}), (Terminal(tty=False), {})):
        assert "line 29" in shown(monkeypatch, stream, lines, color="never", **options)
    assert "line 3" in shown(monkeypatch, Terminal(), lines[:4], color="never")
    assert not page.exists()
    monkeypatch.setenv("CONTEXTD_PAGER", "/no/such/pager")
    assert "line 29" in shown(monkeypatch, Terminal(), lines, color="never")


def test_a_file_is_written_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "answer.txt"
    file.write_text("before\n")
    assert shown(monkeypatch, Terminal(), ["after é"], output=file) == ""
    assert file.read_text(encoding="utf-8") == "after é\n"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OutputUnwritable, match="No space left on device; what it held before it still holds"):
            shown(monkeypatch, Terminal(), ["lost"], output=file)
    assert file.read_text(encoding="utf-8") == "after é\n"
    assert [path.name for path in tmp_path.iterdir()] == ["answer.txt"]
    with pytest.raises(OutputUnwritable, match="No such file or directory"):
        shown(monkeypatch, Terminal(), ["lost"], output=tmp_path / "none" / "x")


def test_notes_go_to_stderr_unless_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for quiet, said in ((False, "next: …\n"), (True, "")):
        error, stream = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stderr", error)
        monkeypatch.setattr(sys, "stdout", stream)
        out = Output(Globals(Path("/h"), quiet=quiet))
        out.note("next: …")
        out.close()
        assert (error.said, stream.said) == (said, "")
