from __future__ import annotations

import os
from pathlib import Path

import pytest

from contextd.model.errors import BundleInvalid
from contextd.policy.access import Permit
from contextd.policy.bundle import load_bundle, read_bundle

DEFAULT = Path(__file__).parents[2] / "boundaries"


@pytest.fixture
def folder(tmp_path: Path, bundle_files: dict[str, bytes]) -> Path:
    home = tmp_path / "boundaries"
    (home / "secrets").mkdir(parents=True)
    for name, data in bundle_files.items():
        (home / name).write_bytes(data)
    return home


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(BundleInvalid) as raised:
        read_bundle(folder)
    return raised.value.problems


def test_the_default_bundle_is_valid_and_usable() -> None:
    bundle = load_bundle(read_bundle(DEFAULT))
    Permit(bundle)
    assert len(bundle.ingest.secrets.rules) >= 60
    assert bundle.ingest.boundary.zones
    assert [bundle.tiers[tier].approval.own for tier in (1, 2, 3, 4)] == [True, True, False, False]


def test_a_folder_gives_the_files_of_the_bundle_and_no_others(folder: Path, bundle_files: dict[str, bytes]) -> None:
    (folder / "README.md").write_text("notes")
    (folder / "gate.yaml").write_text("for later")
    (folder / "secrets" / "notes.txt").write_text("notes")
    (folder / "secrets" / ".hidden.toml").write_text("notes")
    assert read_bundle(folder) == bundle_files


def test_a_link_that_stays_inside_is_followed(folder: Path, bundle_files: dict[str, bytes]) -> None:
    (folder / "tiers.yaml").rename(folder / "tiers-2026.yaml")
    (folder / "tiers.yaml").symlink_to("tiers-2026.yaml")
    assert read_bundle(folder) == bundle_files


@pytest.mark.parametrize("name", ["tiers.yaml", "secrets/acme.toml"])
def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(tmp_path / "outside")
    assert f"{name}:1: a link out of the folder; put the file itself there" in problems_of(folder)


def test_a_folder_of_rules_that_links_out_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "secrets").rename(tmp_path / "elsewhere")
    (folder / "secrets").symlink_to(tmp_path / "elsewhere")
    assert "secrets/acme.toml:1: a link out of the folder; put the file itself there" in problems_of(folder)


def test_links_to_nothing_and_in_circles_are_told(folder: Path) -> None:
    for name, target in (("tiers.yaml", "gone.yaml"), ("drift.yaml", "drift.yaml")):
        (folder / name).unlink()
        (folder / name).symlink_to(target)
    found = problems_of(folder)
    assert found[1] == "tiers.yaml:1: a link to nothing; put the file itself there"
    assert found[0].startswith("drift.yaml:1: cannot be read (")
    assert len(found) == 2


def test_what_is_no_file_or_too_large_is_told_without_being_read(folder: Path) -> None:
    (folder / "tiers.yaml").unlink()
    os.mkfifo(folder / "tiers.yaml")
    (folder / "drift.yaml").unlink()
    (folder / "drift.yaml").mkdir()
    (folder / "pii.yaml").write_bytes(b"#" * ((1 << 20) + 1))
    assert problems_of(folder) == [
        "drift.yaml:1: not a regular file; put one there",
        "pii.yaml:1: 1,048,577 bytes; split it up, a file may have 1,048,576",
        "tiers.yaml:1: not a regular file; put one there",
    ]


def test_missing_files_are_told_by_name_all_at_once(folder: Path) -> None:
    (folder / "tiers.yaml").unlink()
    (folder / "access.cedar").unlink()
    (folder / "secrets" / "acme.toml").unlink()
    (folder / "secrets").rmdir()
    assert [problem.split(":")[0] for problem in problems_of(folder)] == ["access.cedar", "secrets", "tiers.yaml"]


def test_a_folder_that_cannot_be_listed_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    assert problems_of(folder) == [f"{folder / 'secrets'}:1: cannot be listed (Permission denied); mend its permissions"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none") == [f"{tmp_path / 'none'}:1: no such folder; name the folder of a bundle"]
