"""The filter: what a crawl observed becomes ``Admitted`` (redacted text) or ``Excluded`` (why). Its only maker.

Order: built-in limits, never-ingest zones, ignore files, restrict, redact, admit; then the bytes. What can be decided by the
path is decided without reading them. No clock, no randomness: the same rules, descriptor, ignore files and bytes give the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contextd.filter.boundary import Boundary
from contextd.filter.ignorefiles import Denial, IgnoreFiles, RepositoryIgnores
from contextd.filter.limits import BUILT_IN, content_fault, entry_fault, path_fault, printable, raw_path, size_fault
from contextd.filter.pii import FILE as PII_FILE
from contextd.filter.pii import PersonalData
from contextd.filter.presidio import RECOGNIZERS
from contextd.filter.redact import Cut, Placeholders, Span, Unsettled, placeholder, settle, without_placeholders
from contextd.filter.secrets import SecretScanner
from contextd.filter.views import views
from contextd.model.content import Admitted, Excluded, Observed, RedactionKind
from contextd.model.source import Descriptor
from contextd.policy.rules import IngestRules, PiiAction, PiiRule

_UNSETTLED = "text"
_KEPT_DENIALS = 4096


@dataclass(frozen=True, slots=True)
class PathDecision:
    """What the rules say of a path: ``excluded`` is None when it is admitted.

    ``also`` are the further rules that would exclude it, in order of precedence; ``redact_zones`` ask for redaction, which runs
    on every admitted text anyway; ``admitted_by`` is where the admit rule that fits stands, or empty.
    """

    path: str
    component: str
    tier: int
    excluded: Excluded | None
    labels: tuple[str, ...] = ()
    redact_zones: tuple[str, ...] = ()
    also: tuple[Excluded, ...] = ()
    admitted_by: str = ""


class _Withheld(Exception):
    """Personal data that a rule answers with excluding the document."""

    def __init__(self, rule: PiiRule) -> None:
        super().__init__(rule.entity)
        self.rule = rule


class Filter:
    """The rules of one source, compiled. Rebuild it in a worker from the same arguments: they pickle, it does not."""

    def __init__(
        self, rules: IngestRules, descriptor: Descriptor, boundary: Boundary, scanner: SecretScanner, key: bytes
    ) -> None:
        self._rules = rules
        self._descriptor = descriptor
        self._boundary = boundary
        self._scanner = scanner
        self._key = key
        self._where = {rule.id: f"{rule.file}:{rule.line}" if rule.file else "" for rule in rules.secrets.rules}
        self._placeholders = Placeholders([*self._where, *RECOGNIZERS, _UNSETTLED])
        tiers = {descriptor.tier, *(c.tier for c in descriptor.components)}
        self._denials: dict[str, Denial | None] = {}
        self._personal = {tier: PersonalData(rules.pii, tier, descriptor.content.value) for tier in sorted(tiers)}

    @classmethod
    def compile(
        cls,
        rules: IngestRules,
        descriptor: Descriptor,
        ignore: RepositoryIgnores,
        *,
        fingerprint_key: bytes = b"",
        cache_dir: Path | None = None,
    ) -> Filter:
        """Compile the rules for one source.

        Args:
            rules: the ingest part of a bundle.
            descriptor: kind, content, tier and components of the source.
            ignore: the ignore and attribute files of the listing.
            fingerprint_key: of the HMAC by which the same secret is known again; empty leaves fingerprints out.
            cache_dir: where compiled secret rules may be kept (mode 0700), or None.

        Raises:
            BundleInvalid: a pattern or rule that cannot be meant.
        """
        ignore_files = IgnoreFiles(ignore, export_ignore=rules.boundary.export_ignore)
        boundary = Boundary(rules.boundary, descriptor, ignore_files)
        return cls(rules, descriptor, boundary, SecretScanner(rules.secrets, cache_dir), fingerprint_key)

    def component_of(self, path: str) -> str:
        """The name of the component that has ``path``: the first whose patterns match, else ``rest``."""
        return self._boundary.component_of(path)

    def judge(self, entry: Observed) -> Excluded | None:
        """Decide all that can be decided without the bytes: None means that they are wanted."""
        path = printable(entry.path)
        component = self._boundary.component_of(path)
        fault = entry_fault(entry, self._rules.boundary.limits)
        denial = _built_in(fault) if fault else self._denial(path, component)
        return None if denial is None else self._excluded(path, denial, entry.size, component)

    def apply(self, entry: Observed, data: bytes) -> Admitted | Excluded:
        """Make of an observed file and its bytes what may be kept of it. Total: no bytes make it raise.

        Args:
            entry: an entry for which ``judge`` said None; for any other the same exclusion is returned again.
            data: all bytes of the file.
        """
        excluded = self.judge(entry)
        if excluded is not None:
            return excluded
        path = entry.path.decode()
        component = self._boundary.component_of(path)
        fault = content_fault(data, self._rules.boundary.limits)
        if fault:
            return self._excluded(path, _built_in(fault), len(data), component)
        tier = self._descriptor.tier_of(component)
        try:
            done = self._settled(path, data, tier)
        except _Withheld as withheld:
            where = f"{PII_FILE}:{withheld.rule.line}"
            return self._excluded(
                path, Denial("EXCL-SENSITIVE", f"personal data {withheld.rule.entity}", where, ""), len(data), component
            )
        except Unsettled:
            return self._excluded(path, Denial("EXCL-SENSITIVE", BUILT_IN, "", ""), len(data), component)
        labels = self._boundary.labels(path, component)
        return Admitted(path, entry.mode, done.text, component, labels, done.redactions)

    def name_of(self, path: str) -> str:
        """A path as it may be kept: secrets in it are cut out. Two paths can come to have the same name by that."""
        data = path.encode("utf-8", "replace")
        for secret in reversed(self._scanner.find("", data)):
            data = data[: secret.start] + placeholder(secret.rule) + data[secret.end :]
        return data.decode("utf-8", "replace")

    def redact_text(self, text: str, path: str = "") -> str:
        """Cut secrets and personal data out of a short text: a commit subject, a question. Takes any string.

        Args:
            text: lone surrogates, which are no text, come back as ``?``.
            path: where it comes from, if that decides about its tier and allowances.
        """
        data = text.encode("utf-8", "replace")
        tier = self._descriptor.tier_of(self._boundary.component_of(path)) if path else self._descriptor.tier
        try:
            return settle(data, partial(self._spans, path, tier, exclude=False), self._key).text.decode()
        except Unsettled:
            return placeholder(_UNSETTLED).decode()

    def path_decision(self, path: str, size: int = 0) -> PathDecision:
        """Say which rule decides about a path of this source, with every further rule that applies.

        Args:
            path: relative to the source's root.
            size: in bytes, 0 when not known.
        """
        raw = raw_path(path)
        fault = path_fault(raw)
        if fault:
            shown = printable(raw)
            component = self.component_of(shown)
            excluded = self._excluded(shown, _built_in(fault), size, component)
            return PathDecision(shown, component, self._descriptor.tier_of(component), excluded)
        standing = self._boundary.standing(path)
        denials = list(standing.denials)
        if too_large := size_fault(size, self._rules.boundary.limits):
            denials.insert(0, _built_in(too_large))
        if (sensitive := self._path_rule(path)) is not None:
            denials.append(sensitive)
        exclusions = [self._excluded(path, denial, size, standing.component) for denial in denials]
        return PathDecision(
            path=path,
            component=standing.component,
            tier=self._descriptor.tier_of(standing.component),
            excluded=exclusions[0] if exclusions else None,
            labels=standing.labels,
            redact_zones=standing.redact_zones,
            also=tuple(exclusions[1:]),
            admitted_by=standing.admitted_by,
        )

    def would_change(self, path: str, text: bytes) -> bool:
        """Whether these rules exclude ``path`` or cut anything more out of ``text``, which is redacted already."""
        if path_fault(raw_path(path)) or content_fault(without_placeholders(text), self._rules.boundary.limits):
            return True
        component = self._boundary.component_of(path)
        if self._denial(path, component) is not None:
            return True
        try:
            return bool(self._spans(path, self._descriptor.tier_of(component), text))
        except _Withheld:
            return True

    def _denial(self, path: str, component: str) -> Denial | None:
        """The first rule that excludes a path; the path is known to be one."""
        # Each file is judged by its path and then again with its bytes: the second time is a look-up.
        if path not in self._denials:
            if len(self._denials) >= _KEPT_DENIALS:
                self._denials.clear()
            first = next(self._boundary.denials(path, component), None)
            self._denials[path] = self._path_rule(path) if first is None else first
        return self._denials[path]

    def _path_rule(self, path: str) -> Denial | None:
        """A secret rule on paths: the file as a whole is a secret."""
        rule = self._scanner.path_hit(path)
        if rule is not None and not self._boundary.allowed(rule, path):
            return Denial("EXCL-SENSITIVE", f"secret rule {rule}", self._where.get(rule, ""), "")
        named = next(iter(self._scanner.find("", path.encode("utf-8", "replace"))), None)
        if named is not None:
            return Denial("EXCL-SENSITIVE", f"secret rule {named.rule}, in its name", self._where.get(named.rule, ""), "")
        return None

    def _excluded(self, path: str, denial: Denial, size: int, component: str) -> Excluded:
        return Excluded(self.name_of(path), denial.code, denial.rule, denial.where, denial.pattern, size, component)

    def _settled(self, path: str, data: bytes, tier: int) -> Cut:
        return settle(data, partial(self._spans, path, tier), self._key)

    def _spans(self, path: str, tier: int, data: bytes, *, exclude: bool = True) -> list[Span]:
        """What must be cut out of ``data``, found in any of its views, in terms of ``data``."""
        personal = self._personal[tier]
        spans: list[Span] = []
        for view in views(data):
            for secret in self._scanner.find(path, view.data):
                if not self._boundary.allowed(secret.rule, path):
                    value = view.data[secret.start : secret.end]
                    spans.append(Span(*view.origin(secret.start, secret.end), secret.rule, RedactionKind.SECRET, value))
            for hit in personal.find(view.data):
                if exclude and hit.rule.action is PiiAction.EXCLUDE:
                    raise _Withheld(hit.rule)
                value = view.data[hit.start : hit.end]
                spans.append(Span(*view.origin(hit.start, hit.end), hit.rule.entity, RedactionKind.PII, value))
        return self._placeholders.outside(data, spans)


def _built_in(code: str) -> Denial:
    return Denial(code, BUILT_IN, "", "")
