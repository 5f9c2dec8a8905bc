"""Views: what each reads, that it maps back, and that ordinary text has none but itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.filter.views import View, views

TOKEN = "tok_" + hashlib.sha256(b"planted").hexdigest()[:20]
PLAIN = b"import os\n\ndef area(w: int) -> str:\n    return f'{w * 2}' + str(w)\n\nURL = 'https://example.org/a/b?c=%d'\n"


def reading(data: bytes, name: str) -> View | None:
    return next((view for view in views(data) if view.name == name), None)


def found(data: str | bytes, token: str = TOKEN) -> list[bytes]:
    """The bytes of the text that each view maps the token to."""
    raw = data.encode() if isinstance(data, str) else data
    spans = []
    for view in views(raw):
        at = view.data.find(token.encode())
        if at >= 0:
            start, end = view.origin(at, at + len(token))
            spans.append(raw[start:end])
    return spans


HEAD, TAIL = TOKEN[:9], TOKEN[9:]


@pytest.mark.parametrize(
    ("text", "cut_out"),
    [
        (f"k = {HEAD}\u200b{TAIL};", f"{HEAD}\u200b{TAIL}"),
        (f"k = {HEAD}\u00ad{TAIL};", f"{HEAD}\u00ad{TAIL}"),
        (f"k = {HEAD}\ufeff{TAIL};", f"{HEAD}\ufeff{TAIL}"),
        (f"k = {HEAD}\u2060\ufe0f{TAIL};", f"{HEAD}\u2060\ufe0f{TAIL}"),
        (f"k = {HEAD}\U000e0041{TAIL};", f"{HEAD}\U000e0041{TAIL}"),
        ("".join(chr(ord(c) + 0xFEE0) for c in TOKEN), "".join(chr(ord(c) + 0xFEE0) for c in TOKEN)),
        (f'k = "{HEAD}" + "{TAIL}"', f'{HEAD}" + "{TAIL}'),
        (f"k = '{HEAD}'\n    '{TAIL}'", f"{HEAD}'\n    '{TAIL}"),
        (f'k = "{HEAD}" \\\n  f"{TAIL}"', f'{HEAD}" \\\n  f"{TAIL}'),
        (f'$k = "{HEAD}" . "{TAIL}";', f'{HEAD}" . "{TAIL}'),
        (f'k = "{HEAD}" .. "{TAIL}"', f'{HEAD}" .. "{TAIL}'),
        (f"k := '{HEAD}' || '{TAIL}'", f"{HEAD}' || '{TAIL}"),
        ('k = "' + '" + "'.join(TOKEN) + '"', '" + "'.join(TOKEN)),
        (f"K={HEAD}\\\n{TAIL}\n", f"{HEAD}\\\n{TAIL}"),
        (f"K={HEAD}\\\r\n\t{TAIL}\r\n", f"{HEAD}\\\r\n\t{TAIL}"),
        ("k = '" + "".join(f"\\x{ord(c):02x}" for c in TOKEN) + "'", "".join(f"\\x{ord(c):02x}" for c in TOKEN)),
        ('"' + "".join(f"\\u{ord(c):04x}" for c in TOKEN) + '"', "".join(f"\\u{ord(c):04x}" for c in TOKEN)),
        ("u=" + "".join(f"%{ord(c):02X}" for c in TOKEN), "".join(f"%{ord(c):02X}" for c in TOKEN)),
        (f"u={HEAD}%{ord(TAIL[0]):02x}{TAIL[1:]}&v=1", f"{HEAD}%{ord(TAIL[0]):02x}{TAIL[1:]}"),
    ],
)
def test_each_disguise_is_read_and_mapped_back(text: str, cut_out: str) -> None:
    assert found(text) == [cut_out.encode()]


def test_an_escaped_line_feed_before_a_token_is_not_its_first_letter() -> None:
    text = json.dumps({"body": f"first\n{TOKEN}"})
    view = reading(text.encode(), "literals")
    assert view is not None
    assert f"first\n{TOKEN}".encode() in view.data


def test_an_escaped_key_reads_as_lines() -> None:
    body = "\n".join("A" * 64 for _ in range(3))
    key = f"-----BEGIN THING-----\n{body}\n-----END THING-----"
    assert found(json.dumps({"k": key}), key) == [json.dumps(key)[1:-1].encode()]


def test_a_key_written_as_added_literals_reads_as_lines() -> None:
    lines = ["-----BEGIN THING-----", "A" * 64, "B" * 40, "-----END THING-----"]
    text = "k = (\n" + "\n".join(f'    "{line}\\n"' for line in lines) + "\n)\n"
    expected = ("\n".join(lines)).encode()
    view = reading(text.encode(), "adjacent literals")
    assert view is not None
    assert expected in view.data
    start, end = view.origin(view.data.index(expected), view.data.index(expected) + len(expected))
    assert text.encode()[start:end] == text[text.index("-----BEGIN") : text.index('\\n"\n)')].encode()


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz?>?"])
def test_base64_maps_to_the_whole_run(encode: Callable[[bytes], bytes], before: str) -> None:
    run = encode(f"{before}password={TOKEN}".encode()).decode()
    assert found(f"data: {run}\n") == [run.encode()]


def test_wrapped_base64_is_one_run() -> None:
    text = base64.encodebytes(("x" * 50 + TOKEN + "y" * 40).encode()).decode()
    assert found(f"data: |\n{text}end\n") == [text.rstrip("\n").encode()]


def test_base64_of_what_is_no_text_is_not_read() -> None:
    noise = b"".join(hashlib.sha512(bytes([n])).digest() for n in range(40))
    assert reading(b"blob: " + base64.b64encode(noise), "base64") is None
    assert reading(b"deadbeef" * 8, "base64") is None
    assert reading(b"some_rather_long_function_name_here = another_rather_long_name", "base64") is None


def test_ordinary_text_has_no_other_reading() -> None:
    assert [view.name for view in views(PLAIN)] == ["as it is"]
    assert [view.name for view in views(b'f("total" + " (" + unit + ")", \'a\', \'b\', x["k"]["l"])\n')] == ["as it is"]
    prose = "Grüße: 漢字，全角标点！ naïve café 🙂 50% of 100 %d %s C:\\new\\table".encode()  # noqa: RUF001 - full-width on purpose
    assert [view.name for view in views(prose)] == ["as it is"]


def test_a_view_keeps_only_the_lines_of_its_candidates() -> None:
    text = PLAIN + f'a = "{HEAD}" + "{TAIL}"\n'.encode() + PLAIN + f'b = "{HEAD}" . "{TAIL}"\n'.encode()
    view = reading(text, "literals")
    assert view is not None
    assert view.data == f'a = "{TOKEN}"\nb = "{TOKEN}"'.encode()


def test_neighbours_do_not_run_into_one_value_in_every_reading() -> None:
    text = f'"{HEAD}" + "{TAIL}"\n"{HEAD}" + "{TAIL}"\n'
    view = reading(text.encode(), "literals")
    assert view is not None
    assert view.data == f'"{TOKEN}"\n"{TOKEN}"'.encode()
    assert reading(text.encode(), "adjacent literals") is not None


PIECES = st.sampled_from(
    [
        "word", " ", "\n", "\r\n", "\\\n", '"', "'", '"+"', "' '", "\u200b", "\u00ad", "\uff21\uff42", "%41", "%0a", "\\n",
        "\\x41", "\\u0041", "\\", "\u6f22", base64.b64encode(b"some text that is long enough").decode(), "=", "a@b.org",
        quote("x/y z"), "-----",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25), st.data())
def test_every_span_of_every_view_maps_into_the_text_in_order(pieces: list[str], data: st.DataObject) -> None:
    raw = "".join(pieces).encode()
    for view in views(raw):
        if not view.data:
            continue
        start = data.draw(st.integers(0, len(view.data) - 1))
        end = data.draw(st.integers(start + 1, len(view.data)))
        first, last = view.origin(start, end)
        assert 0 <= first <= last <= len(raw)
        wider = view.origin(max(0, start - 1), min(len(view.data), end + 1))
        assert wider[0] <= first
        assert last <= wider[1]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_have_views(raw: bytes) -> None:
    assert next(iter(views(raw))).data == raw
    for view in views(raw):
        view.origin(0, len(view.data))
