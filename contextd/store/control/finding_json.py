"""Findings and context packages as JSON. A field that was added since a row was written has its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from contextd.model.finding import Commit, Finding, Package, PackageElement, Severity
from contextd.store.control.schema import instant_of, micros

_FINDING = tuple(field.name for field in fields(Finding))
_PACKAGE = tuple(field.name for field in fields(Package))
_ELEMENT = tuple(field.name for field in fields(PackageElement))


def body_of(finding: Finding) -> dict[str, Any]:
    """All of a finding."""
    body = {name: getattr(finding, name) for name in _FINDING}
    if finding.breaking is not None:
        body["breaking"] = [finding.breaking.id, micros(finding.breaking.time), finding.breaking.subject]
    return body


def finding_of(body: Mapping[str, Any]) -> Finding:
    """The finding that ``body_of`` was given."""
    known = {name: body[name] for name in _FINDING if name in body}
    known["severity"] = Severity(known["severity"])
    if known["breaking"] is not None:
        identity, time, subject = known["breaking"]
        known["breaking"] = Commit(identity, instant_of(time), subject)
    return Finding(**known)


def package_body(package: Package) -> dict[str, Any]:
    """All of a package."""
    body = {name: getattr(package, name) for name in _PACKAGE}
    body["elements"] = [{name: getattr(element, name) for name in _ELEMENT} for element in package.elements]
    body["reviewed_at"] = None if package.reviewed_at is None else micros(package.reviewed_at)
    body["facts"] = None if package.facts is None else {name: list(said) for name, said in package.facts.items()}
    return body


def package_of(body: Mapping[str, Any]) -> Package:
    """The package that ``package_body`` was given."""
    known = {name: body[name] for name in _PACKAGE if name in body}
    known["elements"] = tuple(
        PackageElement(**{name: element[name] for name in _ELEMENT if name in element}) for element in known["elements"]
    )
    known["reviewed_at"] = None if known["reviewed_at"] is None else instant_of(known["reviewed_at"])
    known["facts"] = None if known["facts"] is None else {name: tuple(said) for name, said in known["facts"].items()}
    return Package(**known)
