"""Cedar: policies and schema checked with file and line, parsed once, and asked so that an error is always a no.

Cedar skips a ``forbid`` whose condition errs and may then allow; here any evaluation error, and any request that does not
fit the schema, is undecided and never an allow. Determining policies are named by their ``@id``, in the order of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cedarpy

POLICIES = "access.cedar"
SCHEMA = "access.cedarschema"

_ID = re.compile(r"[a-z][a-z0-9-]{1,62}\Z")
_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,62}\Z")
_POSITIONAL = re.compile(r"policy(\d+)\Z")
_WORD = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|[;{}]|[^\s/";{}]+|\s+|.', re.DOTALL)
_REPEATED = re.compile(r"for policy `[^`]*`, ")


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: its ``@id``, whether it forbids, its ``@reason`` (empty for a permit) and its line, from 1."""

    id: str
    forbids: bool
    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Cedar said. ``policies`` determined it, in file order. With ``errors`` it decided nothing, so it is a no."""

    allowed: bool
    policies: tuple[Policy, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a principal, an action, a resource type and id, and the context that the schema describes."""

    principal: str
    action: str
    resource: tuple[str, str]
    context: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The texts of ``access.cedar`` and ``access.cedarschema`` and what stands in the first, in its order."""

    policies: str
    schema: str
    outline: tuple[Policy, ...]


class Engine:
    """An access policy parsed once. Build it of an AccessPolicy that ``read_access`` found no problem in."""

    def __init__(self, access: AccessPolicy) -> None:
        self._outline = {policy.id: place for place, policy in enumerate(access.outline)}
        self._policies = access.outline
        static = json.loads(cedarpy.policies_to_json_str(access.policies))["staticPolicies"]
        keyed = {policy["annotations"]["id"]: policy for policy in static.values()}
        self._set = cedarpy.PolicySet.from_json_str(json.dumps({"staticPolicies": keyed, "templates": {}, "templateLinks": []}))
        self._schema = cedarpy.Schema.from_str(access.schema)
        self._entities = cedarpy.Entities.from_json_str("[]", self._schema)

    def ask(self, call: Call) -> Verdict:
        """Evaluate ``call``. Never raises: what cannot even be put into a request is undecided too."""
        try:
            result = self._put(call)
        except (TypeError, ValueError) as error:
            return Verdict(allowed=False, errors=(f"the request cannot be put to Cedar: {error}",))
        errors = tuple(sorted(result.diagnostics.errors))
        if result.decision is cedarpy.Decision.NoDecision:
            errors = errors or ("Cedar decided nothing",)
        places = sorted(self._outline[policy] for policy in result.diagnostics.reasons)
        return Verdict(result.allowed and not errors, tuple(self._policies[place] for place in places), errors)

    def misfit(self, call: Call) -> str:
        """Why ``call`` does not fit the schema; empty when it does."""
        result = self._put(call)
        return "; ".join(result.diagnostics.errors) if result.decision is cedarpy.Decision.NoDecision else ""

    def _put(self, call: Call) -> cedarpy.AuthzResult:
        request = {
            "principal": {"type": "Principal", "id": call.principal},
            "action": {"type": "Action", "id": call.action},
            "resource": {"type": call.resource[0], "id": call.resource[1]},
            "context": call.context,
        }
        return cedarpy.is_authorized(request, self._set, self._entities, self._schema)


def read_access(policies: bytes, schema: bytes, calls: tuple[Call, ...]) -> tuple[AccessPolicy | None, list[str]]:
    """Check both files; return the policy, None when it cannot be used, and every problem as ``file:line: what; mend``.

    ``calls`` are requests as they are really made: a schema that does not admit them would refuse everything.
    """
    problems: list[str] = []
    text, schema_text = (_decoded(data, name, problems) for data, name in ((policies, POLICIES), (schema, SCHEMA)))
    if problems:
        return None, problems
    outline = _outline(text, problems)
    parsed = _schema(schema_text, problems)
    if outline is None or parsed is None:
        return None, problems
    found = cedarpy.validate_policies(text, parsed)
    said = sorted({(_place(error.policy_id), _REPEATED.sub("", error.error)) for error in found.errors})
    for place, what in said:
        line = outline[place].line if place < len(outline) else 1
        problems.append(f"{POLICIES}:{line}: does not fit {SCHEMA}: {what}; see there what there is")
    if problems:
        return None, problems
    access = AccessPolicy(text, schema_text, outline)
    engine = Engine(access)
    misfits = ((call.action, misfit) for call in calls if (misfit := engine.misfit(call)))
    problems.extend(
        f"{SCHEMA}:1: does not describe what {action} is asked with: {misfit}; mend the type of its context"
        for action, misfit in misfits
    )
    return (None if problems else access), problems


def _decoded(data: bytes, name: str, problems: list[str]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(f"{name}:{line}: not UTF-8; save the file as UTF-8")
        return ""


def _place(policy_id: str) -> int:
    match = _POSITIONAL.match(policy_id)
    return int(match[1]) if match else 0


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a Cedar file, each up to its ``;`` outside braces, with the line of its first token."""
    start, depth, line, first = 0, 0, 1, 0
    for match in _WORD.finditer(text):
        word = match[0]
        if not first and not word.isspace() and not word.startswith("//"):
            first = line
        depth += (word == "{") - (word == "}")
        line += word.count("\n")
        if word == ";" and depth <= 0:
            yield first, text[start : match.end()]
            start, first, depth = match.end(), 0, 0
    if first:
        yield first, text[start:]


