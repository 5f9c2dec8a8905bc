"""Search and fetch on an opened home: what narrows, pins and budgets do, and that several sources answer as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contextd.model.access import Use, Workflow
from contextd.model.answer import Filter, Permitted, Question
from contextd.model.errors import InvalidInput, NotFound
from contextd.operations.ask import fetch, search, tokens_of
from contextd.operations.ingest import crawl
from contextd.operations.plane import Plane
from tests.conftest import STEWARD, Files, House, Repository

FILES: Files = {
    "src/money.py": "def quagga_total(lines):\n    return sum(lines)\n\n\n"
    "class Ledger:\n    def quagga_close(self):\n        return 1\n",
    "src/money.go": "package money\n\nfunc QuaggaTotal() int { return 1 }\n",
    "docs/quagga.md": "# Quagga\n\nWhat a quagga is.\n\n## Care\n\nFeed it okapi.\n",
    "tests/test_money.py": "def test_quagga():\n    assert True\n",
}


@pytest.fixture
def house_of_one(house: House, repository: Repository) -> House:
    repository.commit(FILES)
    house.add("code", repository.place)
    house.crawl("code")
    return house


def question(text: str = "quagga", *sources: str, **changes: object) -> Question:
    return replace(Question(text, sources, Use()), **changes)  # type: ignore[arg-type]  # keywords of a test


def paths(answer: Permitted) -> list[str]:
    return sorted({hit.path for hit in answer.hits})


NARROWED: list[tuple[Filter, list[str]]] = [
    (Filter(), ["docs/quagga.md", "src/money.go", "src/money.py", "tests/test_money.py"]),
    (Filter(paths=("src/",)), ["src/money.go", "src/money.py"]),
    (Filter(paths=("*.py", "!tests/**")), ["src/money.py"]),
    (Filter(languages=("go", "markdown")), ["docs/quagga.md", "src/money.go"]),
    (Filter(symbols=("quagga_close",)), ["src/money.py"]),
    (Filter(symbols=("Ledger.quagga_close",)), ["src/money.py"]),
    (Filter(symbols=("nope",)), []),
    (Filter(("src/",), ("python",), ("quagga_total",)), ["src/money.py"]),
]


def test_a_search_is_narrowed_to_paths_languages_and_symbols(house_of_one: House) -> None:
    with house_of_one.acting() as (plane, caller):
        for narrowing, expected in NARROWED:
            assert paths(search(plane, caller, question(filter=narrowing))) == expected, narrowing


def test_hits_carry_where_they_come_from_and_what_they_cost(house_of_one: House) -> None:
    with house_of_one.acting() as (plane, caller):
        answer = search(plane, caller, question("quagga_close Ledger", limit=1))
        (hit,) = answer.hits
        assert (
            hit.text.encode() == plane.shelf("code").text(_document(plane, hit.path))[hit.span.start_byte : hit.span.end_byte]
        )
        assert (hit.rank, hit.language, hit.symbol.rpartition(".")[2]) == (1, "python", "Ledger")
        assert hit.tokens == tokens_of(hit.text.encode()) == answer.tokens
        (snapshot,) = plane.shelf("code").heads().values()
        assert (hit.snapshot, hit.commit) == (snapshot.id, snapshot.commit)
        assert answer.receipt.snapshots == (snapshot.id,)
        assert [served.path for served in answer.receipt.served] == [hit.path]
        assert answer.watermarks.oldest == answer.watermarks.content == snapshot.built_at <= answer.watermarks.drift


def _document(plane: Plane, path: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - what the shelf gives
    shelf = plane.shelf("code")
    (head,) = shelf.heads().values()
    document = shelf.document(head.ref, head.sequence, path)
    assert document is not None
    return document


def test_a_budget_cuts_at_a_line_and_says_so(house: House, repository: Repository) -> None:
    repository.commit({"long.txt": "".join(f"quagga number {n}\n" for n in range(200)), "wide.txt": "quagga " * 300 + "\n"})
    house.add("code", repository.place)
    house.crawl("code")
    with house.acting() as (plane, caller):
        cut = fetch(plane, caller, question("long.txt", "code", budget=50), "long.txt")
        (hit,) = cut.hits
        assert cut.truncated
        assert hit.text.endswith("\n")
        assert hit.text.count("\n") == hit.span.end_line
        assert 40 <= hit.tokens <= 50
        whole = fetch(plane, caller, question("long.txt", "code", budget=5000), "long.txt")
        assert (whole.truncated, whole.hits[0].span.end_line) == (False, 200)
        nothing = fetch(plane, caller, question("wide.txt", "code", budget=16), "wide.txt")
        assert (nothing.truncated, nothing.hits[0].text, nothing.tokens) == (True, "", 0)
        few = search(plane, caller, question(budget=60, limit=10))
        assert few.truncated
        assert few.tokens <= 60


def test_lines_are_those_that_were_asked_for(house_of_one: House) -> None:
    with house_of_one.acting() as (plane, caller):

        def lines(first: int, last: int) -> str:
            return fetch(plane, caller, question("src/money.py", "code"), "src/money.py", (first, last)).hits[0].text

        text = str(FILES["src/money.py"])
        assert lines(1, 7) == lines(1, 999) == text
        assert lines(2, 2) == "    return sum(lines)\n"
        assert lines(7, 7) == "        return 1\n"
        for bad in ((0, 1), (3, 2), (-1, 1)):
            with pytest.raises(InvalidInput, match="not a range of lines"):
                lines(*bad)
        with pytest.raises(NotFound, match="has 7 lines"):
            lines(8, 8)
        assert fetch(plane, caller, question("tests/test_money.py", "code"), "tests/test_money.py").receipt.id


def test_an_empty_document_can_be_fetched(house: House, repository: Repository) -> None:
    repository.commit({"empty.txt": "", "no-end.txt": "quagga"})
    house.add("code", repository.place)
    house.crawl("code")
    with house.acting() as (plane, caller):
        assert fetch(plane, caller, question("empty.txt", "code"), "empty.txt").hits[0].text == ""
        assert fetch(plane, caller, question("no-end.txt", "code"), "no-end.txt", (1, 1)).hits[0].text == "quagga"


def test_a_fetch_reads_from_exactly_one_source(house_of_one: House) -> None:
    with house_of_one.acting() as (plane, caller):
        for sources in ((), ("code", "other")):
            with pytest.raises(InvalidInput, match="one source"):
                fetch(plane, caller, question("x", *sources), "x")


def test_pins_choose_a_snapshot_by_id_or_commit_and_say_how_far_behind_it_is(
    house_of_one: House, repository: Repository
) -> None:
    with house_of_one.acting() as (plane, caller):
        (first,) = plane.shelf("code").heads().values()
        commits = [first.commit]
        for n in range(2):
            commits.append(repository.commit({f"new{n}.py": "okapi = 1\n"}))
            crawl(plane, caller, "code")
        assert search(plane, caller, question("okapi", "code")).watermarks.snapshots_behind == 0
        for pin in (
            {"snapshot": first.id},
            {"snapshot": first.id[5:20]},
            {"commit": first.commit},
            {"commit": first.commit[:7]},
        ):
            answer = search(plane, caller, question("okapi", "code", **pin))
            assert paths(answer) == ["docs/quagga.md"]
            assert answer.watermarks.snapshots_behind == 2
            assert answer.watermarks.content == first.built_at
        assert paths(search(plane, caller, question("okapi", "code", commit=commits[1]))) == ["docs/quagga.md", "new0.py"]
        for wrong in ({"snapshot": "0" * 12}, {"commit": "0" * 40}, {"snapshot": first.id, "commit": commits[1]}):
            with pytest.raises(NotFound, match="has no snapshot") as told:
                search(plane, caller, question("okapi", "code", **wrong))
            assert told.value.reason == "SNAPSHOT_NOT_FOUND"


def test_several_sources_answer_as_one_and_a_named_one_must_be_open(
    house_of_one: House, new_repository: Callable[[str], Repository]
) -> None:
    other = new_repository("other")
    other.commit({"zoo.md": "# Zoo\n\nquagga quagga quagga\n"})
    house_of_one.add("other", other.place)
    with house_of_one.acting() as (plane, caller):
        assert {hit.source for hit in search(plane, caller, question()).hits} == {"code"}
        crawl(plane, caller, "other")
        both = search(plane, caller, question())
        assert {hit.source for hit in both.hits} == {"code", "other"}
        assert [hit.score for hit in both.hits] == sorted((hit.score for hit in both.hits), reverse=True)
        assert len(both.receipt.snapshots) == 2
        assert {hit.source for hit in search(plane, caller, question("quagga", "other", "other")).hits} == {"other"}
        with pytest.raises(NotFound):
            search(plane, caller, question("quagga", "code", "none"))
        with pytest.raises(InvalidInput, match="not an id"):
            search(plane, caller, question(snapshot="zz"))


def test_the_same_home_answers_the_same_after_other_sources_and_refs_moved(
    house_of_one: House, new_repository: Callable[[str], Repository]
) -> None:
    other = new_repository("other")
    other.commit({f"okapi{n}.py": f"okapi = {n}\n" * 5 for n in range(40)})
    house_of_one.add("other", other.place)
    with house_of_one.acting() as (plane, caller):
        before = [(h.path, h.text) for h in search(plane, caller, question("quagga", "code")).hits]
        crawl(plane, caller, "other")
        assert len(search(plane, caller, question("okapi", limit=50)).hits) == 41
        other.commit({f"more{n}.py": f"quagga = {n}\n" for n in range(40)})
        crawl(plane, caller, "other")
        assert len({hit.path for hit in search(plane, caller, question("quagga", "other", limit=50)).hits}) == 40
        assert [(h.path, h.text) for h in search(plane, caller, question("quagga", "code")).hits] == before


def test_what_a_caller_says_of_the_use_is_part_of_the_receipt(house_of_one: House) -> None:
    use = Use("ide-assistant", Workflow.REVIEW, "INT-7", "s-1", "acme-ide", "2.3")
    with house_of_one.acting() as (plane, caller):
        one, other = (search(plane, caller, question(use=use)).receipt for _ in range(2))
        assert one.use == use
        assert one.id != other.id
        assert other.audit_index == one.audit_index + 1
        assert one.query_key == other.query_key
        assert search(plane, caller, question("okapi", use=use)).receipt.query_key != one.query_key
        row = plane.control.receipts.get(one.id)
        assert (row.principal, row.session, row.pathway) == (STEWARD, "s-1", "ide-assistant")


def test_decisions_are_kept_as_events_with_tier_and_component(house_of_one: House) -> None:
    with house_of_one.acting() as (plane, caller):
        search(plane, caller, question("quagga", "code"))
        with pytest.raises(NotFound):
            search(plane, plane.caller("outsider@example.org"), question("quagga", "code"))
        events = list(plane.control.events.find("decision", "code"))
    said = [(event.component, event.tier, event.body["allowed"], event.body.get("reason", "")) for event in events]
    assert said[-2:] == [("rest", 1, True, ""), ("rest", 1, False, "SOURCE_NOT_FOUND")]
