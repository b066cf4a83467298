"""What is exported, and where to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.exports import Exporter


@pytest.fixture
def exporter(tmp_path: Path) -> Exporter:
    """No files yet, and no export."""
    return Exporter(folder=tmp_path / "files", out=tmp_path / "out")
