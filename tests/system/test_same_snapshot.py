"""The id of a snapshot follows from the content and the rules: not from the clone, the machine, or the way it was crawled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Files, House, Repository, RunCli

FILES: Files = {
    "README.md": "# Código\r\n\r\nWindows line ends\r\n",
    "src/a.py": "x = 1\n",
    "bin/run": ("100755", "#!/bin/sh\nexit 0\n"),
    "docs/é.md": "",
    "src/ß/mixed.txt": "one\ntwo\r\nthree\rfour",
    ".gitattributes": "*.txt text eol=crlf\n*.gen.py linguist-generated\n",
    "src/made.gen.py": "generated = 1\n",
    ".aiexclude": "secret-plans/\n",
    "secret-plans/a.md": "# Plan\n",
    "link": ("120000", "README.md"),
    "deploy/prod.env": "A=1\n",
}


@pytest.fixture
def source(repository: Repository, planted: Callable[[str], str]) -> Repository:
    """A repository with everything that decides an id, and a history of three commits."""
    repository.commit({"src/a.py": "x = 0\n", "gone.py": "y = 1\n"})
    repository.commit(FILES)
    repository.commit({"gone.py": None, "src/settings.py": f'KEY = "{planted("stripe")}"\nMAIL = "{planted("email")}"\n'})
    return repository


@pytest.fixture
def build(run_cli: RunCli) -> Callable[..., str]:
    """``build(place, *words) -> id``, as ``contextd snapshot build`` prints it: alone on stdout."""

    def run(place: Path, *words: str) -> str:
        code, stdout, stderr = run_cli("snapshot", "build", str(place), "--source", "code", "--tier", "2", *words)
        assert code == 0, stderr
        (line,) = stdout.splitlines()
        return line

    return run


def test_every_clone_gives_the_same_id_as_the_crawl(
    house: House, source: Repository, build: Callable[..., str], tmp_path: Path
) -> None:
    expected = build(source.place)
    assert expected.startswith("ctx1:")
    house.add("code", source.place, tier=2)
    crawled = house.crawl("code")
    assert crawled["id"] == expected
    url = f"file://{source.place}"
    clones = {
        "second": ["clone", "-q", url],
        "shallow": ["clone", "-q", "--depth", "1", url],
        "mirror": ["clone", "-q", "--mirror", url],
        "autocrlf": ["clone", "-q", "-c", "core.autocrlf=true", "-c", "core.fileMode=false", url],
        "sparse": ["clone", "-q", "--no-checkout", url],
    }
    for name, words in clones.items():
        source.git(*words, str(tmp_path / name), cwd=tmp_path)
        assert build(tmp_path / name) == expected, name
    source.git("worktree", "add", "-q", str(tmp_path / "linked"), "--detach", "main")
    assert build(tmp_path / "linked") == expected
    assert build(tmp_path / "mirror", "--ref", "refs/heads/main") == expected
    assert build(source.place, "--ref", crawled["commit"]) == expected


def test_what_lies_in_the_work_tree_or_is_replaced_changes_nothing(
    source: Repository, build: Callable[..., str], tmp_path: Path
) -> None:
    expected = build(source.place)
    source.git("clone", "-q", f"file://{source.place}", str(tmp_path / "dirty"), cwd=tmp_path)
    (tmp_path / "dirty" / "src" / "a.py").write_text("x = 2\n")
    (tmp_path / "dirty" / "untracked.py").write_text("z = 3\n")
    (tmp_path / "dirty" / ".git" / "info" / "attributes").write_text("*.py export-ignore linguist-generated\n")
    (tmp_path / "dirty" / ".git" / "info" / "exclude").write_text("*\n")
    assert build(tmp_path / "dirty") == expected
    blob, other = source.git("rev-parse", "main:src/a.py"), source.git("hash-object", "-w", "--stdin", stdin=b"x = 666\n")
    source.git("replace", blob, other)
    commit = source.git("rev-parse", "main")
    source.git("replace", commit, source.git("rev-parse", "main~1"))
    assert source.git("cat-file", "blob", "main:src/a.py") == "x = 0" or source.git("cat-file", "blob", blob) == "x = 666"
    assert build(source.place) == expected
    (source.place / ".git" / "info" / "grafts").write_text(f"{commit}\n")
    source.git("config", "core.autocrlf", "true")
    assert build(source.place) == expected


def test_what_is_in_the_id_changes_it(source: Repository, build: Callable[..., str], run_cli: RunCli) -> None:
    seen = {build(source.place)}
    changes: list[Files] = [
        {"src/a.py": "x = 2\n"},
        {"src/a.py": ("100755", "x = 2\n")},
        {"src/a.py": None, "src/b.py": ("100755", "x = 2\n")},
        {"docs/incidents/1.md": "# I\n"},
    ]
    for change in changes:
        source.commit(change)
        seen.add(build(source.place))
    assert len(seen) == 1 + len(changes)
    unlabelled = build(source.place)
    source.commit({"deploy/prod.env": "A=2\n", "src/made.gen.py": "generated = 2\n", "link": ("120000", "src/a.py")})
    assert build(source.place) == unlabelled
    other = run_cli("snapshot", "build", str(source.place), "--source", "other", "--tier", "2")[1].strip()
    assert other not in seen


@pytest.mark.parametrize(
    "around",
    [
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1", "umask": "077"},
        {"TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "4242", "umask": "000", "PYTHONUTF8": "0"},
    ],
    ids=["kiritimati", "turkish"],
)
def test_the_machine_around_changes_nothing(
    source: Repository, build: Callable[..., str], tmp_path: Path, around: dict[str, str]
) -> None:
    expected = build(source.place)
    words = ["snapshot", "build", str(source.place), "--source", "code", "--tier", "2"]
    code = f"import os; os.umask(0o{around['umask']})\nfrom contextd.cli.main import main; raise SystemExit(main({words!r}))"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **around}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().strip() == expected


def test_a_folder_and_an_export_build_to_the_id_of_their_crawl(house: House, build: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("# A\n")
    (folder / "sub" / "b.md").write_text("# B\n")
    export = tmp_path / "export.jsonl"
    export.write_text('{"id": "PAY-1", "title": "Refund", "body": "retried"}\n{"id": "PAY-2", "title": "Other"}\n')
    for name, place, kind in (("folder", folder, "directory"), ("export", export, "tickets")):
        house.add(name, place, kind=kind)
        head = house.crawl(name)
        assert head["commit"] == "-"
        assert house.ask("snapshot", "build", str(place), "--source", name, "--tier", "1")["id"] == head["id"]
    (folder / "a.md").chmod(0o755)
    assert house.ask("crawl", "folder")["crawls"][0]["changed"] is False


def test_components_and_a_bundle_are_part_of_what_is_recomputed(
    house: House, source: Repository, build: Callable[..., str]
) -> None:
    part = ["--component", "docs=docs/:1:team-docs"]
    house.rewrite(
        "boundary.yaml", "zones:\n", 'zones:\n  - {name: docs, action: never-ingest, paths: ["*.md"], components: [docs]}\n'
    )
    house.add("code", source.place, *part, tier=2)
    head = house.crawl("code")["id"]
    bundle = str(house.home / "boundaries")
    assert build(source.place, *part, "--bundle", bundle) == head
    assert build(source.place, "--bundle", bundle) != head
    assert build(source.place, *part) != head
