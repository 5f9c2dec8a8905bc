"""What ``--format json`` prints: domain values as plain JSON, with the names of the protobuf messages of the interface.

Times are RFC 3339 in UTC to the second, 64-bit numbers are numbers, bytes are base64, enumerated values are words as in files.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contextd.model.access import Decision, Grant
from contextd.model.answer import Hit, Permitted, Receipt, Watermarks
from contextd.model.content import Excluded, Redaction
from contextd.model.document import Span
from contextd.model.errors import BundleInvalid, ContextdError
from contextd.model.finding import Finding, Freshness, Package
from contextd.model.snapshot import DocumentChange, Snapshot
from contextd.model.source import Component, Source

Json = dict[str, Any]


def time_json(time: datetime | None) -> str | None:
    """``2026-11-23T18:40:02Z``; None stays None."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error_json(error: ContextdError) -> Json:
    """An error: reason, message, hint and metadata; a bundle's problems are all listed."""
    metadata: Json = {key: value for key, value in error.metadata.items() if value}
    if isinstance(error, BundleInvalid):
        metadata["problems"] = error.problems
    return {"reason": error.reason, "message": error.message, "hint": error.hint, "metadata": metadata}


def source_json(source: Source, eligibility: Mapping[str, bool] | None = None) -> Json:
    """A registered source; ``eligibility`` by component adds what is known of its packages."""
    descriptor = source.descriptor
    return {
        "name": source.name,
        "location": source.location,
        "kind": descriptor.kind.value,
        "content": descriptor.content.value,
        "tier": descriptor.tier,
        "owner": source.owner,
        "maintainer": source.maintainer,
        "sensitivity": source.sensitivity.value,
        "refs": list(source.refs),
        "components": [component_json(component) for component in descriptor.components],
        "every": source.every,
        "state": source.state.value,
        "requested_by": source.requested_by,
        "create_time": time_json(source.created_at),
        "decided_by": source.decided_by,
        "decide_time": time_json(source.decided_at),
        "reason": source.reason,
        "review_by_time": time_json(source.review_by),
        "eligibility": dict(eligibility or {}),
        "etag": source.etag,
    }


def component_json(component: Component) -> Json:
    """A component of a source."""
    return {"name": component.name, "paths": list(component.paths), "tier": component.tier, "owner": component.owner}


def snapshot_json(snapshot: Snapshot) -> Json:
    """A snapshot with its counts."""
    return {
        "name": f"sources/{snapshot.source}/snapshots/{snapshot.id}",
        "id": snapshot.id,
        "source": snapshot.source,
        "ref": snapshot.ref,
        "sequence": snapshot.sequence,
        "commit": snapshot.commit,
        "ingest_digest": snapshot.ingest_digest,
        "pipeline": snapshot.pipeline,
        "as_of_time": time_json(snapshot.as_of),
        "build_time": time_json(snapshot.built_at),
        "content_time": time_json(snapshot.content_time),
        "document_count": snapshot.documents,
        "chunk_count": snapshot.chunks,
        "excluded_count": snapshot.excluded,
        "redacted_count": snapshot.redacted,
        "byte_count": snapshot.bytes,
    }


def change_json(change: DocumentChange) -> Json:
    """One path that differs between two snapshots."""
    return {
        "path": change.path,
        "kind": change.kind,
        "why": change.why,
        "lines_added": change.lines_added,
        "lines_removed": change.lines_removed,
    }


def span_json(span: Span) -> Json:
    """Lines from 1, inclusive; bytes from 0, half-open."""
    return {
        "start_line": span.start_line,
        "end_line": span.end_line,
        "start_byte": span.start_byte,
        "end_byte": span.end_byte,
    }


def freshness_json(freshness: Freshness) -> Json:
    """How current a document is, and by which clock."""
    return {
        "state": freshness.state.value,
        "reviewed_time": time_json(freshness.reviewed_at),
        "changed_time": time_json(freshness.changed_at),
        "cause": freshness.cause,
    }


def hit_json(hit: Hit) -> Json:
    """One served slice with its provenance."""
    return {
        "source": hit.source,
        "component": hit.component,
        "path": hit.path,
        "symbol": hit.symbol,
        "language": hit.language,
        "text": hit.text,
        "snapshot": hit.snapshot,
        "commit": hit.commit,
        "span": span_json(hit.span),
        "rank": hit.rank,
        "token_count": hit.tokens,
        "content_class": hit.content_class.value,
        "labels": list(hit.labels),
        "open_findings": [f"findings/{finding.id}" for finding in hit.open_findings],
        "open_finding_codes": sorted({finding.code for finding in hit.open_findings}),
        "freshness": freshness_json(hit.freshness),
    }


