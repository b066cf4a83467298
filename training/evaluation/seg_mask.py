"""Masks of vertebral bodies from a DICOM SEG, on the grid of their CT."""

from __future__ import annotations

import re
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom

from node.domain.errors import InputRejected
from node.domain.geometry import Affine, Float64
from node.domain.levels import VertebralLevel
from node.domain.volume import UInt8, Volume
from node.encode.concepts import TRABECULAR_CORE, VERTEBRA_OF
from training.images import NO_FRAME

_LEVEL_OF_CODE = {(concept.code.value, concept.code.scheme_designator): level for level, concept in VERTEBRA_OF.items()}
_LEVEL_IN_LABEL = re.compile(r"(?<![A-Za-z0-9])([TL][0-9]{1,2})(?![0-9])")

# What pydicom and highdicom raise on files that are no segmentation, or a broken one.
_UNREADABLE = (
    pydicom.errors.InvalidDicomError,
    ValueError,
    RuntimeError,
    AttributeError,
    TypeError,
    LookupError,
    OSError,
    EOFError,
)

#: Voxels of the SEG may lie this share of a voxel beside those of the CT.
_OFF_GRID = 0.05


def read_segmentation(path: Path, volume: Volume) -> UInt8:
    """VerSe numbers of the levels inside their bodies, 0 elsewhere, on the grid of the volume.

    A segment belongs to the level of its property type, in the codes that this node writes; where that names no level,
    to the one in its label, such as "T12" or "vertebrae_L1". Other segments are left out, trabecular cores too. Frames
    without a voxel need not be there.

    Raises
    ------
    InputRejected
        Where the file is no segmentation, no segment is a level, two are the same one, or its voxels are not those of
        the CT.
    """
    try:
        segmentation = hd.seg.Segmentation.from_dataset(pydicom.dcmread(path), copy=False)
        levels = _levels(segmentation)
        found = segmentation.get_volume(segment_numbers=list(levels), combine_segments=True, dtype=np.uint16)
    except _UNREADABLE as error:
        raise InputRejected(f"{path.name} of {path.parent.name} cannot be read as a segmentation: {error}") from error
    frame = segmentation.get("FrameOfReferenceUID")
    if volume.frame_of_reference not in (NO_FRAME, frame):
        raise InputRejected(f"{path.name} of {path.parent.name} lies in another frame of reference than its CT")
    values = np.zeros(max(levels) + 1, dtype=np.uint8)
    for number, level in levels.items():
        values[number] = level.number
    return _on_grid(values[found.array], Affine(np.asarray(found.affine, dtype=np.float64)), volume, path)


def _levels(segmentation: hd.seg.Segmentation) -> dict[int, VertebralLevel]:
    """The level of each segment that has one, by the segment's number."""
    levels: dict[int, VertebralLevel] = {}
    for number in segmentation.segment_numbers:
        description = segmentation.get_segment_description(number)
        code = description.segmented_property_type
        if (code.value, code.scheme_designator) == (TRABECULAR_CORE.code.value, TRABECULAR_CORE.code.scheme_designator):
            continue  # a part of a body that has a segment of its own
        level = _LEVEL_OF_CODE.get((code.value, code.scheme_designator)) or _labelled(description.segment_label)
        if level is not None and level in levels.values():
            raise ValueError(f"two of its segments are {level}")
        if level is not None:
            levels[int(number)] = level
    if not levels:
        raise ValueError("no segment names a vertebra by its code or label")
    return levels


def _labelled(label: str) -> VertebralLevel | None:
    match = _LEVEL_IN_LABEL.search(label.replace("_", " "))
    names = {str(level): level for level in VertebralLevel}
    return names.get(match.group(1)) if match is not None else None


def _on_grid(mask: UInt8, affine: Affine, volume: Volume, path: Path) -> UInt8:
    """The mask on the voxels of the volume, where it lies on them: its axes may be turned, and it may be a part."""
    steps: Float64 = np.linalg.inv(volume.affine.matrix[:3, :3]) @ affine.matrix[:3, :3]
    first = volume.affine.to_index(affine.matrix[:3, 3])
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in mask.shape])).reshape(3, -1).T
    exact = first + corners @ steps.T
    turned = np.rint(steps)
    off = float(np.abs(exact - np.rint(first) - corners @ turned.T).max())
    if not np.array_equal(np.abs(turned).sum(0), np.ones(3)) or off > _OFF_GRID:
        raise InputRejected(
            f"{path.name} of {path.parent.name} must lie on the voxels of its CT; it lies up to {off:.2f} voxels "
            "beside them; draw it on the CT, or resample it by nearest neighbour"
        )
    inside = np.argwhere(mask)
    places = (np.rint(first) + inside @ turned.T).astype(np.int64)
    if len(places) and (places.min() < 0 or (places.max(0) >= np.array(volume.shape)).any()):
        raise InputRejected(f"{path.name} of {path.parent.name} marks voxels outside its CT")
    whole = np.zeros(volume.shape, dtype=np.uint8)
    whole[tuple(places.T)] = mask[mask > 0]
    return whole
