"""The quick reading of a header says of real files what the full parser says."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.domain.reasons import Reason
from workers import header
from workers.header import read_image_file
from workers.image_file import ImageFile
from workers.refusal import ImageRefused


def what_is_read(file: Path) -> ImageFile | Reason:
    try:
        return read_image_file(file)
    except ImageRefused as refused:
        return refused.reason


@pytest.mark.parametrize("folder", ["ct/lung1-007", "ct/matrad-liver", "dicom/gantry-tilt", "dicom/transfer-syntaxes"])
def test_quick_and_full_reading_agree(folder: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    files = [file for file in sorted((shared_data / folder).rglob("*")) if _is_dicom(file)][:40]
    quick = [what_is_read(file) for file in files]
    monkeypatch.setattr(header, "scan_head", lambda *_, **__: None)

    full = [what_is_read(file) for file in files]

    assert files
    assert quick == full


def _is_dicom(file: Path) -> bool:
    return file.is_file() and file.read_bytes()[128:132] == b"DICM"
