from __future__ import annotations

import hashlib
import json
import pickle
import struct
import tomllib
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.policy.bundle import Bundle, load_bundle
from contextd.yamlfile import load

DEFAULT = Path(__file__).parents[2] / "boundaries"


def reference(canonical: dict[str, bytes]) -> str:
    """The digest as the design writes it, put together here a second time."""
    parts = [part for name in sorted(canonical) for part in (name.encode(), canonical[name])]
    form = struct.pack(">Q", len(parts)) + b"".join(struct.pack(">Q", len(part)) + part for part in parts)
    return "bnd1:" + hashlib.sha256(b"contextd.dev/bundle/v1\n" + form).hexdigest()


def rfc8785(value: object) -> bytes:
    """Enough of RFC 8785 for text, lists, mappings with ASCII keys, and short decimals."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_both_digests_are_as_the_design_says(bundle: Bundle, bundle_files: dict[str, bytes]) -> None:
    forms = {name: data for name, data in bundle_files.items() if name.startswith("access.")}
    for name, data in bundle_files.items():
        if name.endswith(".yaml"):
            plain = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506  (its values are text, as ours)
            forms[name] = rfc8785(nulls(plain) if name == "freshness.yaml" else plain)
        elif name.endswith(".toml"):
            forms[name] = rfc8785(tomllib.loads(data.decode()))
    assert bundle.digest == reference(forms)
    ingest = {name: forms[name] for name in ("boundary.yaml", "pii.yaml", "secrets/acme.toml")}
    assert bundle.ingest.digest == reference(ingest)


def nulls(value: object) -> object:
    """PyYAML's BaseLoader reads null as text."""
    if isinstance(value, dict):
        return {key: nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [nulls(item) for item in value]
    return None if value == "null" else value


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_comments_layout_quotes_and_key_order_do_not_change_what_is_said(random: Random) -> None:
    data = (DEFAULT / "tiers.yaml").read_bytes()
    plain = load(data, "tiers.yaml").plain()

    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    style = random.choice(['"', "'"])
    text = yaml.safe_dump(shuffled(plain), default_style=style, sort_keys=False, indent=random.choice([2, 5]), width=50)
    commented = "# said again\n" + text.replace("\n", "   # why\n", 1)
    assert load(commented.encode(), "tiers.yaml").plain() == plain


def test_rewriting_a_file_without_changing_what_it_says_keeps_the_digest(
    bundle: Bundle, bundle_files: dict[str, bytes]
) -> None:
    bundle_files["boundary.yaml"] = b"# a comment\n---\n" + bundle_files["boundary.yaml"].replace(
        b"name: credentials", b'name:   "credentials"'
    )
    bundle_files["secrets/acme.toml"] = b"# a comment\n" + bundle_files["secrets/acme.toml"].replace(b" = ", b"=")
    bundle_files["tiers.yaml"] = bundle_files["tiers.yaml"].replace(b"\n", b"\r\n")
    again = load_bundle(bundle_files)
    assert (again.digest, again.ingest.digest) == (bundle.digest, bundle.ingest.digest)


@pytest.mark.parametrize(
    ("name", "old", "new", "ingest"),
    [
        ("boundary.yaml", b"*.pem", b"*.key", True),
        ("boundary.yaml", b"file: 1MiB", b"file: 1024KiB", True),
        ("pii.yaml", b"example.org", b"example.com", True),
        ("secrets/acme.toml", b"3.5", b"3.6", True),
        ("tiers.yaml", b"review_every: 180d", b"review_every: 181d", False),
        ("pathways.yaml", b"1: flag", b"1: refuse", False),
        ("freshness.yaml", b"warn_after: 365d", b"warn_after: 364d", False),
        ("drift.yaml", b"severity: error", b"severity: warn", False),
        ("access.cedar", b"// Who", b"// who", False),
    ],
)
def test_what_is_said_differently_changes_the_digest(
    bundle: Bundle, bundle_files: dict[str, bytes], name: str, old: bytes, new: bytes, *, ingest: bool
) -> None:
    assert old in bundle_files[name]
    changed = load_bundle(bundle_files | {name: bundle_files[name].replace(old, new, 1)})
    assert changed.digest != bundle.digest
    assert (changed.ingest.digest != bundle.ingest.digest) is ingest


def test_the_name_of_a_rule_file_is_part_of_what_is_said(bundle: Bundle, bundle_files: dict[str, bytes]) -> None:
    bundle_files["secrets/other.toml"] = bundle_files.pop("secrets/acme.toml")
    assert load_bundle(bundle_files).digest != bundle.digest


def test_null_and_the_text_null_are_two_things(bundle_files: dict[str, bytes]) -> None:
    rules = "schema: contextd.dev/drift/v1\ndetectors: []\nx: {}\n"
    plain, quoted = (load(rules.format(value).encode(), "a.yaml").plain() for value in ("null", '"null"'))
    assert plain != quoted


def test_a_bundle_goes_to_a_worker_and_back(bundle: Bundle) -> None:
    assert pickle.loads(pickle.dumps(bundle)) == bundle  # noqa: S301  (our own bytes)
