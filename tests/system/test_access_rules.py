"""Who gets what: a source that may not be known looks like one that is not there, and every no is recorded."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from contextd.model.access import Role, Use
from contextd.model.answer import Question
from contextd.operations.ask import search
from contextd.operations.plane import Caller, Plane
from tests.conftest import DEV, ON_A_SOURCE, OUTSIDER, OWNER, STEWARD, Files, House, Repository

FILES: Files = {
    "src/refund.py": "def refund(amount):\n    return -amount\n",
    "docs/incidents/2026-09.md": "# Double refund\n\nThe quagga processor refunded twice.\n",
    "docs/refunds.md": "# Refunds\n\nA refund is retried.\n",
}


@pytest.fixture
def crawled(house: House, repository: Repository) -> House:
    """A tier-3 repository, crawled."""
    repository.commit(FILES)
    house.add("payments", repository.place, tier=3)
    house.crawl("payments")
    return house


def test_without_a_grant_a_source_looks_like_one_that_is_not_there(crawled: House) -> None:
    for words in ON_A_SOURCE:
        for form in ("json", "text"):
            answers = []
            for name in ("payments", "nowhere1"):
                given = [word.replace("NAME", name) for word in words]
                answer = crawled.run("--format", form, *given, who=OUTSIDER)
                index = int(crawled_audit_index(answer.stdout, form))
                told = [text.replace(name, "NAME").replace(str(index), "N") for text in (answer.stdout, answer.stderr)]
                answers.append((answer.code, *told))
            assert answers[0] == answers[1], words
            assert answers[0][0] == 1, words
    assert crawled.ask("source", "list", who=OUTSIDER)["sources"] == []
    assert crawled.ask("findings", "list", who=OUTSIDER)["findings"] == []


def crawled_audit_index(text: str, form: str) -> str:
    """The index of the audit entry that a refusal names."""
    marker = '"audit": "' if form == "json" else "audit    "
    found = re.search(rf"{marker}(\d+)", text)
    assert found
    return found[1]


def test_a_damaged_shelf_tells_nothing_to_who_may_not_know_of_it(crawled: House) -> None:
    (crawled.home / "shelves" / "payments.db").write_bytes(b"rubbish" * 3000)
    for words in (["search", "refund", "--source", "payments"], ["fetch", "payments", "src/refund.py"]):
        assert crawled.reason(*words, who=OUTSIDER) == "SOURCE_NOT_FOUND"
    assert crawled.reason("search", "refund", who=OUTSIDER) == "SOURCE_NOT_FOUND"


def test_every_refusal_exits_1_and_is_in_the_audit_log_with_what_was_asked_for(crawled: House) -> None:
    told = crawled.ask("search", "refund", "--source", "payments", "--pathway", "coding-agent", who=DEV, expect=(1,))
    assert told["reason"] == "NOT_ELIGIBLE"
    assert "contextd package check payments" in told["hint"]
    (event,) = crawled.audited("refused")
    assert event["reason"] == "NOT_ELIGIBLE"
    assert (event["principal"], event["subject"], event["pathway"]) == (DEV, "sources/payments", "coding-agent")
    with crawled.opened() as plane:
        assert plane.audit.entry(int(told["metadata"]["audit"])).event == event
        decisions = [e.body for e in plane.control.events.find("decision", "payments")]
    assert decisions[-1]["reason"] == "NOT_ELIGIBLE"
    shown = crawled.run("search", "refund", "--source", "payments", "--pathway", "coding-agent", who=DEV)
    assert shown.code == 1
    assert shown.stdout.startswith("refused  NOT_ELIGIBLE  payments is tier 3 and not eligible for coding-agent.\n")
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--workflow", "autonomous"], "WORKFLOW_NOT_ALLOWED"),
        (["--workflow", "generate"], "NOT_ELIGIBLE"),
        (["--pathway", "carrier-pigeon"], "PATHWAY_NOT_APPROVED"),
    ],
)
def test_what_a_tier_does_not_open_is_refused_with_its_reason(crawled: House, words: list[str], reason: str) -> None:
    assert crawled.reason("search", "refund", "--source", "payments", *words, who=DEV) == reason


def test_a_revoked_token_is_nobodys_and_a_torn_one_none(crawled: House) -> None:
    assert crawled.search("refund", who=DEV)
    with crawled.opened() as plane:
        plane.control.people.revoke_tokens(DEV, by=STEWARD, at=crawled.clock())
    told = crawled.run("--format", "json", "search", "refund", who=DEV)
    assert (told.code, told.json["reason"]) == (1, "UNAUTHENTICATED")
    assert crawled.audited("refused")[-1]["principal"] == "unknown"
    token = crawled.token(OWNER)
    token.write_text("not a token\n")
    assert crawled.reason("source", "list", who=OWNER, code=3) == "FIELD_INVALID"
    token.chmod(0o644)
    assert "chmod 600" in crawled.ask("source", "list", who=OWNER, expect=(3,))["hint"]
    token.unlink()
    assert "missing" in crawled.ask("source", "list", who=OWNER, expect=(3,))["message"]


def test_a_grant_that_ended_is_felt_at_once(crawled: House) -> None:
    assert crawled.search("refund", who=DEV)
    crawled.ask("grant", "revoke", DEV, "reader", "--reason", "moved on")
    assert crawled.reason("search", "refund", "--source", "payments", who=DEV) == "SOURCE_NOT_FOUND"
    crawled.ask("grant", "approve", DEV, "reader", "--rationale", "back", "--review-by", "10d")
    assert crawled.search("refund", who=DEV)
    crawled.clock.move(days=11)
    assert crawled.reason("search", "refund", "--source", "payments", who=DEV) == "SOURCE_NOT_FOUND"


def test_restricted_documents_are_invisible_to_plain_readers_and_change_no_score(
    crawled: House, repository: Repository
) -> None:
    assert crawled.search("quagga processor", who=DEV) == []
    assert crawled.reason("fetch", "payments", "docs/incidents/2026-09.md", who=DEV) == "NOT_FOUND"
    assert [hit["path"] for hit in crawled.search("quagga processor")] == ["docs/incidents/2026-09.md"]
    before = crawled.run("--format", "json", "search", "refund twice retried", who=DEV).json
    incident: Files = {f"docs/incidents/{n}.md": "# Refund\n\nrefund twice retried refund\n" * (n + 1) for n in range(5)}
    repository.commit(incident)
    crawled.crawl("payments")
    after = crawled.run("--format", "json", "search", "refund twice retried", who=DEV).json
    assert [(h["path"], h["rank"]) for h in after["hits"]] == [(h["path"], h["rank"]) for h in before["hits"]]
    assert after["withheld_count"] == before["withheld_count"] == 0
    with crawled.acting(DEV) as (plane, caller):
        scores = _scores(plane, caller)
    repository.commit(dict.fromkeys(incident))
    crawled.crawl("payments")
    with crawled.acting(DEV) as (plane, caller):
        assert _scores(plane, caller) == scores


def _scores(plane: Plane, caller: Caller) -> list[tuple[str, float]]:
    answer = search(plane, caller, Question("refund twice retried", ("payments",), Use()))
    return [(hit.path, hit.score) for hit in answer.hits]


def test_an_elevated_reader_sees_restricted_documents_with_their_label(crawled: House) -> None:
    crawled.ask("grant", "approve", DEV, "elevated-reader", "--rationale", "on call")
    (hit,) = crawled.search("quagga processor", who=DEV)
    assert hit["labels"] == ["incident"]
    assert "[incident]" in crawled.run("search", "quagga processor", who=DEV).stdout


def test_four_eyes_at_tier_3_and_one_pair_at_tier_2(house: House, new_repository: Callable[[str], Repository]) -> None:
    for name, tier in (("three", 3), ("two", 2)):
        repository = new_repository(name)
        repository.commit(FILES)
        house.ask("source", "add", name, str(repository.place), "--tier", str(tier), "--owner", OWNER)
    refused = house.ask("source", "approve", "three", "--reason", "mine", expect=(1,))
    assert refused["reason"] == "APPROVER_IS_REQUESTER"
    assert house.ask("source", "show", "three")["state"] == "proposed"
    approved = house.run("source", "approve", "two", "--reason", "mine")
    assert "(own request; tier 2 allows it)" in approved.stdout
    assert house.reason("grant", "approve", STEWARD, "auditor", "--rationale", "me") == "APPROVER_IS_REQUESTER"


def test_what_is_not_approved_is_neither_crawled_nor_served(house: House, repository: Repository) -> None:
    repository.commit(FILES)
    house.ask("source", "add", "payments", str(repository.place), "--tier", "1", "--owner", OWNER, who=OWNER)
    assert house.reason("crawl", "payments") == "SOURCE_NOT_APPROVED"
    assert house.reason("search", "refund", "--source", "payments") == "SOURCE_NOT_APPROVED"
    assert house.ask("crawl", "--all")["crawls"] == []
    house.ask("source", "approve", "payments", "--reason", "read")
    house.crawl("payments")
    assert house.search("refund", "--source", "payments", who=DEV)
    house.ask("source", "suspend", "payments", "--reason", "a leak is looked into")
    for words in (["search", "refund", "--source", "payments"], ["fetch", "payments", "src/refund.py"], ["crawl", "payments"]):
        assert house.reason(*words) == "SOURCE_NOT_APPROVED"
    assert house.reason("search", "refund") == "SOURCE_NOT_FOUND"
    assert house.reason("snapshot", "list", "payments", who=DEV) == "SOURCE_NOT_APPROVED"
    assert house.ask("snapshot", "list", "payments")["snapshots"]
    house.ask("source", "approve", "payments", "--reason", "looked into")
    assert house.search("refund", "--source", "payments", who=DEV)


def test_an_approval_that_lapsed_stops_serving_and_crawling(crawled: House, repository: Repository) -> None:
    crawled.clock.move(days=91)
    repository.commit({"src/new.py": "x = 1\n"})
    assert crawled.reason("search", "refund", "--source", "payments") == "SOURCE_NOT_APPROVED"
    assert crawled.reason("crawl", "payments") == "SOURCE_NOT_APPROVED"
    assert any("overdue" in check["found"] for check in crawled.ask("doctor")["checks"])
    crawled.ask("source", "approve", "payments", "--reason", "read again")
    crawled.crawl("payments")
    assert crawled.search("refund", "--source", "payments")


def test_a_component_opens_to_who_was_granted_just_that(house: House, repository: Repository) -> None:
    repository.commit({"ui/page.ts": "export const refundButton = 1\n", "core/refund.py": "refund_core = 1\n"})
    house.add("shop", repository.place, "--component", "web=ui/:1:team-ui", tier=3)
    house.crawl("shop")
    with house.opened() as plane:
        plane.control.people.revoke_grant(DEV, Role.READER, "all", by=STEWARD, at=house.clock())
    house.ask("grant", "approve", DEV, "reader", "--scope", "component:shop/web", "--rationale", "the button")
    assert [hit["path"] for hit in house.search("refund", who=DEV)] == ["ui/page.ts"]
    assert house.reason("fetch", "shop", "core/refund.py", who=DEV) == "NOT_FOUND"
    assert [source["name"] for source in house.ask("source", "list", who=DEV)["sources"]] == ["shop"]
    assert {hit["path"] for hit in house.search("refund")} == {"ui/page.ts", "core/refund.py"}


def test_receipts_of_others_look_like_receipts_that_are_not_there(crawled: House) -> None:
    receipt = crawled.ask("search", "refund")["receipt"]["id"]
    assert crawled.ask("receipt", "show", receipt)["id"] == receipt
    other = receipt[:-1] + ("0" if receipt[-1] != "0" else "1")
    told = [crawled.ask("receipt", "show", value, who=DEV, expect=(1,)) for value in (receipt, other)]
    assert told[0]["message"].replace(receipt, "X") == told[1]["message"].replace(other, "X")
    assert told[0]["hint"] == told[1]["hint"]
    mine = crawled.ask("search", "refund", who=DEV)["receipt"]["id"]
    assert crawled.ask("receipt", "verify", mine, who=DEV)["holds"]


def test_what_speaks_of_a_source_does_not_tell_a_plain_reader_of_restricted_documents(
    house: House, repository: Repository, planted: Callable[[str], str]
) -> None:
    zone = 'zones:\n  - {name: closed, action: restrict, labels: [closed], paths: ["docs/closed/"]}\n'
    house.rewrite("boundary.yaml", "zones:\n", zone)
    secret = f"\nkey {planted('stripe')}\n"
    quoting: Files = {"docs/closed/1.md": f"# One\n\nThe quagga is in `src/gone.py`.\n{secret}", "src/gone.py": "x = 1\n"}
    repository.commit({"README.md": "# Code\n", **quoting})
    repository.commit({"src/gone.py": None})
    house.add("code", repository.place, tier=3)
    house.crawl("code")
    repository.commit(
        {"docs/closed/1.md": f"# One\n\nThe quagga is in `src/gone.py`.\n\nMore.\n{secret}", "README.md": "# Code!\n"}
    )
    house.crawl("code")
    (finding,) = house.ask("findings", "list", "--code", "DRIFT-PATH-GONE")["findings"]
    said = []
    for who in (STEWARD, DEV):
        changes = {change["path"] for change in house.ask("snapshot", "diff", "code", who=who)["changes"]}
        listed = {f["subject"]["path"] for f in house.ask("findings", "list", who=who)["findings"]}
        named = {f["subject"]["path"] for f in house.ask("findings", "list", "--source", "code", who=who)["findings"]}
        cut = {r["path"] for r in house.ask("boundary", "check", "code", who=who)["redacted"]}
        then = house.ask("explain", "code", "docs/closed/1.md", who=who)
        shown = house.run("findings", "show", finding["id"], who=who).code
        said.append((changes, listed & named, cut, then["then"], bool(then["redactions"]), shown))
    closed = "docs/closed/1.md"
    (changes, listed, cut, then, redacted, shown), plain = said
    assert ({closed, "README.md"}, {closed}, "admitted", True, 0) == (changes, cut, then, redacted, shown)
    assert closed in listed
    assert plain == ({"README.md"}, listed - {closed}, set(), "", False, 1)
    assert house.ask("findings", "show", finding["id"], who=DEV, expect=(1,))["message"].startswith("no finding ")
    house.rewrite(
        "boundary.yaml", "zones:\n", 'zones:\n  - {name: readme, action: restrict, labels: [own], paths: ["README.md"]}\n'
    )
    assert house.ask("snapshot", "diff", "code", who=DEV)["changes"] == []
