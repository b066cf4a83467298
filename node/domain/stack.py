"""How slices lie over each other: order, spacing, gaps, duplicates, tilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.domain.geometry import Affine
from node.domain.reasons import Reason, ReasonCode
from node.domain.study import Vector3, Vector6

#: Slices closer than this lie at the same position, mm. Scanners round positions to 1e-3 or finer.
SAME_POSITION_MM = 1e-2
#: A step may differ from the median step by this share of it before it counts as a gap.
STEP_TOLERANCE = 0.1
#: A stack whose slices shift sideways by more than this angle is tilted; rounding stays far below it.
TILT_TOLERANCE_DEG = 0.5
#: Direction cosines may differ by this much between slices of one orientation.
COSINE_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceStack:
    """Slices in the order of their normal, evenly spaced and straight above each other.

    Parameters
    ----------
    order
        For each slice of the stack, from the first along the normal to the last, its place in what was given.
        Where several slices lie at one position only the first given is kept.
    duplicates
        Places of the slices left out because another lies at the same position.
    spacing_mm
        Distance between neighbouring slices.
    normal
        Unit vector from the first slice to the last, LPS: row direction cross column direction.
    """

    order: tuple[int, ...]
    duplicates: tuple[int, ...]
    spacing_mm: float
    normal: Vector3

    @property
    def coverage_mm(self) -> float:
        """Length of the stack from the first slice's centre to the last's, and one spacing."""
        return self.spacing_mm * len(self.order)


def slice_normal(orientation: Vector6) -> NDArray[np.float64]:
    """Unit normal of a slice, LPS: row direction cross column direction (PS3.3 C.7.6.2.1.1)."""
    cosines = np.array(orientation, dtype=np.float64)
    normal: NDArray[np.float64] = np.cross(cosines[:3], cosines[3:])
    length = float(np.linalg.norm(normal))
    return normal / length if length > 0 else normal


def stack_slices(positions: Sequence[Vector3], orientations: Sequence[Vector6]) -> SliceStack | Reason:
    """The stack that the slices form, or why they form none.

    Parameters
    ----------
    positions
        Centre of each slice's first voxel, LPS mm.
    orientations
        Row and column direction cosines of each slice.

    References
    ----------
    [1] DICOM PS3.3, C.7.6.2.1.1, Image Position and Image Orientation.
    """
    if len(positions) != len(orientations):
        raise ValueError(f"as many positions as orientations are needed, got {len(positions)} and {len(orientations)}")
    if len(positions) < 2:
        return Reason(code=ReasonCode.TOO_FEW_SLICES, detail=f"At least 2 slices make a stack, got {len(positions)}.")
    cosines = np.array(orientations, dtype=np.float64)
    if np.abs(cosines - cosines[0]).max() > COSINE_TOLERANCE:
        return Reason(code=ReasonCode.MIXED_ORIENTATIONS)
    points = np.array(positions, dtype=np.float64)
    normal = slice_normal(orientations[0])
    depth = points @ normal
    order = np.argsort(depth, kind="stable")
    new = np.concatenate([[True], np.diff(depth[order]) > SAME_POSITION_MM])
    kept, duplicates = order[new], order[~new]
    if len(kept) < 2:
        return Reason(code=ReasonCode.DUPLICATE_SLICES, detail="All slices lie at one position.")
    uneven = _uneven(points[kept], normal)
    if uneven is not None:
        return uneven
    return SliceStack(
        order=tuple(kept.tolist()),
        duplicates=tuple(duplicates.tolist()),
        spacing_mm=float(np.mean(np.diff(depth[kept]))),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
    )


def stack_affine(
    stack: SliceStack,
    positions: Sequence[Vector3],
    orientations: Sequence[Vector6],
    *,
    spacing_mm: tuple[float, float],
) -> Affine:
    """The grid (slice, row, column) of a stack, by which images are loaded and results are referred to their slices.

    Slices run from the first's position to the last's, with whatever drift the stack was accepted with; direction
    cosines are made unit vectors again, because headers round them.

    Parameters
    ----------
    positions, orientations
        What the stack was made of, in the same order.
    spacing_mm
        Distance between rows and between columns.
    """
    first, last = (np.array(positions[place], dtype=np.float64) for place in (stack.order[0], stack.order[-1]))
    cosines = np.array(orientations[stack.order[0]], dtype=np.float64).reshape(2, 3)
    row, column = cosines / np.linalg.norm(cosines, axis=1, keepdims=True)
    return Affine.from_steps(
        k=(last - first) / (len(stack.order) - 1), j=column * spacing_mm[0], i=row * spacing_mm[1], origin=first
    )


def _uneven(points: NDArray[np.float64], normal: NDArray[np.float64]) -> Reason | None:
    """Why the ordered slices are tilted or unevenly spaced, or `None` where they are neither."""
    steps = np.diff(points, axis=0)
    along = steps @ normal
    # the whole stack's drift, not one step's: positions are rounded, and thin slices would turn rounding into an angle
    drift = points[-1] - points[0]
    sideways = float(np.linalg.norm(drift - (drift @ normal) * normal))
    tilt = float(np.degrees(np.arctan2(sideways, drift @ normal)))
    if tilt > TILT_TOLERANCE_DEG:
        return Reason(code=ReasonCode.GANTRY_TILT, detail=f"Tilt {tilt:.1f} degrees, at most {TILT_TOLERANCE_DEG}.")
    median = float(np.median(along))
    wrong = np.flatnonzero(np.abs(along - median) > max(STEP_TOLERANCE * median, SAME_POSITION_MM))
    if wrong.size:
        return Reason(
            code=ReasonCode.MISSING_SLICES,
            detail=f"{wrong.size} of {along.size} steps are not {median:.2f} mm; the largest is {along.max():.2f} mm.",
        )
    return None
