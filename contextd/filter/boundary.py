"""Where a path may go: zones, admit patterns, allowances and components, by path alone.

Precedence: never-ingest, ignore files, restrict, redact, admit; what no admit pattern matches is excluded. The built-in limits
come before and are in ``limits.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contextd.filter.ignorefiles import Denial, IgnoreFiles
from contextd.filter.patterns import Patterns, UnusablePattern
from contextd.model.errors import BundleInvalid
from contextd.model.source import REST, Descriptor
from contextd.policy.rules import BoundaryRules, Zone, ZoneAction

FILE = "boundary.yaml"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules say of one path. ``denials`` are in order of precedence: the first decides, none means admitted."""

    component: str
    denials: tuple[Denial, ...]
    labels: tuple[str, ...]
    redact_zones: tuple[str, ...]
    admitted_by: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    zone: Zone
    patterns: Patterns

    def hit(self, path: str) -> str | None:
        """The pattern by which the zone covers ``path``, or None."""
        index = self.patterns.match(path)
        return None if index is None else self.patterns.patterns[index]


class Boundary:
    """The path rules of one source.

    Raises:
        BundleInvalid: a pattern of ``boundary.yaml`` or of a component that gitignore has no meaning for.
    """

    def __init__(self, rules: BoundaryRules, descriptor: Descriptor, ignore_files: IgnoreFiles) -> None:
        self._ignore_files = ignore_files
        self._components = tuple((c.name, _patterns(c.paths, f"component {c.name}")) for c in descriptor.components)
        kind, content = descriptor.kind.value, descriptor.content.value
        zones = [
            _Compiled(zone, _patterns(zone.paths, f"{FILE}:{zone.line}"))
            for zone in rules.zones
            if _covers(zone.kinds, kind) and _covers(zone.contents, content)
        ]
        names = [REST, *(c.name for c in descriptor.components)]
        self._zones = {
            name: [
                z
                for z in zones
                if _covers(z.zone.components, name) and (not z.zone.tiers or descriptor.tier_of(name) in z.zone.tiers)
            ]
            for name in names
        }
        self._admit = [(a, _patterns(a.paths, f"{FILE}:{a.line}")) for a in rules.admit if _covers(a.kinds, kind)]
        self._allow: dict[str, list[Patterns]] = {}
        for allow in rules.allow:
            self._allow.setdefault(allow.rule, []).append(_patterns(allow.paths, f"{FILE}:{allow.line}"))

    def component_of(self, path: str) -> str:
        """The first component whose patterns match ``path``, else ``rest``."""
        for name, patterns in self._components:
            if patterns.match(path) is not None:
                return name
        return REST

    def denials(self, path: str, component: str) -> Iterator[Denial]:
        """Yield what keeps ``path`` out, the strongest first; nothing when it is admitted."""
        for compiled in self._zones[component]:
            if compiled.zone.action is ZoneAction.NEVER_INGEST and (pattern := compiled.hit(path)) is not None:
                yield Denial(compiled.zone.code, f"zone {compiled.zone.name}", f"{FILE}:{compiled.zone.line}", pattern)
        yield from self._ignore_files.denials(path)
        if not self._admitted_by(path):
            yield Denial("EXCL-UNKNOWN", "no admit pattern", FILE, "")

    def labels(self, path: str, component: str) -> tuple[str, ...]:
        """The labels of the restrict zones that cover ``path``, unique and in byte order."""
        found = {
            label
            for compiled in self._zones[component]
            if compiled.zone.action is ZoneAction.RESTRICT and compiled.hit(path) is not None
            for label in compiled.zone.labels
        }
        return tuple(sorted(found, key=str.encode))

    def standing(self, path: str) -> Standing:
        """Everything that the rules say of ``path``, with each rule that applies beside the one that decides."""
        component = self.component_of(path)
        redact = tuple(
            compiled.zone.name
            for compiled in self._zones[component]
            if compiled.zone.action is ZoneAction.REDACT and compiled.hit(path) is not None
        )
        denials = tuple(self.denials(path, component))
        return Standing(component, denials, self.labels(path, component), redact, self._admitted_by(path))

    def allowed(self, rule: str, path: str) -> bool:
        """Whether findings of secret rule ``rule`` stand under ``path``."""
        return any(patterns.match(path) is not None for patterns in self._allow.get(rule, ()))

    def _admitted_by(self, path: str) -> str:
        """Where the admit rule that takes ``path`` stands, or nothing."""
        return next((f"{FILE}:{admit.line}" for admit, patterns in self._admit if patterns.match(path) is not None), "")


def _covers(wanted: Sequence[str], value: str) -> bool:
    return not wanted or value in wanted


def _patterns(paths: Sequence[str], where: str) -> Patterns:
    try:
        return Patterns(paths)
    except UnusablePattern as error:
        raise BundleInvalid([f"{where}: {error}"], hint="see the pattern format of gitignore") from error
