"""The story of ``make demo``: every line it prints is read back from the product's own answers."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import secrets
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from contextd.cli.main import main
from contextd.cli.sizes import many
from sample_repos.build import Planted, build_samples

STEWARD, OWNER, DEV = "steward@example.org", "team-payments", "dev@example.org"
QUESTION = "how are refunds retried?"
SOURCES = (
    ("payments", "git", "3", "team-payments"),
    ("checkout", "git", "3", "team-checkout"),
    ("release-notes", "git", "1", "team-platform"),
    ("handbook", "directory", "2", "team-platform"),
    ("tickets", "tickets", "2", "team-payments"),
)


class Story:
    """One scratch home, and the product's answers to commands on it."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.home = scratch / "home"
        self.tokens: dict[str, str] = {}

    def run(self, *words: str, who: str = STEWARD, expect: Sequence[int] = (0,)) -> dict[str, Any]:
        """Run one contextd command as a principal and return its JSON answer; stop the story when it fails."""
        given = ["--home", str(self.home), "--format", "json", "-q"]
        if who in self.tokens:
            given += ["--token-file", self.tokens[who]]
        stdout = io.StringIO()
        with contextlib.redirect_stdout(stdout):
            code = main([*given, *words])
        if code not in expect:
            sys.exit(f"contextd {' '.join(words)} ended with {code}:\n{stdout.getvalue()}")
        answer: dict[str, Any] = json.loads(stdout.getvalue())
        return answer


def tell(samples: Path | None = None, target: Path | None = None) -> None:
    """Tell the story on the samples, in a scratch folder of its own."""
    started = time.monotonic()
    scratch = target or ROOT / "scratch" / f"contextd-demo.{secrets.token_hex(2)}"
    scratch.mkdir(parents=True)
    shown = scratch.relative_to(ROOT) if scratch.is_relative_to(ROOT) else scratch
    print(f"scratch home {shown}; nothing outside it is touched")
    planted = build_samples(scratch / "sources", datetime.now(UTC), *([samples] if samples else []))
    story = Story(scratch)
    _register(story)
    _crawl(story, planted)
    _drift(story)
    receipt = _ask(story)
    _refuse(story)
    _prove(story, receipt)
    print(f"done in {time.monotonic() - started:.0f} s.  Look around:")
    print(f"  export CONTEXTD_HOME={shown}/home PATH={ROOT / '.venv/bin'}:$PATH; contextd findings list")


def _register(story: Story) -> None:
    story.run("init", "--as", STEWARD)
    for principal, role in ((OWNER, "service-owner"), (DEV, "reader")):
        story.tokens[principal] = story.run("token", "create", principal)["path"]
        story.run("grant", "approve", principal, role, "--scope", "all", "--rationale", "part of the demo")
    for name, kind, tier, owner in SOURCES:
        location = story.scratch / "sources" / name / ("export.jsonl" if kind == "tickets" else "")
        story.run("source", "add", name, str(location), "--kind", kind, "--tier", tier, "--owner", owner, who=OWNER)
        story.run("source", "approve", name, "--reason", "boundary check read")
    found = story.run("source", "list")["sources"]
    approved = [source for source in found if source["state"] == "approved"]
    requested = ", ".join(sorted({source["requested_by"] for source in found}))
    decided = ", ".join(sorted({source["decided_by"] for source in approved}))
    print(f"1 register  {len(found)} sources proposed by {requested}, {len(approved)} approved by {decided}")


def _crawl(story: Story, planted: Planted) -> None:
    crawls = story.run("crawl", "--all")["crawls"]
    snapshots = [crawl["snapshot"] for crawl in crawls]
    admitted, excluded, redacted = (
        sum(snapshot[f"{what}_count"] for snapshot in snapshots) for what in ("document", "excluded", "redacted")
    )
    seconds = sum(crawl["seconds"] for crawl in crawls)
    print(
        f"2 crawl     {admitted + excluded} files in {seconds:.1f} s: {admitted} admitted, {excluded} excluded,"
        f" {redacted} spans redacted"
    )
    rows = []
    for source in [crawl["source"] for crawl in crawls]:
        check = story.run("boundary", "check", source)
        rows += [("excluded", source, e["path"], f"{e['code']}  {e['rule']}") for e in check["excluded"]]
        rows += [("redacted", source, f"{r['path']}:{r['line']}", f"[REDACTED:{r['rule']}]") for r in check["redacted"]]
    _table(rows)
    leaks = sum(_occurrences(story.home, value) for value in planted.values.values())
    print(f"   searched every byte of the home for the {len(planted.values)} planted values, plain and encoded: {leaks} found")


