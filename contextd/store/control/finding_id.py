"""The id of a finding: DESIGN section 4, ``fnd1``."""

from __future__ import annotations

import re
from hashlib import sha256

from contextd.merkle.tlv import tlv
from contextd.model.finding import Finding

_DOMAIN = b"contextd.dev/finding/v1\n"
# Of ASCII only: what else counts as space differs between versions of Unicode, and an id must not.
_SPACE = re.compile(r"[ \t\n\v\f\r]+")


def finding_id(source: str, finding: Finding) -> str:
    """``fnd1:`` and the SHA-256 over source, component, code, path, quote and claim in lowercase hex.

    The quote goes in with each run of ASCII white space as one space and none at its ends. There is no line number in it, so a
    finding is the same after its lines have moved or were wrapped anew.
    """
    quote = _SPACE.sub(" ", finding.quote).strip(" ")
    parts = tlv(source, finding.component, finding.code, finding.path, quote, finding.claim)
    return f"fnd1:{sha256(_DOMAIN + parts).hexdigest()}"
