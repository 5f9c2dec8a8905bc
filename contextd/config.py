"""``contextd.toml``: the settings of one home, where each comes from, and what they default to.

Order: environment (``CONTEXTD_SECTION_KEY``), the file, the default. An unknown key is an error: a typo must not be silent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from contextd.model.errors import InvalidInput
from contextd.model.names import checked_principal

FILE = "contextd.toml"


class ConfigInvalid(InvalidInput):
    """A setting cannot be meant; says which, where and what would be right."""

    default_reason = "CONFIG_INVALID"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings in force. ``origins`` says for each dotted key where its value comes from.

    ``boundaries`` is the folder of the bundle in force; ``principal`` whose token commands of this home use unless another is
    given; ``keep_query_text`` whether the audit log keeps the text of questions instead of a keyed digest alone.
    """

    boundaries: Path
    principal: str = ""
    keep_query_text: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)

    def items(self) -> list[tuple[str, str, str]]:
        """``(dotted key, value, origin)`` in the order of the file."""
        return [(key, _shown(getattr(self, name)), self.origins[key]) for name, key in _KEYS.items()]


_KEYS = {f.name: f.name for f in fields(Settings) if f.name != "origins"} | {"keep_query_text": "audit.keep_query_text"}


def load_settings(home: Path, environ: Mapping[str, str]) -> Settings:
    """Settings of a home from its file and the environment; relative paths are relative to the home.

    Raises:
        ConfigInvalid: the file is not TOML, holds an unknown key, or a value is of the wrong kind.
    """
    file = home / FILE
    given = _flatten(_parse(file)) if file.exists() else {}
    for key in given:
        if key not in _KEYS.values():
            raise ConfigInvalid(f"{file}: unknown key {key}", hint=f"known keys: {', '.join(_KEYS.values())}")
    values: dict[str, Any] = {"boundaries": "boundaries", "principal": "", "audit.keep_query_text": False}
    origins = dict.fromkeys(values, "default")
    for key in values:
        variable = "CONTEXTD_" + key.replace(".", "_").upper()
        if key in given:
            values[key], origins[key] = given[key], str(file)
        if variable in environ:
            values[key], origins[key] = environ[variable], variable
    keep = _boolean(values["audit.keep_query_text"], "audit.keep_query_text", origins)
    boundaries = home / _text(values["boundaries"], "boundaries", origins)
    principal = _text(values["principal"], "principal", origins)
    return Settings(boundaries, checked_principal(principal) if principal else "", keep, origins)


def first_settings(principal: str, boundaries: str) -> str:
    """The text of a new home's file; ``boundaries`` is absolute or relative to the home."""
    return (
        "# Settings of this contextd home; `contextd config show --origin` says what is in force and why.\n"
        f"boundaries = {_quoted(boundaries)}\n"
        f"principal = {_quoted(principal)}\n"
        "\n[audit]\nkeep_query_text = false\n"
    )


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(
            f"{file}: not TOML: {error}", hint="mend that line, or remove the file to use the defaults"
        ) from error


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _boolean(value: object, key: str, origins: Mapping[str, str]) -> bool:
    if isinstance(value, bool):
        return value
    if value in {"true", "false"}:
        return value == "true"
    raise ConfigInvalid(f"{origins[key]}: {key} is {value!r}; it takes true or false")


def _text(value: object, key: str, origins: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    raise ConfigInvalid(f"{origins[key]}: {key} is {value!r}; it takes a text in quotes")


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