def _outline(text: str, problems: list[str]) -> tuple[Policy, ...] | None:
    """Every policy of ``text`` in order; None, with problems, where it is not Cedar or lacks what naming it needs."""
    statements = list(_statements(text))
    before = len(problems)
    if not statements:
        problems.append(f"{POLICIES}:1: the file has no policy; without a permit everything is refused")
        return None
    for line, statement in statements:
        try:
            cedarpy.PolicySet.from_str(statement)
        except ValueError as error:
            problems.append(f"{POLICIES}:{line}: not Cedar ({error}); mend the policy that begins here")
    if len(problems) > before:
        return None
    parsed = json.loads(cedarpy.policies_to_json_str(text))
    outline: dict[str, Policy] = {}
    for place, (line, _) in enumerate(statements):
        body = parsed["staticPolicies"].get(f"policy{place}")
        if body is None:
            problems.append(
                f"{POLICIES}:{line}: a template (?principal or ?resource); write the policy out, nothing links templates"
            )
            continue
        policy = _policy(body, line, problems)
        if policy.id in outline:
            problems.append(
                f"{POLICIES}:{line}: @id {policy.id} is given twice (first in line {outline[policy.id].line}); rename one"
            )
        elif policy.id:
            outline[policy.id] = policy
    return tuple(outline.values()) if len(problems) == before else None


def _policy(body: Mapping[str, object], line: int, problems: list[str]) -> Policy:
    notes = body.get("annotations")
    annotations: Mapping[str, object] = notes if isinstance(notes, dict) else {}
    name, reason = str(annotations.get("id") or ""), str(annotations.get("reason") or "")
    forbids = body["effect"] == "forbid"
    if not _ID.match(name):
        problems.append(f'{POLICIES}:{line}: the policy has no @id that is a name; write @id("readers-search") before it')
        name = ""
    if forbids and not _REASON.match(reason):
        problems.append(
            f'{POLICIES}:{line}: a forbid has no @reason that is a code; write @reason("SOURCE_NOT_APPROVED") before it'
        )
    if not forbids and reason:
        problems.append(f"{POLICIES}:{line}: a permit has a @reason; reasons are for refusals, leave it out")
    return Policy(name, forbids, reason, line)


def _schema(text: str, problems: list[str]) -> cedarpy.Schema | None:
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as error:
        message = str(error)
    so_far, line = "", 1
    for begins, statement in _statements(text):
        so_far, line = so_far + statement, begins
        try:
            cedarpy.Schema.from_str(so_far)
        except ValueError as error:
            if str(error) == message:
                break
    problems.append(f"{SCHEMA}:{line}: not a Cedar schema ({message.strip(chr(39))}); mend the declaration that begins here")
    return None
