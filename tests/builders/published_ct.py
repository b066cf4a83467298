"""The CTs that TotalSegmentator's source distribution carries for its own tests, with what that network made of them.

Its labels are another network's answer and no truth; what both say independently of each other is worth a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from node.domain.levels import VertebralLevel
from node.domain.volume import Volume
from tests.builders.real_ct import read_values, read_volume
from training.evaluation.case import Case

_FILES = Path("tests", "reference_files")

#: Labels of its task `total`; the lowest and the highest body of this scan are cut.
_LEVELS = {
    27: VertebralLevel.L5,
    28: VertebralLevel.L4,
    29: VertebralLevel.L3,
    30: VertebralLevel.L2,
    31: VertebralLevel.L1,
    32: VertebralLevel.T12,
}

#: Label of its task `vertebrae_body` that is the body.
_BODY = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedChest:
    """A chest with contrast agent and stents, of 1.5 mm, and where TotalSegmentator has its T12, LPS mm."""

    volume: Volume
    t12_lps_mm: tuple[float, float, float]


def published_abdomen(package: Path) -> Case:
    """An abdomen of 3 mm from T12, which is cut, to the hips; the bodies are TotalSegmentator's."""
    files = package / _FILES
    labels, _ = read_values(files / "spine_report" / "example_ct_report" / "totalseg.nii.gz")
    parts, _ = read_values(files / "spine_report" / "example_ct_report" / "totalseg_vertebrae_body.nii.gz")
    bodies = np.zeros(labels.shape, dtype=np.uint8)
    for label, level in _LEVELS.items():
        bodies[(labels == label) & (parts == _BODY)] = level.number
    return Case(
        name="published abdomen", volume=read_volume(files / "example_ct.nii.gz"), truth=bodies, is_synthetic=False
    )


def published_chest(package: Path) -> PublishedChest:
    """The chest of its report on the aorta; it ends in L1."""
    files = package / _FILES / "aorta_report"
    mask, affine = read_values(files / "test_result" / "models" / "vertebrae_T12.nii.gz")
    x, y, z = affine.to_lps(np.argwhere(mask > 0).mean(0))
    return PublishedChest(volume=read_volume(files / "example_ct.nii.gz"), t12_lps_mm=(float(x), float(y), float(z)))