def watermarks_json(watermarks: Watermarks) -> Json:
    """How current an answer is, by part."""
    return {
        "content_time": time_json(watermarks.content),
        "access_time": time_json(watermarks.access),
        "boundary_time": time_json(watermarks.boundary),
        "drift_time": time_json(watermarks.drift),
        "oldest_time": time_json(watermarks.oldest),
        "snapshots_behind": watermarks.snapshots_behind,
    }


def receipt_json(receipt: Receipt) -> Json:
    """A receipt: what was served on which decision, and where the audit log holds it."""
    return {
        "name": f"receipts/{receipt.id}",
        "id": receipt.id,
        "principal": receipt.principal,
        "create_time": receipt.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "pathway": receipt.use.pathway,
        "workflow": receipt.use.workflow.value,
        "intent": receipt.use.intent,
        "session": receipt.use.session,
        "client": receipt.use.client,
        "client_version": receipt.use.client_version,
        "decision": receipt.decision,
        "exceptions": list(receipt.exceptions),
        "snapshots": list(receipt.snapshots),
        "ingest_digest": receipt.ingest_digest,
        "query_digest": receipt.query_digest,
        "query_key": receipt.query_key,
        "served_root": _base64(receipt.served_root),
        "served": [
            {
                "source": hit.source,
                "path": hit.path,
                "snapshot": hit.snapshot,
                "start_byte": hit.start_byte,
                "end_byte": hit.end_byte,
                "text_sha256": hit.text_sha256.hex(),
            }
            for hit in receipt.served
        ],
        "audit_index": receipt.audit_index,
        "key_id": receipt.key_id,
        "signature": _base64(receipt.signature),
    }


def answer_json(answer: Permitted) -> Json:
    """An allowed answer."""
    return {
        "hits": [hit_json(hit) for hit in answer.hits],
        "watermarks": watermarks_json(answer.watermarks),
        "withheld_count": answer.withheld,
        "token_count": answer.tokens,
        "token_budget": answer.budget,
        "truncated": answer.truncated,
        "receipt": receipt_json(answer.receipt),
    }


def finding_json(identity: str, source: str, finding: Finding, state: str, seen: Mapping[str, Any]) -> Json:
    """A finding with its evidence; ``seen`` holds what the control plane knows of its life, ready for JSON."""
    breaking = finding.breaking
    return {
        "name": f"findings/{identity}",
        "id": identity,
        "source": source,
        "component": finding.component,
        "code": finding.code,
        "severity": finding.severity.value,
        "state": state,
        "subject": {"path": finding.path, "line": finding.line},
        "quote": finding.quote,
        "claim": finding.claim,
        "observed": finding.observed,
        "history": finding.history,
        "last_valid_commit": finding.last_valid_commit,
        "breaking_commit": breaking.id if breaking else "",
        "breaking_subject": breaking.subject if breaking else "",
        "breaking_time": time_json(breaking.time) if breaking else None,
        "rename_target": finding.rename_target,
        "remediation": finding.remediation,
        "confidence": round(finding.confidence, 3),
        **seen,
    }


def package_json(package: Package) -> Json:
    """A context package, element by element."""
    return {
        "component": package.component,
        "tier": package.tier,
        "required": package.required,
        "eligible": package.eligible,
        "reviewed_time": time_json(package.reviewed_at),
        "elements": [
            {
                "name": element.name,
                "state": element.state,
                "evidence": element.evidence,
                "lacks": element.lacks,
                "path": element.path,
                "line": element.line,
            }
            for element in package.elements
        ],
    }


def excluded_json(excluded: Excluded) -> Json:
    """A file that is not context, and the rule behind it."""
    return {
        "path": excluded.path,
        "code": excluded.code,
        "rule": excluded.rule,
        "where": excluded.where,
        "pattern": excluded.pattern,
        "size": excluded.size,
        "component": excluded.component,
    }


def redaction_json(path: str, redaction: Redaction) -> Json:
    """A replaced span, without any of what it held."""
    return {
        "path": path,
        "line": redaction.line,
        "rule": redaction.rule,
        "kind": redaction.kind.value,
        "start_byte": redaction.start,
        "end_byte": redaction.end,
    }


def grant_json(grant: Grant) -> Json:
    """A role within a scope, and how it came about."""
    return {
        "principal": grant.principal,
        "role": grant.role.value,
        "scope": grant.scope,
        "requester": grant.requester,
        "rationale": grant.rationale,
        "approver": grant.approver,
        "create_time": time_json(grant.created_at),
        "review_by_time": time_json(grant.review_by),
        "revoke_time": time_json(grant.revoked_at),
    }


def decision_json(decision: Decision) -> Json:
    """A decision with the facts that it was made on."""
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "message": decision.message,
        "hint": decision.hint,
        "policies": list(decision.policies),
        "facts": dict(decision.facts),
    }


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
