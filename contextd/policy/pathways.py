"""``pathways.yaml``: the approved ways to use AI, which clients they list, and what happens on any other way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from contextd.yamlfile import Fields, Node

TIERS = (1, 2, 3, 4)
_CLIENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,62})(?:\s+(?P<range>\S.*))?\Z", re.ASCII)


class PathwayKind(StrEnum):
    """What stands at the other end of a pathway."""

    IDE = "ide"
    CLI = "cli"
    CI = "ci"
    AGENT = "agent"


class Assurance(StrEnum):
    """How a caller must have signed in: with a person's credential, or with a workload's own identity."""

    USER = "user"
    WORKLOAD = "workload"


class Unapproved(StrEnum):
    """What happens to a request over a way that its tier does not list: served and flagged, or refused."""

    FLAG = "flag"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Client:
    """One client that a pathway lists: a name (``*`` is any) and a version range in the syntax of PEP 440, or none."""

    name: str
    range: str = ""

    def admits(self, client: str, version: str) -> bool:
        """Whether this entry lists ``client`` in ``version``; a version that cannot be compared is in no range."""
        if self.name not in {"*", client}:
            return False
        if not self.range:
            return True
        try:
            return SpecifierSet(self.range).contains(Version(version), prereleases=True)
        except InvalidVersion:
            return False

    def __str__(self) -> str:
        return f"{self.name} {self.range}".strip()


@dataclass(frozen=True, slots=True)
class Pathway:
    """An approved way. From tier ``intent_from_tier`` on it needs an intent; None never does. ``line`` is in pathways.yaml."""

    name: str
    kind: PathwayKind
    clients: tuple[Client, ...]
    line: int
    assurance: Assurance = Assurance.USER
    intent_from_tier: int | None = None
    guide: str = ""

    def lists(self, client: str, version: str) -> bool:
        """Whether ``client`` in ``version`` may use this pathway."""
        return any(entry.admits(client, version) for entry in self.clients)


@dataclass(frozen=True, slots=True)
class Pathways:
    """All pathways by name, and what happens over any other way by tier (1-4)."""

    by_name: Mapping[str, Pathway]
    unapproved: Mapping[int, Unapproved]


def read_pathways(root: Node) -> Pathways:
    """Read ``pathways.yaml``; problems go to ``root.problems``. A tier that ``unapproved`` does not name refuses."""
    fields = root.document("pathways/v1", {"pathways", "unapproved"}, {"pathways"})
    by_name: dict[str, Pathway] = {}
    for item in fields["pathways"].items():
        pathway = _pathway(item)
        if pathway.name in by_name:
            item.problem(f"pathway {pathway.name} is named twice (first in line {by_name[pathway.name].line}); rename one")
        elif pathway.name:
            by_name[pathway.name] = pathway
    tiers = fields["unapproved"].mapping({str(tier) for tier in TIERS})
    unapproved = {tier: tiers[str(tier)].choice(Unapproved, Unapproved.REFUSE) for tier in TIERS}
    return Pathways(by_name, unapproved)


def _pathway(item: Node) -> Pathway:
    known = {"name", "kind", "clients", "assurance", "intent_from_tier", "guide"}
    fields = item.mapping(known, {"name", "kind", "clients"})
    intent = fields["intent_from_tier"]
    return Pathway(
        name=fields["name"].name(),
        kind=fields["kind"].choice(PathwayKind, PathwayKind.CLI),
        clients=_clients(fields),
        line=item.line,
        assurance=fields["assurance"].choice(Assurance, Assurance.USER),
        intent_from_tier=intent.integer(TIERS[0], TIERS[-1]) if intent.given and not intent.null else None,
        guide=fields["guide"].text(),
    )


def _clients(fields: Fields) -> tuple[Client, ...]:
    found = []
    for item in fields["clients"].items():
        text = item.text()
        if text == "*":
            found.append(Client("*"))
        elif match := _CLIENT.match(text):
            wanted = match["range"] or ""
            try:
                SpecifierSet(wanted)
            except InvalidSpecifier:
                item.problem(f"{text!r} has no version range that can be read; write acme-ide >=2.1 or acme-ide >=2.1,<3")
            found.append(Client(match["name"], wanted))
        elif text:
            item.problem(f"{text!r} is not a client; write a name, a name with a range (acme-ide >=2.1), or *")
    return tuple(found)
