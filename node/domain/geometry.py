"""Where voxels lie in the patient: LPS, millimetres, voxel centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Maps a voxel index (k, j, i) to the LPS coordinates (x, y, z) of the voxel's centre in mm.

    Parameters
    ----------
    matrix
        Shape (4, 4); columns are the steps of k, j and i and the centre of voxel (0, 0, 0). Copied, and made read-only.

    Raises
    ------
    ValueError
        Where the matrix is not 4x4, not finite, has another last row than (0, 0, 0, 1), or is singular.
    """

    matrix: Float64

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise ValueError(f"an affine must be 4x4, got {matrix.shape}")
        if not np.isfinite(matrix).all():
            raise ValueError("an affine must be finite")
        if not np.array_equal(matrix[3], (0.0, 0.0, 0.0, 1.0)):
            raise ValueError(f"the last row of an affine must be (0, 0, 0, 1), got {matrix[3].tolist()}")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise ValueError("an affine must not be singular")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_steps(cls, *, k: Float64, j: Float64, i: Float64, origin: Float64) -> Self:
        """The affine with the given steps of one voxel, each (x, y, z) in mm, and centre of voxel (0, 0, 0)."""
        matrix = np.eye(4)
        for column, vector in enumerate((k, j, i, origin)):
            matrix[:3, column] = vector
        return cls(matrix)

    @classmethod
    def from_spacing(
        cls, spacing_mm: tuple[float, float, float], origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ) -> Self:
        """Axial voxels: k towards the head, j towards the back, i towards the patient's left; spacing as (k, j, i)."""
        k, j, i = spacing_mm
        return cls.from_steps(
            k=np.array((0.0, 0.0, k)),
            j=np.array((0.0, j, 0.0)),
            i=np.array((i, 0.0, 0.0)),
            origin=np.array(origin, dtype=np.float64),
        )

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along k, j and i, mm."""
        k, j, i = np.linalg.norm(self.matrix[:3, :3], axis=0)
        return float(k), float(j), float(i)

    @property
    def directions(self) -> Float64:
        """Unit vectors of k, j and i in LPS as columns, shape (3, 3)."""
        directions: Float64 = self.matrix[:3, :3] / np.linalg.norm(self.matrix[:3, :3], axis=0)
        return directions

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm3."""
        return float(abs(np.linalg.det(self.matrix[:3, :3])))

    def to_lps(self, index: Float64) -> Float64:
        """LPS coordinates in mm, shape (..., 3), of indices (k, j, i) of the same shape."""
        lps: Float64 = np.asarray(index, dtype=np.float64) @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return lps

    def to_index(self, lps: Float64) -> Float64:
        """Indices (k, j, i), not rounded, shape (..., 3), of LPS coordinates in mm of the same shape."""
        inverse = np.linalg.inv(self.matrix[:3, :3])
        index: Float64 = (np.asarray(lps, dtype=np.float64) - self.matrix[:3, 3]) @ inverse.T
        return index

    def shifted(self, index: tuple[int, int, int]) -> Affine:
        """The affine of a crop whose voxel (0, 0, 0) is this one's voxel `index`."""
        matrix = self.matrix.copy()
        matrix[:3, 3] = self.to_lps(np.array(index, dtype=np.float64))
        return Affine(matrix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and np.array_equal(self.matrix, other.matrix)

    def __hash__(self) -> int:
        return hash(self.matrix.tobytes())
