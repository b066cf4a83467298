"""Images and label maps that know where they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """A CT image on a regular grid.

    Parameters
    ----------
    hu
        CT numbers, float32, shape (k, j, i), HU.
    affine
        Index (k, j, i) to LPS mm.
    frame_of_reference
        The coordinate system that LPS refers to.

    Raises
    ------
    ValueError
        Where the array is not three-dimensional float32 or is empty.
    """

    hu: Float32
    affine: Affine
    frame_of_reference: Uid

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or self.hu.dtype != np.float32 or not self.hu.size:
            raise ValueError(f"a volume must be three-dimensional float32, got {self.hu.dtype} of {self.hu.shape}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along k, j and i."""
        k, j, i = self.hu.shape
        return k, j, i


class Structure(StrEnum):
    """What a segment of a label map is a part of."""

    BODY = "vertebral body"
    TRABECULAR_CORE = "trabecular core"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One value of a label map: which structure of which vertebra it marks.

    `level` is `None` where the vertebra was found but not named; `ordinal` counts such vertebrae from the head.
    """

    value: int
    level: VertebralLevel | None
    structure: Structure = Structure.BODY
    ordinal: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.value <= 255:
            raise ValueError(f"a segment's value must be from 1 to 255, got {self.value}")
        if self.level is None and self.ordinal < 1:
            raise ValueError("a vertebra without a level must have an ordinal from 1")

    @property
    def label(self) -> str:
        """The SegmentLabel: the level, and behind it the structure where it is not the body."""
        return segment_label(self.level, self.ordinal, self.structure)


def segment_label(level: VertebralLevel | None, ordinal: int, structure: Structure) -> str:
    """What a structure of a vertebra is called in every object: `L1`, `L1 trabecular core`, `vertebra 3`."""
    name = str(level) if level is not None else f"vertebra {ordinal}"
    return name if structure is Structure.BODY else f"{name} {structure}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelMap:
    """Which voxel belongs to which segment, on the grid of the volume that it was made from.

    Parameters
    ----------
    labels
        uint8, shape (k, j, i); 0 is background, every other value has a segment.
    affine
        Index (k, j, i) to LPS mm.
    frame_of_reference
        The coordinate system that LPS refers to.
    segments
        In ascending order of value, each value once; a segment may have no voxels.

    Raises
    ------
    ValueError
        Where the array is no three-dimensional uint8, a value has no segment, or values are not ascending.
    """

    labels: UInt8
    affine: Affine
    frame_of_reference: Uid
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if self.labels.ndim != 3 or self.labels.dtype != np.uint8:
            raise ValueError(
                f"a label map must be three-dimensional uint8, got {self.labels.dtype} of {self.labels.shape}"
            )
        values = [segment.value for segment in self.segments]
        if values != sorted(set(values)):
            raise ValueError(f"segment values must ascend, each once, got {values}")
        # Only in the columns and rows that hold labels, since a spine fills a hundredth of a slice and the whole would
        # take a second; slice by slice, since an index takes eight bytes a voxel.
        projection = self.labels.max(axis=0, initial=0)
        present = np.zeros(256, dtype=np.bool_)
        for plane in self.labels[:, projection.any(axis=1)][:, :, projection.any(axis=0)]:
            present[plane[plane > 0]] = True
        unknown = sorted(set((np.flatnonzero(present[1:]) + 1).tolist()) - set(values))
        if unknown:
            raise ValueError(f"every value of a label map must have a segment, got {unknown} without one")

    def mask(self, segment: Segment) -> NDArray[np.bool_]:
        """True inside the segment, shape (k, j, i)."""
        inside: NDArray[np.bool_] = self.labels == segment.value
        return inside
