"""Settings: what is in force, where it comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from contextd.config import ConfigInvalid, first_settings, load_settings
from contextd.model.errors import InvalidInput


def test_a_new_home_reads_back_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "contextd.toml").write_text(first_settings("steward@example.org", 'odd "name"'))
    settings = load_settings(tmp_path, {})
    assert settings.principal == "steward@example.org"
    assert settings.boundaries == tmp_path / 'odd "name"'
    assert settings.keep_query_text is False


def test_the_environment_beats_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    assert {origin for _, _, origin in load_settings(tmp_path, {}).items()} == {"default"}
    file = tmp_path / "contextd.toml"
    file.write_text("[audit]\nkeep_query_text = true\n")
    settings = load_settings(tmp_path, {"CONTEXTD_BOUNDARIES": "/org/bundle"})
    assert settings.items() == [
        ("boundaries", "/org/bundle", "CONTEXTD_BOUNDARIES"),
        ("principal", "", "default"),
        ("audit.keep_query_text", "true", str(file)),
    ]
    assert load_settings(tmp_path, {"CONTEXTD_AUDIT_KEEP_QUERY_TEXT": "false"}).keep_query_text is False


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("boundaries = ", "not TOML"),
        ("bondaries = 'x'", "unknown key bondaries"),
        ("[audit]\nkeep_query_text = 'maybe'", "true or false"),
        ("boundaries = 3", "a text in quotes"),
        ("[audit.more]\nx = 1", "unknown key audit.more.x"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "contextd.toml").write_text(text)
    with pytest.raises(ConfigInvalid, match=says) as caught:
        load_settings(tmp_path, {})
    assert str(tmp_path) in caught.value.message


def test_a_principal_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="principal"):
        load_settings(tmp_path, {"CONTEXTD_PRINCIPAL": "Not A Name"})
