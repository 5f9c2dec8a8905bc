"""``freshness.yaml`` and ``drift.yaml``: how old a document may be, and which detectors look for what no longer holds."""

from __future__ import annotations

from datetime import timedelta

from contextd.model.finding import Severity
from contextd.model.source import ContentKind
from contextd.policy.boundaryfile import read_patterns
from contextd.policy.detection import DRIFT_CODES, INHERIT, Clock, DriftRule, DriftRules, FreshnessRule, FreshnessRules, Inherit
from contextd.yamlfile import Fields, Node


def read_freshness(root: Node) -> FreshnessRules:
    """Read ``freshness.yaml``; problems go to ``root.problems``."""
    fields = root.document("freshness/v1", {"rules"}, {"rules"})
    return FreshnessRules(tuple(_freshness(item) for item in fields["rules"].items(empty=True)))


def _freshness(item: Node) -> FreshnessRule:
    known = {"selector", "clock", "warn_after", "error_after", "suppress_until", "reason"}
    fields = item.mapping(known, {"selector"})
    selector = fields["selector"].mapping({"content", "paths", "tiers"})
    warn, error = _limit(fields["warn_after"]), _limit(fields["error_after"])
    if isinstance(warn, timedelta) and isinstance(error, timedelta) and warn > error:
        fields["error_after"].problem("error_after comes before warn_after; make it the later one")
    if "suppress_until" in fields and "reason" not in fields:
        fields["suppress_until"].problem("suppress_until has no reason; add reason: and say who mends it")
    return FreshnessRule(
        line=item.line,
        contents=_contents(selector),
        paths=read_patterns(selector["paths"]),
        tiers=selector["tiers"].integers(1, 4),
        clock=fields["clock"].choice(Clock, Clock.CHANGED) if "clock" in fields else INHERIT,
        warn_after=warn,
        error_after=error,
        suppress_until=fields["suppress_until"].instant(),
        reason=fields["reason"].text(),
    )


def _contents(selector: Fields) -> tuple[ContentKind, ...]:
    node, kinds = selector["content"], list(ContentKind)
    names = node.some_of(kinds) if isinstance(node.value, list) else [name for name in [node.one_of(kinds)] if name]
    return tuple(ContentKind(name) for name in names)


def _limit(node: Node) -> timedelta | Inherit | None:
    if not node.given:
        return INHERIT
    return None if node.null else node.duration()


def read_drift(root: Node) -> DriftRules:
    """Read ``drift.yaml``; problems go to ``root.problems``."""
    fields = root.document("drift/v1", {"detectors"}, {"detectors"})
    rules: dict[str, DriftRule] = {}
    for item in fields["detectors"].items(empty=True):
        rule = _drift(item)
        if rule.code in rules:
            item.problem(f"{rule.code} is named twice (first in line {rules[rule.code].line}); keep one")
        elif rule.code:
            rules[rule.code] = rule
    return DriftRules(tuple(rules.values()))


def _drift(item: Node) -> DriftRule:
    fields = item.mapping({"code", "enabled", "severity", "ignore_paths"}, {"code"})
    return DriftRule(
        code=fields["code"].one_of(DRIFT_CODES),
        line=item.line,
        enabled=fields["enabled"].boolean(default=True),
        severity=fields["severity"].choice(Severity, Severity.ERROR),
        ignore_paths=read_patterns(fields["ignore_paths"]),
    )
