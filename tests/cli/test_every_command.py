"""Every command: it explains itself, answers in one JSON document, keeps its streams apart, and ends with the right code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from contextd.cli.main import build_app
from tests.conftest import DEV, OWNER, House, Repository, RunCli, new_house


class Case(NamedTuple):
    """A command that works, what its JSON is called, and the code that it ends with."""

    words: list[str]
    schema: str
    code: int = 0


CASES = [
    Case(["source", "list"], "source-list"),
    Case(["source", "show", "code"], "source"),
    Case(["source", "add", "next", "REPO", "--tier", "2", "--owner", OWNER, "--dry-run"], "source"),
    Case(["source", "approve", "code", "--reason", "again", "--dry-run"], "source"),
    Case(["source", "suspend", "code", "--reason", "not now", "--dry-run"], "source"),
    Case(["grant", "list"], "grant-list"),
    Case(["grant", "approve", DEV, "auditor", "--rationale", "looks", "--scope", "source:code"], "grant"),
    Case(["grant", "revoke", DEV, "auditor", "--reason", "looked", "--scope", "source:code"], "grant-revoked"),
    Case(["token", "create", "new@example.org"], "token"),
    Case(["crawl", "code"], "crawl"),
    Case(["crawl", "--all"], "crawl"),
    Case(["search", "refund"], "answer"),
    Case(["search", "zorilla"], "answer"),
    Case(["fetch", "code", "src/refund.py:1-2"], "answer"),
    Case(["explain", "code", "src/refund.py"], "explanation"),
    Case(["explain", "code", "deploy/prod.env"], "explanation", 1),
    Case(["boundary", "check", "code"], "boundary-check"),
    Case(["boundary", "check", "REPO"], "boundary-check"),
    Case(["snapshot", "list", "code"], "snapshot-list"),
    Case(["snapshot", "show", "code"], "snapshot"),
    Case(["snapshot", "diff", "code"], "change-list"),
    Case(["snapshot", "build", "REPO", "--source", "code", "--tier", "3"], "snapshot-build"),
    Case(["findings", "list"], "finding-list"),
    Case(["findings", "list", "--fail-on", "error"], "finding-list", 1),
    Case(["findings", "show", "FINDING"], "finding"),
    Case(["package", "check", "code"], "package", 1),
    Case(["package", "check", "REPO"], "package", 1),
    Case(["package", "check", "REPO", "--tier", "1"], "package"),
    Case(["receipt", "show", "RECEIPT"], "receipt"),
    Case(["receipt", "verify", "RECEIPT"], "receipt-verification"),
    Case(["audit", "verify"], "audit-verification"),
    Case(["doctor"], "doctor"),
    Case(["doctor", "--deep"], "doctor"),
    Case(["config", "show"], "config"),
    Case(["config", "show", "--origin"], "config"),
]

BAD = [
    ["source", "show", "nowhere"],
    ["source", "approve", "code"],
    ["search"],
    ["search", ""],
    ["search", "x", "--limit", "0"],
    ["search", "x", "--budget", "1"],
    ["search", "x", "--workflow", "dream"],
    ["search", "x" * 9000],
    ["search", "x", "--path", "!"],
    ["search", "x", "--source", "code", "--snapshot", "zz"],
    ["search", "x", "--source", "code", "--commit", "4"],
    ["search", "x", "--timeout", "soon"],
    ["fetch", "code"],
    ["fetch", "code", "src/refund.py:9-2"],
    ["fetch", "code", "src/refund.py:400"],
    ["fetch", "code", "src/refund.py", "--budget", "0"],
    ["fetch", "code", "\udcff"],
    ["explain", "code", "src/refund.py:0"],
    ["crawl"],
    ["crawl", "code", "--all"],
    ["boundary", "check", "code", "--by", "moon"],
    ["boundary", "check", "/no/such/place"],
    ["snapshot", "show", "code", "ctx1:00000000"],
    ["snapshot", "show", "code", "xyz"],
    ["snapshot", "diff", "code", "00000000"],
    ["snapshot", "build", "/no/such/place", "--source", "code", "--tier", "3"],
    ["snapshot", "build", "REPO", "--source", "Code", "--tier", "3"],
    ["snapshot", "build", "REPO", "--source", "code", "--tier", "9"],
    ["snapshot", "build", "REPO", "--source", "code", "--tier", "1", "--component", "x"],
    ["snapshot", "build", "REPO", "--source", "code", "--tier", "1", "--ref", "nope"],
    ["findings", "show", "fnd1:00000000"],
    ["findings", "show", "12"],
    ["findings", "list", "--severity", "dire"],
    ["package", "check", "nowhere"],
    ["receipt", "show", "rcpt1:00000000"],
    ["receipt", "verify", "ctx1:0000000000"],
    ["grant", "approve", "nobody@example.org", "reader", "--rationale", "x"],
    ["grant", "approve", DEV, "king", "--rationale", "x"],
    ["grant", "approve", DEV, "reader", "--rationale", "x", "--scope", "moon"],
    ["grant", "approve", DEV, "reader", "--rationale", "x", "--review-by", "2020-01-01"],
    ["grant", "approve", DEV, "reader", "--rationale", "x", "--review-by", "someday"],
    ["grant", "revoke", DEV, "gate-owner", "--reason", "x"],
    ["token", "create", "Not A Name"],
    ["token", "create", DEV],
    ["source", "add", "code", "REPO", "--tier", "1", "--owner", OWNER],
    ["source", "add", "x", "REPO", "--tier", "1", "--owner", OWNER],
    ["source", "add", "other", "REPO", "--tier", "7", "--owner", OWNER],
    ["source", "add", "other", "REPO", "--tier", "1", "--owner", "Team X"],
    ["source", "add", "other", "REPO", "--tier", "1", "--owner", OWNER, "--every", "often"],
    ["source", "add", "other", "REPO", "--tier", "1", "--owner", OWNER, "--ref", "a b"],
    ["source", "add", "other", "REPO", "--tier", "1", "--owner", OWNER, "--component", "rest=a/:1:team-a"],
    ["source", "add", "other", "REPO", "--tier", "1", "--owner", OWNER, "--component", "web=:1:team-a"],
    ["source", "add", "other", "/etc/hostname", "--tier", "1", "--owner", OWNER],
    ["source", "add", "other", "https://example.org/x.git", "--tier", "1", "--owner", OWNER],
    ["source", "approve", "code", "--reason", "x", "--review-by", "400d"],
    ["source", "list", "--state", "sleepy"],
    ["init", "--as", "me@example.org"],
    ["nonsense"],
    ["source", "nonsense"],
    ["source", "list", "--nonsense"],
    ["source", "list", "--format", "tool"],
]


class Lived(NamedTuple):
    """A home with one crawled source, and the ids that commands take."""

    house: House
    words: dict[str, str]

    def fill(self, words: list[str]) -> list[str]:
        return [self.words.get(word, word) for word in words]


@pytest.fixture(scope="module")
def lived(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    place = tmp_path_factory.mktemp("lived")
    repository = Repository(place / "code")
    repository.commit({"src/retry.py": "def retry(): ...\n", "README.md": "# Code\n\nThe backoff is in `src/retry.py`.\n"})
    repository.commit(
        {"src/retry.py": None, "src/refund.py": "def refund(amount):\n    return -amount\n", "deploy/prod.env": "A=1\n"}, "Move"
    )
    with new_house(made_home, place / "home") as house:
        house.add("code", repository.place, tier=3)
        house.crawl("code")
        repository.commit({"src/more.py": "more = 1\n"})
        house.crawl("code")
        finding = house.ask("findings", "list", "--code", "DRIFT-PATH-GONE")["findings"][0]["id"]
        receipt = house.ask("search", "refund")["receipt"]["id"]
        yield Lived(house, {"REPO": str(repository.place), "FINDING": finding, "RECEIPT": receipt})


def commands() -> Iterator[list[str]]:
    """Every command and group of the application, hidden ones included."""
    root = typer.main.get_command(build_app())
    todo: list[tuple[list[str], object]] = [([], root)]
    while todo:
        words, command = todo.pop()
        yield words
        todo += [([*words, name], sub) for name, sub in sorted(getattr(command, "commands", {}).items())]


def test_every_command_has_a_case_here() -> None:
    known = {tuple(case.words[:n]) for case in CASES for n in (1, 2)}
    missing = [words for words in commands() if words and tuple(words) not in known and words[0] != "init"]
    leaves = [
        words
        for words in missing
        if not any(tuple(words) == tuple(other[: len(words)]) and other != words for other in commands())
    ]
    nouns = {"sources", "tokens", "grants", "boundaries", "snapshots", "finding", "packages", "receipts", "audits", "configs"}
    assert [words for words in leaves if words[0] not in nouns] == []


def test_every_command_explains_itself_on_stdout(run_cli: RunCli) -> None:
    for words in commands():
        for flag in ("--help", "-h"):
            code, stdout, stderr = run_cli(*words, flag)
            assert (code, stderr) == (0, ""), words
            assert "Usage: contextd" in stdout, words
            assert "--help" in stdout, words
    text = " ".join(run_cli("--help")[1].split())
    assert "Exit codes: 0 done or yes, 1 the answer is no, 2 cannot be decided, 3 failure" in text
    assert all(option in text for option in ("--home", "--format", "--token-file", "--timeout", "--output", "--color", "-q"))


def test_a_group_without_a_verb_explains_itself_and_is_wrong_usage(run_cli: RunCli) -> None:
    for words in ([], ["source"], ["snapshots"]):
        code, stdout, stderr = run_cli(*words)
        assert code == 3, words
        assert "Usage: contextd" in stdout + stderr, words


def test_the_version_is_told(run_cli: RunCli) -> None:
    code, stdout, stderr = run_cli("--version")
    assert (code, stderr) == (0, "")
    assert stdout.startswith("contextd 0.")


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.words[:3]))
def test_an_answer_is_one_json_document_and_stderr_stays_empty_when_quiet(lived: Lived, case: Case) -> None:
    words = lived.fill(case.words)
    if case.words[0] == "token":
        lived.house.token(words[2]).unlink(missing_ok=True)
    answer = lived.house.run("-q", *words, "--format", "json")
    assert (answer.code, answer.stderr) == (case.code, "")
    assert answer.json["schema"] == f"contextd.dev/{case.schema}/v1"
    if case.words[0] == "token":
        lived.house.token(words[2]).unlink()
    if case.words[:2] == ["grant", "revoke"]:
        lived.house.ask("grant", "approve", DEV, "auditor", "--rationale", "x", "--scope", "source:code")
    shown = lived.house.run("-q", *words)
    assert (shown.code, shown.stderr) == (case.code, "")
    assert shown.stdout.endswith("\n")
    assert "{" not in shown.stdout[:1]
    assert not set(shown.stdout) & set("\x1b\r")


@pytest.mark.parametrize("words", BAD, ids=lambda words: " ".join(words)[:40].replace("\udcff", "FF"))
def test_an_error_is_one_json_document_on_stdout_and_words_with_a_mend_otherwise(lived: Lived, words: list[str]) -> None:
    given = lived.fill(words)
    form = [] if "--format" in given else ["--format", "json"]
    answer = lived.house.run(*given, *form)
    assert answer.code in {1, 3}
    if form:
        document = answer.json
        assert document["schema"] == "contextd.dev/error/v1"
        assert set(document) == {"schema", "reason", "message", "hint", "metadata"}
        assert document["reason"] != "INTERNAL"
        assert document["message"]
        assert answer.stderr == ""
    shown = lived.house.run(*given)
    assert shown.code == answer.code
    told = shown.stdout + shown.stderr
    assert "INTERNAL" not in told
    assert "Traceback" not in told
    if shown.code == 3:
        assert shown.stdout == ""
        assert "  mend: " in shown.stderr or "not an id" in told or "too short" in told


def test_nothing_of_all_that_was_refused_changed_anything(lived: Lived) -> None:
    assert [source["name"] for source in lived.house.ask("source", "list")["sources"]] == ["code"]
    assert lived.house.ask("source", "show", "code")["state"] == "approved"
    assert lived.house.ask("audit", "verify")["holds"]


def test_nouns_answer_to_their_other_number(lived: Lived) -> None:
    for one, other in (("source", "sources"), ("findings", "finding"), ("grant", "grants")):
        assert lived.house.run(one, "list", "-q").stdout == lived.house.run(other, "list", "-q").stdout


def test_lists_give_a_line_of_json_for_each_item(lived: Lived) -> None:
    for words, name in (
        (["source", "list"], "source"),
        (["snapshot", "list", "code"], "snapshot"),
        (["findings", "list"], "finding"),
    ):
        lines = lived.house.run(*words, "--format", "jsonl").stdout.splitlines()
        many = lived.house.ask(*words)[f"{name}s"]
        assert [json.loads(line) for line in lines] == [{"schema": f"contextd.dev/{name}/v1", **item} for item in many]


def test_an_answer_goes_to_a_file_when_one_is_named(lived: Lived, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    answer = lived.house.run("source", "list", "--format", "json", "-o", str(file))
    assert (answer.code, answer.stdout) == (0, "")
    assert json.loads(file.read_text())["sources"][0]["name"] == "code"
    lost = lived.house.run("source", "list", "--format", "json", "--output", str(tmp_path / "none" / "x.json"))
    assert (lost.code, lost.json["reason"]) == (3, "UNAVAILABLE")
    assert "cannot write" in lived.house.run("source", "list", "-o", str(tmp_path)).stderr


def test_the_environment_stands_in_for_options(lived: Lived, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTD_HOME", str(lived.house.home))
    monkeypatch.setenv("CONTEXTD_FORMAT", "json")
    assert json.loads(run_cli("source", "list")[1])["sources"]
    monkeypatch.setenv("CONTEXTD_TOKEN_FILE", str(lived.house.token("outsider@example.org")))
    assert json.loads(run_cli("source", "list")[1])["sources"] == []
    monkeypatch.setenv("CONTEXTD_AUDIT_KEEP_QUERY_TEXT", "true")
    settings = {s["key"]: (s["value"], s["origin"]) for s in json.loads(run_cli("config", "show")[1])["settings"]}
    assert settings["audit.keep_query_text"] == ("true", "CONTEXTD_AUDIT_KEEP_QUERY_TEXT")
    assert settings["boundaries"][1] == str(lived.house.home / "contextd.toml")
    monkeypatch.setenv("CONTEXTD_AUDIT_KEEP_QUERY_TEXT", "maybe")
    code, stdout, _ = run_cli("source", "list")
    assert (code, json.loads(stdout)["reason"]) == (3, "CONFIG_INVALID")


def test_a_setting_that_is_not_known_is_told_with_those_that_are(house: House) -> None:
    file = house.home / "contextd.toml"
    text = file.read_text()
    for addition, said in (
        ("[serve]\nlisten = 1\n", "unknown key serve.listen"),
        ("x =\n", "not TOML"),
        ("principal = 3\n", "takes a text"),
    ):
        file.write_text(text.replace('principal = "steward@example.org"\n', "") + "\n" if "principal" in addition else text)
        file.write_text(addition + file.read_text() if "serve" not in addition else file.read_text() + addition)
        told = house.ask("source", "list", expect=(3,))
        assert told["reason"] == "CONFIG_INVALID"
        assert said in told["message"]
    file.write_text(text)
    assert house.ask("source", "list")


def test_there_has_to_be_a_home_and_it_is_said_how_to_make_one(run_cli: RunCli, tmp_path: Path) -> None:
    code, stdout, stderr = run_cli("--home", str(tmp_path / "none"), "source", "list")
    assert (code, stdout) == (1, "")
    assert f"NOT_FOUND  there is no contextd home at {tmp_path / 'none'}" in stderr
    assert "mend: contextd init --home" in stderr
    assert not (tmp_path / "none").exists()


def test_init_makes_a_home_for_oneself_and_nothing_over_another(run_cli: RunCli, tmp_path: Path) -> None:
    home = tmp_path / "h"
    code, stdout, stderr = run_cli("--home", str(home), "init", "--as", "me@example.org")
    assert code == 0
    assert stdout.startswith(f"made {home} (0700): contextd.toml, boundaries/ (bnd1:")
    assert stderr.startswith("next: contextd source add")
    modes = {path.relative_to(home).as_posix(): path.stat().st_mode & 0o777 for path in [home, *(home / "keys").rglob("*")]}
    assert modes["."] == 0o700
    assert all(mode in {0o600, 0o700} for mode in modes.values())
    assert (home / "audit.db").stat().st_mode & 0o077 == 0
    assert run_cli("--home", str(home), "doctor")[0] == 0
    for taken in (home, home / "contextd.toml"):
        code, _, stderr = run_cli("--home", str(taken), "init", "--as", "me@example.org")
        assert code == 3
        assert "is there already" in stderr
    broken = tmp_path / "bundle"
    shutil.copytree(home / "boundaries", broken)
    (broken / "tiers.yaml").write_text("schema: contextd.dev/tiers/v1\ntiers: 3\n")
    for words in (["--as", "Me!"], ["--as", "me@example.org", "--boundaries", str(broken)]):
        assert run_cli("--home", str(tmp_path / "other"), "init", *words)[0] == 3
        assert not (tmp_path / "other").exists()
    (tmp_path / "empty").mkdir()
    shutil.copy(home / "boundaries" / "tiers.yaml", broken / "tiers.yaml")
    code, stdout, _ = run_cli("--home", str(tmp_path / "empty"), "init", "--as", "me@example.org", "--boundaries", str(broken))
    assert code == 0
    assert str(broken) in stdout


def test_with_vv_a_traceback_is_shown_beside_the_error(lived: Lived) -> None:
    answer = lived.house.run("-vv", "source", "show", "nowhere", "--format", "json")
    assert answer.json["reason"] == "SOURCE_NOT_FOUND"
    assert "Traceback" in answer.stderr
    assert "Traceback" not in lived.house.run("source", "show", "nowhere").stderr


def test_an_error_of_our_own_is_told_as_one(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no idea\nwhat this is")

    monkeypatch.setattr("contextd.operations.registry.visible_sources", fail)
    answer = lived.house.run("source", "list", "--format", "json")
    assert (answer.code, answer.json["reason"]) == (3, "INTERNAL")
    assert "RuntimeError: no idea" in answer.json["message"]
    shown = lived.house.run("source", "list")
    assert shown.stdout == ""
    assert "-vv" in shown.stderr
    monkeypatch.setattr("contextd.operations.registry.visible_sources", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert lived.house.run("source", "list").code == 130
