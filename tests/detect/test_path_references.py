from __future__ import annotations

from collections.abc import Callable

import pytest

from contextd.detect.prose import Markup, read
from contextd.detect.references import references
from contextd.detect.tree import Tree, joined, relative
from contextd.model.finding import Corpus, History


def named(text: str, markup: Markup = Markup.MARKDOWN) -> list[tuple[str, str, str]]:
    return [(str(r.kind), r.path, r.fragment) for r in references(read("x", markup, text.encode()))]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("The backoff lives in `src/retry.py`.", "src/retry.py"),
        ("See `./scripts/run.sh`", "./scripts/run.sh"),
        ("``src/a.py`` too", "src/a.py"),
        ("`retry.py`", "retry.py"),
        ("`Makefile`", "Makefile"),
        ("`src/a.py:41-68`", "src/a.py"),
        ("`tests/test_a.py::test_b`", "tests/test_a.py"),
        ("`deploy/`", "deploy/"),
        ("`docs/api`", "docs/api"),
    ],
)
def test_a_code_span_that_is_a_path_is_one(text: str, path: str) -> None:
    assert named(text) == [("code", path, "")]


@pytest.mark.parametrize(
    "span",
    [
        "pip install x", "src/*.py", "src/<name>.py", "src/{a,b}.py", "$HOME/x.py", "https://example.org/a.py", "a.b.c()",
        "foo", "1.2.3", "/etc/hosts", "~/x.py", "path/...", "..", "[REDACTED:x]/a.py", "e.g", "x" * 400 + ".py",
    ],
)  # fmt: skip
def test_a_code_span_that_is_no_path_is_none(span: str) -> None:
    assert named(f"see `{span}` there") == []


def test_links_of_every_form_are_found() -> None:
    text = (
        "[a](docs/a.md#top) ![b](<img/b c.png>) [c](d(1).md 'title') [`src/x.py`](src/x.py?raw=true)\n"
        '[e]: docs/e.md "title"\n<a href=\'f.md\'>f</a> <img src="g%20h.png">\n[^1]: not a definition.md\n'
    )
    assert named(text) == [
        ("link", "docs/a.md", "top"),
        ("link", "img/b c.png", ""),
        ("link", "d(1).md", ""),
        ("link", "src/x.py", ""),
        ("link", "docs/e.md", ""),
        ("html", "f.md", ""),
        ("html", "g h.png", ""),
    ]


def test_links_elsewhere_are_left_out() -> None:
    assert named("[a](https://x.org/a.md) [b](mailto:a@b.c) [c](//x/y.md) [d]({{ url }}) [e](<%= x %>) `[f](g.md)`") == []
    assert named("[a](#usage)") == [("link", "", "usage")]


def test_restructuredtext_and_asciidoc_references() -> None:
    assert named("``src/a.py`` :file:`b/c.cfg` `text <d.rst>`_ `here_`_ `x <y_>`_\n\n.. _n: e.rst\n", Markup.RST) == [
        ("code", "src/a.py", ""),
        ("code", "b/c.cfg", ""),
        ("link", "d.rst", ""),
        ("link", "e.rst", ""),
    ]
    assert named("`src/a.py` and link:b.adoc#x[B] and xref:c.adoc[C]", Markup.ASCIIDOC) == [
        ("code", "src/a.py", ""),
        ("link", "b.adoc", "x"),
    ]


@pytest.mark.parametrize(
    ("folder", "target", "path"),
    [
        ("", "a/b", "a/b"),
        ("docs", "../a.md", "a.md"),
        ("docs/x", "./y//z/", "docs/x/y/z"),
        ("", "../a", None),
        ("a", "../../b", None),
    ],
)
def test_targets_are_joined_and_never_leave_the_tree(folder: str, target: str, path: str | None) -> None:
    assert joined(folder, target) == path


@pytest.mark.parametrize(
    ("folder", "target"), [("", "a/b.md"), ("docs", "docs/a.md"), ("docs/x", "src/a.py"), ("a/b", "a/c/d")]
)
def test_relative_is_the_inverse_of_joined(folder: str, target: str) -> None:
    assert joined(folder, relative(folder, target)) == target


def test_the_tree_knows_files_folders_and_what_is_below_a_link(tell: Callable[..., tuple[Corpus, History]]) -> None:
    corpus, _ = tell(
        {"src/pay/retry.py": "", "docs/guide.md": "", ".gitignore": "build/\n*.log\n!\n"}, excluded=["sub", "img/a.png"]
    )
    tree = Tree(corpus)
    assert all(tree.has(path) for path in ("src", "src/pay", "src/pay/retry.py", "sub/inside.c", "img/a.png", ""))
    assert not tree.has("src/pay/retr")
    assert tree.ending_in("retry.py") == ["src/pay/retry.py"]
    assert tree.has_suffix("pay/retry.py")
    assert not tree.has_suffix("y/retry.py")
    assert tree.has_page("docs/guide")
    assert tree.has_page("docs/guide.html")
    assert not tree.has_page("docs/other.html")
    assert tree.is_never_committed("build/x.js")
    assert tree.is_never_committed("a/b.log")
    assert not tree.is_never_committed("src/x.py")
