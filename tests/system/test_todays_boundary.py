"""The rules in force now hold at the question too: tightened, they withhold at once; loosened, nothing more is served."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import DEV, Files, House, Repository

NEW_RULE = """
[[rules]]
id = "house-pass"
description = "A pass of the house"
regex = '''housepass_[a-z]{12}'''
"""
BLOCK_RULE = """
[[rules]]
id = "house-block"
description = "A block over several lines"
regex = '''(?s)begin-house-block.*?end-house-block'''
"""
FILES: Files = {
    "src/refund.py": "def refund(amount):\n    return -amount\n",
    "src/login.py": 'PASS = "housepass_qzjvkwmxplrt"\n\n\ndef quagga():\n    return PASS\n',
    "docs/plans/merger.md": "# Merger\n\nWhy we buy the quagga farm.\n",
}


@pytest.fixture
def crawled(house: House, repository: Repository) -> House:
    repository.commit(FILES)
    house.add("code", repository.place)
    house.crawl("code")
    return house


def zone(house: House, lines: str) -> None:
    """Put a zone before all others."""
    house.rewrite("boundary.yaml", "zones:\n", f"zones:\n{lines}")


def test_a_new_never_ingest_zone_withholds_with_the_next_answer(crawled: House) -> None:
    before = crawled.ask("fetch", "code", "docs/plans/merger.md")
    assert before["withheld_count"] == 0
    zone(crawled, '  - {name: plans, action: never-ingest, paths: ["docs/plans/"], reason: Not yet public.}\n')
    refused = crawled.ask("fetch", "code", "docs/plans/merger.md", expect=(1,))
    assert refused["reason"] == "BOUNDARY_WITHHELD"
    found = crawled.ask("search", "quagga")
    assert [hit["path"] for hit in found["hits"]] == ["src/login.py"]
    assert found["withheld_count"] == 1
    assert crawled.reason("search", "merger") == "BOUNDARY_WITHHELD"
    explained = crawled.ask("explain", "code", "docs/plans/merger.md", expect=(1,))
    assert explained["then"] == "admitted"
    assert explained["exclusion"]["rule"] == "zone plans"
    assert explained["exclusion"]["where"].startswith("boundary.yaml:")
    shown = crawled.run("explain", "code", "docs/plans/merger.md")
    assert shown.stdout.splitlines()[0].startswith("excluded  EXCL-NEVER-INGEST  zone plans, boundary.yaml:")
    assert "the head was built when it was admitted; it is withheld now" in shown.stdout
    assert "To change it: boundary.yaml" in shown.stdout
    assert crawled.crawl("code")["excluded_count"] == 1
    assert crawled.reason("fetch", "code", "docs/plans/merger.md") == "NOT_FOUND"
    assert crawled.ask("search", "quagga")["withheld_count"] == 0
    assert crawled.ask("snapshot", "diff", "code", "--why")["changes"][0]["why"] == "policy"


def test_a_new_secret_rule_withholds_the_lines_it_would_cut_and_serves_the_others(crawled: House) -> None:
    assert "housepass_" in crawled.ask("fetch", "code", "src/login.py")["hits"][0]["text"]
    (crawled.home / "boundaries" / "secrets" / "house.toml").write_text(NEW_RULE, encoding="utf-8")
    assert crawled.reason("fetch", "code", "src/login.py") == "BOUNDARY_WITHHELD"
    assert crawled.reason("fetch", "code", "src/login.py:1") == "BOUNDARY_WITHHELD"
    served = crawled.ask("fetch", "code", "src/login.py:4-5")["hits"][0]
    assert served["text"] == "def quagga():\n    return PASS\n"
    assert not any("housepass_" in hit["text"] for hit in crawled.search("quagga PASS"))
    crawled.crawl("code")
    assert crawled.ask("fetch", "code", "src/login.py:1")["hits"][0]["text"] == 'PASS = "[REDACTED:house-pass]"\n'


def test_a_rule_over_several_lines_withholds_every_one_of_them(house: House, repository: Repository) -> None:
    body = "".join(f"line {n} of the quagga block\n" for n in range(400))
    repository.commit({"notes.txt": f"before\nbegin-house-block\n{body}end-house-block\nafter the block\n"})
    house.add("code", repository.place)
    house.crawl("code")
    assert house.search("quagga")
    (house.home / "boundaries" / "secrets" / "house.toml").write_text(BLOCK_RULE, encoding="utf-8")
    for lines in ("2", "200", "150-160", "402", "403", "1-2"):
        assert house.reason("fetch", "code", f"notes.txt:{lines}") == "BOUNDARY_WITHHELD", lines
    assert house.ask("fetch", "code", "notes.txt:1")["hits"][0]["text"] == "before\n"
    assert house.ask("fetch", "code", "notes.txt:404")["hits"][0]["text"] == "after the block\n"
    assert house.reason("search", "quagga") == "BOUNDARY_WITHHELD"


def test_withheld_hits_give_way_to_those_that_rank_after_them(house: House, repository: Repository) -> None:
    held: Files = {f"held/{n:02}.txt": "quagga quagga quagga housepass_qzjvkwmxplrt\n" for n in range(30)}
    repository.commit({**held, "open/one.txt": "a quagga among many other words that make it rank lower than the rest\n"})
    house.add("code", repository.place)
    house.crawl("code")
    (house.home / "boundaries" / "secrets" / "house.toml").write_text(NEW_RULE, encoding="utf-8")
    answer = house.ask("search", "quagga", "--limit", "5")
    assert [hit["path"] for hit in answer["hits"]] == ["open/one.txt"]
    assert answer["withheld_count"] == 30


def test_a_new_restricted_zone_closes_to_plain_readers_at_once(crawled: House) -> None:
    assert crawled.ask("fetch", "code", "docs/plans/merger.md", who=DEV)["hits"]
    zone(crawled, '  - {name: plans, action: restrict, labels: [plan], paths: ["docs/plans/"], reason: Few may read it.}\n')
    assert crawled.reason("fetch", "code", "docs/plans/merger.md", who=DEV) == "NOT_FOUND"
    assert [hit["path"] for hit in crawled.search("quagga", who=DEV)] == ["src/login.py"]
    assert crawled.ask("fetch", "code", "docs/plans/merger.md")["hits"]


def test_loosened_rules_serve_nothing_that_was_not_ingested(house: House, repository: Repository) -> None:
    zone(house, '  - {name: plans, action: never-ingest, paths: ["docs/plans/"], reason: Not yet public.}\n')
    (house.home / "boundaries" / "secrets" / "house.toml").write_text(NEW_RULE, encoding="utf-8")
    repository.commit(FILES)
    house.add("code", repository.place)
    house.crawl("code")
    (house.home / "boundaries" / "secrets" / "house.toml").unlink()
    house.rewrite(
        "boundary.yaml", '  - {name: plans, action: never-ingest, paths: ["docs/plans/"], reason: Not yet public.}\n', ""
    )
    assert house.reason("fetch", "code", "docs/plans/merger.md") == "NOT_FOUND"
    assert house.ask("fetch", "code", "src/login.py:1")["hits"][0]["text"] == 'PASS = "[REDACTED:house-pass]"\n'
    explained = house.ask("explain", "code", "docs/plans/merger.md")
    assert explained["admitted"]
    assert explained["then"].startswith("EXCL-NEVER-INGEST  zone plans")
    house.crawl("code")
    assert house.ask("fetch", "code", "docs/plans/merger.md")["hits"]


def test_an_older_snapshot_is_served_under_todays_rules_and_ignore_files(crawled: House, repository: Repository) -> None:
    old = crawled.ask("snapshot", "show", "code")["id"]
    repository.commit({".aiexclude": "docs/plans/\n"})
    crawled.crawl("code")
    assert crawled.ask("fetch", "code", "src/refund.py", "--snapshot", old)["watermarks"]["snapshots_behind"] == 1
    assert crawled.reason("fetch", "code", "docs/plans/merger.md", "--snapshot", old) == "BOUNDARY_WITHHELD"
    assert crawled.reason("fetch", "code", "docs/plans/merger.md") == "NOT_FOUND"


def test_a_document_that_only_an_older_snapshot_has_is_not_taken_for_fresh(
    house: House, new_repository: Callable[[str], Repository]
) -> None:
    repository = new_repository("payments")
    repository.commit({"docs/old.md": "# Old\n\nquagga\n", "src/a.py": "x = 1\n"})
    house.add("payments", repository.place, tier=3)
    old = house.crawl("payments")["id"]
    assert house.ask("fetch", "payments", "docs/old.md")["hits"]
    repository.commit({"docs/old.md": None})
    house.crawl("payments")
    assert house.reason("fetch", "payments", "docs/old.md", "--snapshot", old) == "CONTENT_STALE"
    assert house.ask("fetch", "payments", "src/a.py", "--snapshot", old)["hits"]


def test_what_grows_stale_is_withheld_when_its_time_comes_without_a_crawl(house: House, repository: Repository) -> None:
    repository.commit({"docs/runbook.md": "---\nlast_reviewed: 2026-08-01\n---\n# Run\n\nquagga\n"})
    house.add("payments", repository.place, tier=3)
    house.crawl("payments")
    assert house.search("quagga")[0]["freshness"]["state"] == "fresh"
    house.clock.move(days=10)
    assert house.search("quagga")[0]["freshness"]["state"] == "due"
    house.clock.move(days=60)
    assert house.reason("search", "quagga") == "CONTENT_STALE"
    assert house.ask("findings", "list", "--code", "FRESH-STALE")["findings"] == []
    house.crawl("payments")
    assert [f["code"] for f in house.ask("findings", "list")["findings"] if f["code"].startswith("FRESH")] == ["FRESH-STALE"]
