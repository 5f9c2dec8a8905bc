"""DRIFT-MANIFEST-UNREADABLE: a manifest or lock file is not what its name claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contextd.detect import wording
from contextd.detect.scene import Scene, quote
from contextd.manifests.manifest import ManifestError
from contextd.model.finding import Finding, Severity

MANIFEST_UNREADABLE: Final = "DRIFT-MANIFEST-UNREADABLE"


class UnreadableManifests:
    """The detector. Manifests that are kept to be broken (inputs of tests, templates) are passed over."""

    codes: tuple[str, ...] = (MANIFEST_UNREADABLE,)

    def subjects(self, scene: Scene) -> Iterator[str]:
        """Every manifest that could not be read."""
        for path, manifest in scene.manifests.items():
            if isinstance(manifest, ManifestError) and not wording.is_sample(path):
                yield path

    def examine(self, scene: Scene, path: str) -> Iterator[Finding]:
        """The one place where it stops being what its name claims."""
        error = scene.manifests[path]
        if not isinstance(error, ManifestError):
            return
        lines = (scene.corpus.text(path) or b"").decode("utf-8", "replace").split("\n")
        yield Finding(
            code=MANIFEST_UNREADABLE,
            severity=Severity.WARN,
            path=path,
            line=error.line,
            quote=quote(lines[error.line - 1]) if error.line <= len(lines) else "",
            claim=path.rpartition("/")[2],
            observed=f"expected {error.expected}",
            remediation=f"{path}:{error.line}  correct it; until then nothing is known of its dependencies",
            component=scene.corpus.component(path),
        )
