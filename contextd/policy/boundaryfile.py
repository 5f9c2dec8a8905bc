"""``boundary.yaml`` and ``pii.yaml``: what never becomes context, and what is cut out of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pathspec import GitIgnoreSpec

from contextd.model.source import ContentKind, SourceKind
from contextd.policy.rules import Admit, Allow, BoundaryRules, Limits, PiiAction, PiiRule, Zone, ZoneAction
from contextd.yamlfile import Fields, Node

EXCLUSION_CODES = (
    "EXCL-NEVER-INGEST",
    "EXCL-IGNORE-FILE",
    "EXCL-GENERATED",
    "EXCL-BINARY",
    "EXCL-TOO-LARGE",
    "EXCL-ENCODING",
    "EXCL-LINK",
    "EXCL-SENSITIVE",
    "EXCL-PATH",
    "EXCL-UNKNOWN",
)
"""The codes that a never-ingest zone may give as its reason."""

PII_ENTITIES = (
    "CREDIT_CARD",
    "CRYPTO",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MEDICAL_LICENSE",
    "PHONE_NUMBER",
    "UK_NHS",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
)
"""What is recognized. Naming what needs a language model (PERSON), or floods on code (URL, DATE_TIME), is an error."""

_TIERS = (1, 4)
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", re.ASCII
)
_BY_DOMAIN = "EMAIL_ADDRESS"
_MIN_SCORE = 0.4


def read_patterns(node: Node) -> tuple[str, ...]:
    """Read a list of gitignore patterns, noting each that git would not read or that can match nothing."""
    return tuple(text for item in node.items() if (text := item.text()) and _compiles(item, text))


def _compiles(item: Node, pattern: str) -> bool:
    if any(ord(char) < ord(" ") for char in pattern):
        item.problem(f"pattern {pattern!r} has a control character; name one path a pattern")
        return False
    try:
        matches = [found for found in GitIgnoreSpec.from_lines([pattern]).patterns if found.include is not None]
    except ValueError:
        matches = []
    if not matches:
        item.problem(f"pattern {pattern!r} matches nothing; write it as in .gitignore: *.pem, deploy/, /docs/**")
    return bool(matches)


def read_boundary(root: Node) -> BoundaryRules:
    """Read ``boundary.yaml``; problems go to ``root.problems``."""
    fields = root.document("boundary/v1", {"limits", "zones", "admit", "allow", "export_ignore"}, {"zones", "admit"})
    zones: dict[str, Zone] = {}
    for item in fields["zones"].items(empty=True):
        zone = _zone(item)
        if zone.name in zones:
            item.problem(f"zone {zone.name} is named twice (first in line {zones[zone.name].line}); rename one")
        elif zone.name:
            zones[zone.name] = zone
    return BoundaryRules(
        limits=_limits(fields),
        zones=tuple(zones.values()),
        admit=tuple(_admit(item) for item in fields["admit"].items()),
        allow=tuple(_allow(item) for item in fields["allow"].items(empty=True)),
        export_ignore=fields["export_ignore"].boolean(),
    )


def _limits(fields: Fields) -> Limits:
    usual = Limits()
    given = fields["limits"].mapping({"file", "line", "decompressed"})
    return Limits(
        file=given["file"].size(usual.file),
        line=given["line"].size(usual.line),
        decompressed=given["decompressed"].size(usual.decompressed),
    )


def _zone(item: Node) -> Zone:
    scope = {"tiers", "kinds", "contents", "components"}
    fields = item.mapping({"name", "action", "paths", "labels", "reason", "code", *scope}, {"name", "action", "paths"})
    action = fields["action"].choice(ZoneAction, ZoneAction.NEVER_INGEST)
    labels = tuple(name for node in fields["labels"].items() if (name := node.name()))
    if action is not ZoneAction.RESTRICT and "labels" in fields:
        fields["labels"].problem("labels belong to a restrict zone; write action: restrict or leave them out")
    elif action is ZoneAction.RESTRICT and "labels" not in fields:
        item.problem("a restrict zone lacks labels; add labels: [name], which its documents then carry")
    if action is not ZoneAction.NEVER_INGEST and "code" in fields:
        fields["code"].problem("code belongs to a never-ingest zone; write action: never-ingest or leave it out")
    return Zone(
        name=fields["name"].name(),
        action=action,
        paths=read_patterns(fields["paths"]),
        line=item.line,
        code=fields["code"].one_of(EXCLUSION_CODES, EXCLUSION_CODES[0]),
        labels=labels,
        tiers=fields["tiers"].integers(*_TIERS),
        kinds=fields["kinds"].some_of(list(SourceKind)),
        contents=fields["contents"].some_of(list(ContentKind)),
        components=tuple(name for node in fields["components"].items() if (name := node.name())),
        reason=fields["reason"].text(),
    )


def _admit(item: Node) -> Admit:
    fields = item.mapping({"paths", "kinds"}, {"paths"})
    return Admit(paths=read_patterns(fields["paths"]), line=item.line, kinds=fields["kinds"].some_of(list(SourceKind)))


def _allow(item: Node) -> Allow:
    dated = {key for key, _ in item.entries() if key in {"until", "expires", "expires_at", "ends"}}
    for key in sorted(dated):
        item.problem(f"an allowance has no {key}; whatever has an end is a waiver")
    known = {"rule", "paths", "owner", "reason"}
    fields = item.mapping(known | dated, known)
    return Allow(
        rule=fields["rule"].text(),
        paths=read_patterns(fields["paths"]),
        owner=fields["owner"].principal(),
        reason=fields["reason"].text(),
        line=item.line,
    )


def unknown_rules(root: Node, boundary: BoundaryRules, rules: Sequence[str]) -> None:
    """Note each allowance of ``boundary.yaml`` whose secret rule is none of ``rules``."""
    for allow in boundary.allow:
        if allow.rule and allow.rule not in rules:
            where = Node(root.file, allow.line, "rule", None, root.problems)
            where.problem(f"rule {allow.rule} is in no file of secrets/; name the id of one that is")


def read_pii(root: Node, locked: Sequence[int]) -> tuple[PiiRule, ...]:
    """Read ``pii.yaml``; problems go to ``root.problems``. No rule may be for keeping at one of the tiers ``locked``."""
    fields = root.document("pii/v1", {"entities"}, {"entities"})
    rules: list[PiiRule] = []
    for item in fields["entities"].items(empty=True):
        rule = _pii(item)
        hidden = next((earlier for earlier in rules if _covers(earlier, rule)), None)
        if hidden:
            item.problem(f"{rule.entity} is decided by line {hidden.line} already; move the narrower rule before it")
        open_at = [tier for tier in rule.tiers if tier in locked]
        if rule.action is PiiAction.KEEP and open_at and rule.entity:
            tiers = " and ".join(map(str, open_at))
            item.problem(f"{rule.entity} is kept at tier {tiers}, where redaction is locked; name other tiers")
        rules.append(rule)
    return tuple(rules)


def _pii(item: Node) -> PiiRule:
    known = {"entity", "action", "tiers", "contents", "context", "allow_domains", "min_score"}
    fields = item.mapping(known, {"entity", "action"})
    entity = fields["entity"].one_of(PII_ENTITIES)
    domains = fields["allow_domains"].strings(empty=True)
    for node in fields["allow_domains"].items(empty=True):
        if isinstance(node.value, str) and node.value.strip() and not _DOMAIN.match(node.value):
            node.problem(f"{node.value!r} is not a domain; write it in lower case: example.org")
    if domains and entity not in {_BY_DOMAIN, ""}:
        fields["allow_domains"].problem(f"allow_domains belongs to {_BY_DOMAIN}; leave it out of {entity}")
    return PiiRule(
        entity=entity,
        action=fields["action"].choice(PiiAction, PiiAction.REDACT),
        line=item.line,
        tiers=fields["tiers"].integers(*_TIERS),
        contents=fields["contents"].some_of(list(ContentKind)),
        context=fields["context"].strings(),
        allow_domains=domains,
        min_score=fields["min_score"].number(0, 1, _MIN_SCORE),
    )


def _covers(earlier: PiiRule, later: PiiRule) -> bool:
    """Whether ``earlier`` decides wherever ``later`` could; both are of the same entity."""
    tiers = not earlier.tiers or (bool(later.tiers) and set(later.tiers) <= set(earlier.tiers))
    contents = not earlier.contents or (bool(later.contents) and set(later.contents) <= set(earlier.contents))
    return bool(later.entity) and earlier.entity == later.entity and tiers and contents
