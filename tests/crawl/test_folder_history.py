"""What a folder knows of the past."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from contextd.crawl.opening import open_source
from contextd.model.source import SourceKind


def test_the_last_change_of_a_file_is_when_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs" / "a.md"
    file.write_text("a")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    with open_source(SourceKind.DIRECTORY, str(tmp_path), ()).history("-", str) as history:
        changed = history.last_change("docs/a.md")
        assert changed is not None
        assert changed.time == datetime.fromtimestamp(1_700_000_000, UTC)
        assert history.last_change("docs/none.md") is None
        assert history.last_change("a\0b") is None
        assert not history.complete
        assert history.removal("docs/a.md") is None