def _drift(story: Story) -> None:
    findings = story.run("findings", "list")["findings"]
    drift = [f for f in findings if f["code"].startswith("DRIFT-")]
    stale = [f for f in findings if f["code"] == "FRESH-STALE"]
    print("3 drift     " + ("\n            ".join(map(_finding, drift)) or "nothing that is told has left reality"))
    print("4 stale     " + ("\n            ".join(map(_finding, stale)) or "every document was looked at in time"))


def _ask(story: Story) -> str:
    words = ("search", QUESTION, "--source", "payments", "--pathway", "ide-assistant", "--intent", "INT-7", "--limit", "4")
    answer = story.run(*words, who=DEV)
    receipt, hits = answer["receipt"], answer["hits"]
    print(f'5 ask       "{QUESTION}" by {receipt["principal"]} over {receipt["pathway"]}: allowed, {many(len(hits), "hit")}')
    for hit in hits:
        place = f"{hit['source']} {hit['path']}:{hit['span']['start_line']}-{hit['span']['end_line']}"
        print(f"   [{hit['rank']}] {place}  {hit['symbol']}".rstrip())
    snapshot = answer["receipt"]["snapshots"][0]
    commit, entry = hits[0]["commit"][:7], receipt["audit_index"]
    print(f"   from {_short(snapshot)} at git {commit}, receipt {_short(receipt['id'])}, audit {entry}")
    return str(receipt["id"])


def _refuse(story: Story) -> None:
    words = ("search", QUESTION, "--source", "checkout", "--pathway", "coding-agent", "--intent", "INT-7")
    refusal = story.run(*words, who=DEV, expect=(0, 1))
    if "reason" not in refusal:
        print(f"6 refuse    nothing: checkout is eligible, {many(len(refusal['hits']), 'hit')}")
        return
    package = story.run("package", "check", "checkout", expect=(0, 1))["packages"][0]
    lacks = ", ".join(element["name"] for element in package["elements"] if element["state"] != "ok")
    print(f"6 refuse    the same to checkout over coding-agent: {refusal['reason']}, its package lacks {lacks}")
    print(f"   {refusal['message']}  mend: {refusal['hint']}")


def _prove(story: Story, receipt: str) -> None:
    proof = story.run("receipt", "verify", receipt, who=DEV)
    heading = "7 prove     receipt  "
    for check in proof["checks"]:
        print(f"{heading}{'ok' if check['holds'] else 'FAIL':<5} {check['name']:<10} {check['what']}")
        heading = " " * len(heading)
    place = story.scratch / "sources" / "payments"
    built = story.run("snapshot", "build", str(place), "--source", "payments", "--tier", "3")["id"]
    same = built in proof["receipt"]["snapshots"]
    print(
        f"            snapshot recomputed from the repository alone: {'the same id' if same else 'ANOTHER ID'} {_short(built)}"
    )
    audit = story.run("audit", "verify")
    verdict = "nothing edited" if audit["holds"] else "TAMPERED WITH"
    print(f"            audit log: {audit['entries']} entries recomputed, {verdict}")


def _finding(finding: dict[str, Any]) -> str:
    subject = finding["subject"]
    if finding["code"].startswith("FRESH-"):
        return f"{finding['source']} {subject['path']}  {finding['code']}  {finding['observed']}"
    place = f"{finding['source']} {subject['path']}:{subject['line']}"
    moved = f"moved to {finding['rename_target']}" if finding["rename_target"] else finding["observed"]
    return f"{place}  {finding['code']}  {finding['claim']}: {moved}"


def _table(rows: Iterable[tuple[str, str, str, str]]) -> None:
    lines = list(rows)
    widths = [max((len(row[i]) for row in lines), default=0) for i in range(3)]
    for row in lines:
        print("   " + " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + f"  {row[3]}")


def _occurrences(home: Path, value: str) -> int:
    """How many files of the home hold a value: plain, as UTF-16, in base64 at any offset, or inside zlib data."""
    data = value.encode()
    wanted = {data, value.encode("utf-16-le"), zlib.compress(data)}
    wanted |= {base64.b64encode(b"x" * shift + data)[4:-4] for shift in range(3)}
    return sum(any(form in file.read_bytes() for form in wanted) for file in home.rglob("*") if file.is_file())


def _short(identity: str) -> str:
    kind, _, digits = identity.partition(":")
    return f"{kind}:{digits[:12]}"


if __name__ == "__main__":
    tell()
