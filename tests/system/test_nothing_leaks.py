"""No planted secret and nothing of an excluded file is anywhere under the home: plain, encoded, compressed or as a term."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from contextd.index import tokens
from contextd.index.segments import Segment
from tests.conftest import DEV, OWNER, Files, House, Repository

PLACES = [
    "code",
    "document",
    "ticket",
    "subject",
    "ignore",
    "attributes",
    "query",
    "phrase",
    "reason",
    "rationale",
    "intent",
    "session",
    "pathway",
    "fetched path",
    "explained path",
    "source name",
]


def forms(value: str) -> set[bytes]:
    """A value as it may lie about: as it is, and in every encoding that keeps it readable for whoever looks."""
    data = value.encode()
    found = {
        data,
        data[::-1],
        value.encode("utf-16-le"),
        value.encode("utf-16-be"),
        data.hex().encode(),
        data.hex().upper().encode(),
    }
    found.add("".join(f"%{byte:02X}" for byte in data).encode())
    found.add(quote(value, safe="").encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            start = -(-shift * 4 // 3) if shift else 0
            found.add(encode(b"\0" * shift + data)[start + (shift > 0) : -4])
    return found


def streams(data: bytes, depth: int = 2) -> Iterator[bytes]:
    """``data``, and whatever zlib or gzip streams in it hold."""
    yield data
    if not depth:
        return
    for magic, bits in ((b"\x1f\x8b\x08", 31), *((b"\x78" + bytes([second]), 15) for second in (0x01, 0x5E, 0x9C, 0xDA))):
        at = data.find(magic)
        while at >= 0:
            try:
                inner = zlib.decompressobj(bits).decompress(data[at:], 1 << 22)
            except zlib.error:
                inner = b""
            if len(inner) > 8:
                yield from streams(inner, depth - 1)
            at = data.find(magic, at + 1)


def contents(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file under the home, byte by byte, and every value of every table: pages of a database may cut a value in two."""
    for file in sorted(path for path in home.rglob("*") if path.is_file()):
        name = str(file.relative_to(home))
        if name.startswith("boundaries/"):
            continue
        yield f"name of {name}", name.encode()
        for inner in streams(file.read_bytes()):
            yield name, inner
        if file.suffix == ".db":
            with closing(sqlite3.connect(file)) as db:
                db.text_factory = bytes
                tables = [row[0].decode() for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for table in tables:
                    for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names from the database itself
                        for value in row:
                            for inner in streams(value) if isinstance(value, bytes) else ():
                                yield f"{name}:{table}", inner


def leaks(home: Path, values: dict[str, str]) -> list[tuple[str, str]]:
    """``(where in the home, which value)`` for every value that is found in any form."""
    wanted = [(form, name) for name, value in values.items() for form in forms(value)]
    return sorted({(where, name) for where, data in contents(home) for form, name in wanted if form in data})


def terms(value: str) -> set[int]:
    """The keys by which a search index would know a value, or a part of it that is long enough to be nothing else."""
    found = set()
    for word in tokens.words(tokens.fold(value.encode())):
        whole, parts = tokens.analyse(word)
        long = [tokens.part_key(part) for part in tokens.split(word) if len(part) > 5]
        found |= {key for key in (whole, *(parts if len(tokens.split(word)) == 1 else ()), *long) if key is not None}
    return found


def indexed(house: House, keys: set[int]) -> set[int]:
    """Which of these terms any postings segment holds."""
    found = set()
    with house.opened() as plane:
        for source in plane.sources():
            shelf = plane.shelf(source.name)
            for stored in shelf.segments():
                ids = np.frombuffer(stored.chunk_ids, dtype="<i8")
                segment = Segment(stored.header, shelf.blocks(stored.id).__getitem__, ids)
                found |= {key for key in keys if segment.find(key)}
    return found


@pytest.fixture
def secrets(planted: Callable[[str], str]) -> dict[str, str]:
    """A secret of its own for every place where one may stand, and words that only excluded files hold."""
    found = {place: planted("stripe" if n % 2 else "github") for n, place in enumerate(PLACES)}
    return found | {"e-mail": planted("email")} | {f"excluded {n}": planted("plain") for n in range(6)}


@pytest.fixture
def lived_in(house: House, repository: Repository, tmp_path: Path, secrets: dict[str, str]) -> House:
    """A home in which people did everything with secrets that people do."""
    first: Files = {
        "src/settings.py": f'STRIPE = "{secrets["code"]}"\nCANARY = "quaggaCanaryWord"\n',
        "src/retry.py": "def retry(): ...\n",
        "README.md": f"# Use\n\nThe key is {secrets['document']}, ask {secrets['e-mail']}. Backoff is in `src/retry.py`.\n",
        ".aiexclude": f"# {secrets['ignore']}\nplans/\n{secrets['ignore']}.txt\n",
        ".gitattributes": f"*.gen.py linguist-generated\n# {secrets['attributes']}\n",
        "plans/merger.md": f"We buy {secrets['excluded 0']}\n",
        "deploy/prod.env": f"TOKEN={secrets['excluded 1']}\n",
        "made.gen.py": f"x = '{secrets['excluded 2']}'\n",
        "big.txt": f"{secrets['excluded 3']}\n" * 40_000,
        "data.bin": b"\0" + secrets["excluded 4"].encode(),
        "packed.gz": gzip.compress(secrets["excluded 5"].encode()),
    }
    repository.commit(first, f"Rotate {secrets['subject']}")
    repository.commit({"src/retry.py": None, "src/backoff.py": "def retry(): ...\n"}, f"Move it, key was {secrets['subject']}")
    export = tmp_path / "export.jsonl"
    ticket = {
        "id": "PAY-1",
        "title": f"Key {secrets['ticket']}",
        "body": f"use {secrets['ticket']}",
        "labels": [secrets["ticket"]],
    }
    export.write_text(json.dumps(ticket) + "\n", encoding="utf-8")
    settings = house.home / "contextd.toml"
    settings.write_text(settings.read_text().replace("keep_query_text = false", "keep_query_text = true"))
    house.add("code", repository.place, tier=3)
    house.add("tickets", export, kind="tickets")
    for name in ("code", "tickets"):
        house.crawl(name)
    use(house, secrets)
    repository.commit({"src/more.py": "def backoff(): ...\n"}, f"More {secrets['subject']}")
    house.crawl("code")
    return house


def use(house: House, secrets: dict[str, str]) -> None:
    """Everything that can be typed into the product, with a secret in it."""
    house.ask("grant", "approve", DEV, "auditor", "--rationale", f"because {secrets['rationale']}")
    house.ask("grant", "revoke", DEV, "auditor", "--reason", f"because {secrets['reason']}")
    house.ask("source", "suspend", "tickets", "--reason", f"because {secrets['reason']}")
    house.ask("source", "approve", "tickets", "--reason", f"because {secrets['reason']}")
    house.ask("search", f"where is {secrets['query']} used")
    house.ask("search", f'"{secrets["phrase"]}" quaggaCanaryWord')
    more = ["--intent", secrets["intent"], "--session", secrets["session"]]
    house.ask("search", "quaggaCanaryWord", "--source", "code", *more)
    house.ask("search", "quaggaCanaryWord", "--source", "code", "--pathway", secrets["pathway"], expect=(1,))
    house.ask("fetch", "code", f"src/{secrets['fetched path']}.py", expect=(1,))
    house.ask("explain", "code", f"src/{secrets['explained path']}.py", expect=(1,))
    house.ask("source", "show", secrets["source name"], expect=(1,))
    house.ask("search", "quagga", "--source", secrets["source name"], expect=(1,))
    house.ask("boundary", "check", "code")
    house.ask("findings", "list")
    house.ask("doctor", "--deep")
    house.ask(
        "source",
        "add",
        "more",
        f"https://bot:{secrets['code']}@example.org/x.git",
        "--tier",
        "1",
        "--owner",
        OWNER,
        expect=(3,),
    )


def test_no_secret_and_nothing_excluded_is_under_the_home_in_any_form(lived_in: House, secrets: dict[str, str]) -> None:
    assert leaks(lived_in.home, {"canary": "quaggaCanaryWord"})
    assert leaks(lived_in.home, secrets) == []


def test_no_secret_is_a_term_of_the_search_index(lived_in: House, secrets: dict[str, str]) -> None:
    assert indexed(lived_in, terms("quaggaCanaryWord")) == terms("quaggaCanaryWord")
    keys = {key for value in secrets.values() for key in terms(value)}
    assert len(keys) >= len(secrets)
    assert indexed(lived_in, keys) == set()


def test_no_answer_says_a_secret(lived_in: House, secrets: dict[str, str]) -> None:
    asked = [
        ["search", "quaggaCanaryWord key backoff use"],
        ["fetch", "code", "README.md"],
        ["fetch", "code", "src/settings.py"],
        ["fetch", "tickets", "PAY-1.ticket.md"],
        ["boundary", "check", "code", "--show", "redacted"],
        ["boundary", "check", "tickets", "--show", "redacted"],
        ["findings", "list"],
        ["source", "show", "tickets"],
        ["grant", "list"],
    ]
    (finding,) = lived_in.ask("findings", "list", "--code", "DRIFT-PATH-GONE")["findings"]
    assert finding["breaking_subject"].startswith("Move it, key was [REDACTED:")
    asked.append(["findings", "show", finding["id"]])
    for words in asked:
        for form in ("text", "json"):
            answer = lived_in.run("--format", form, *words)
            assert answer.code == 0, words
            said = [name for name, value in secrets.items() if value in answer.stdout + answer.stderr]
            assert said == [], words


def test_a_crawl_that_fails_keeps_no_secret_of_what_it_says(house: House, tmp_path: Path, secrets: dict[str, str]) -> None:
    export = tmp_path / "export.jsonl"
    export.write_text('{"id": "PAY-1", "title": "fine"}\n')
    house.add("tickets", export, kind="tickets")
    house.crawl("tickets")
    export.write_text('{"id": "PAY-1", "title": "fine"}\n' + f'{{"id": "{secrets["ticket"]}", "id": "{secrets["code"]}"\n')
    assert house.reason("crawl", "tickets", code=3) == "CRAWL_FAILED"
    assert leaks(house.home, secrets) == []


def test_a_secret_in_the_name_of_a_file_is_not_kept(house: House, repository: Repository, secrets: dict[str, str]) -> None:
    name = secrets["code"]
    repository.commit(
        {f"keys/{name}.txt": "x\n", f"{name}.py": "y = 1\n", f"{secrets['document']}/deep/a.md": "# A\n", "ok.py": "z = 1\n"}
    )
    house.add("code", repository.place)
    house.crawl("code")
    house.ask("boundary", "check", "code")
    assert leaks(house.home, secrets) == []
