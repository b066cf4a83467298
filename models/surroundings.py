"""The neighbourhood of the lumbar spine on a coarse grid, and where a voxel lies beside the nearest body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.vertebra import Vertebra
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.volume import Float32, Volume

Float64 = NDArray[np.float64]

#: Where tissues are read: L1 and L2 are measured, and the aorta is whole, single and clear of the heart here.
_LEVELS = (
    VertebralLevel.T10,
    VertebralLevel.T11,
    VertebralLevel.T12,
    VertebralLevel.L1,
    VertebralLevel.L2,
    VertebralLevel.L3,
)

#: Where no body has such a name, so many of the lowest ones.
_LOWEST = 6

#: Kept above the highest and below the lowest of these bodies' middles, mm.
_BEYOND_MM = 15.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """Axial slices around some bodies.

    Parameters
    ----------
    hu
        Shape (k, j, i), HU; k to the head, j to the back, i to the patient's left.
    affine
        Index to LPS mm, along the patient's axes.
    middle_mm
        LPS y and x of the spine in every slice, shape (k, 2), mm: on the line through the middles of bodies.
    """

    hu: Float32
    affine: Affine
    middle_mm: Float64

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along k, j and i, mm."""
        return self.affine.spacing_mm

    def voxels(self, length_mm: float) -> int:
        """How many voxels in a slice are a length, at least one."""
        return max(1, round(length_mm / self.spacing_mm[1]))

    def every(self, step: int) -> Surroundings:
        """Every so many slices of it."""
        matrix = self.affine.matrix.copy()
        matrix[:, 0] *= step
        return Surroundings(hu=self.hu[::step], affine=Affine(matrix), middle_mm=self.middle_mm[::step])

    def beside_spine(self) -> tuple[Float32, Float32]:
        """How far each voxel lies behind and to the left of the spine, shapes (k, j, 1) and (k, 1, i), mm."""
        x, y, _ = self.affine.matrix[:3, 3]
        back = y + self.spacing_mm[1] * np.arange(self.hu.shape[1]) - self.middle_mm[:, :1]
        left = x + self.spacing_mm[2] * np.arange(self.hu.shape[2]) - self.middle_mm[:, 1:]
        return back[:, :, None].astype(np.float32), left[:, None, :].astype(np.float32)


def surroundings(grid: Volume, vertebrae: Sequence[Vertebra]) -> Surroundings | None:
    """The slices near L1 and L2, or of the lowest bodies where none is named so; `None` where no body is in the grid.

    Parameters
    ----------
    grid
        The scan along the patient's axes: k to the head, j to the back, i to the patient's left.
    """
    named = [each for each in vertebrae if (each.level or each.likeliest) in _LEVELS]
    chosen = named or sorted(vertebrae, key=lambda each: each.centroid_lps_mm[2])[:_LOWEST]
    if not chosen:
        return None
    middles = np.array(sorted((each.centroid_lps_mm for each in chosen), key=lambda middle: middle[2]))
    heights = grid.affine.matrix[2, 3] + grid.affine.spacing_mm[0] * np.arange(grid.shape[0])
    within = np.flatnonzero((heights >= middles[0, 2] - _BEYOND_MM) & (heights <= middles[-1, 2] + _BEYOND_MM))
    if not within.size:
        return None
    first, last = int(within[0]), int(within[-1]) + 1
    along = [np.interp(heights[first:last], middles[:, 2], middles[:, axis]) for axis in (1, 0)]
    return Surroundings(
        hu=grid.hu[first:last], affine=grid.affine.shifted((first, 0, 0)), middle_mm=np.stack(along, axis=1)
    )
