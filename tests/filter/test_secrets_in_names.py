"""A secret in the name of a file or folder: the file is no context, and its name is kept without the secret."""

from __future__ import annotations

import random
import string

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.content import Admitted, EntryKind, Excluded, Observed
from contextd.model.source import ContentKind, Descriptor, SourceKind
from contextd.policy.rules import Admit, BoundaryRules, IngestRules, Limits, SecretRule, SecretRules

TOKEN = "ghp_" + "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=36))  # noqa: S311 - made up
RULES = IngestRules(
    BoundaryRules(Limits(), (), (Admit(("*",), 1),)),
    SecretRules((SecretRule("github-pat", "", r"ghp_[0-9A-Za-z]{36}", keywords=("ghp_",), file="secrets/vcs.toml", line=3),)),
    (),
    "bnd1:0",
)


def boundary() -> Filter:
    return Filter.compile(RULES, Descriptor("s", SourceKind.GIT, ContentKind.REPO, 2), RepositoryIgnores(()))


def observed(path: str) -> Observed:
    return Observed(path.encode(), "100644", EntryKind.FILE, 2, "")


def test_it_is_excluded_by_its_rule_under_a_name_without_the_secret() -> None:
    for path in (f"keys/{TOKEN}.txt", f"{TOKEN}/deep/a.md"):
        verdict = boundary().judge(observed(path))
        assert isinstance(verdict, Excluded)
        assert (verdict.code, verdict.where) == ("EXCL-SENSITIVE", "secrets/vcs.toml:3")
        assert TOKEN not in verdict.path
        assert "[REDACTED:github-pat]" in verdict.path
        assert isinstance(boundary().apply(observed(path), b"x\n"), Excluded)


def test_other_names_are_left_alone() -> None:
    rules = boundary()
    assert rules.name_of("src/ghp_short.py") == "src/ghp_short.py"
    assert isinstance(rules.apply(observed("src/a.py"), b"x\n"), Admitted)
