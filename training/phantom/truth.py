"""What is known about a synthetic scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.domain.levels import VertebralLevel
from node.domain.volume import Float32, UInt8
from training.anatomy.spine import PlacedVertebra
from training.phantom.changes import Fracture, Variant
from training.phantom.heights import heights_of
from training.phantom.scene import Scene, body_range
from training.phantom.spec import PhantomSpec
from training.true_heights import Heights

Mask = NDArray[np.bool_]

#: Depth below the surface of the body at which its core begins, mm: beyond the shell and its partial volume.
CORE_DEPTH_MM = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueVertebra:
    """What is known about a vertebra that has a part in the scan.

    Parameters
    ----------
    is_whole
        Whether the whole body lies inside the scan.
    centroid_lps_mm
        Of the body's voxels in the scan.
    core_hu, core_volume_mm3
        Mean CT number without noise in the body's core, HU, and the core's volume; `None` and 0 where there is none.
    heights
        As drawn, the fracture included.
    intact
        Before the fracture; the same where there is none. Pits and missing corners count for neither.
    """

    level: VertebralLevel
    is_whole: bool
    centroid_lps_mm: tuple[float, float, float]
    volume_mm3: float
    core_hu: float | None
    core_volume_mm3: float
    heights: Heights
    intact: Heights
    fracture: Fracture | None
    variant: Variant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomTruth:
    """What is known about all vertebrae that have a part in the scan, from head to foot."""

    vertebrae: tuple[TrueVertebra, ...]

    def of(self, level: VertebralLevel) -> TrueVertebra:
        """The truth of one level.

        Raises
        ------
        KeyError
            Where the level has no part in the scan.
        """
        for vertebra in self.vertebrae:
            if vertebra.level is level:
                return vertebra
        raise KeyError(f"{level} has no part in the scan")


def core_mask(body: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    """The core of a body: its voxels whose centres lie deeper than `CORE_DEPTH_MM`, shape (k, j, i).

    The end of the array is no surface: it has to be the end of the scan, or to lie beyond the body.
    """
    if not body.any() or body.all():
        return body
    deep: Mask = ndimage.distance_transform_edt(body, sampling=spacing_mm) > CORE_DEPTH_MM
    return deep


def true_vertebra(
    hu: Float32, labels: UInt8, scene: Scene, *, placed: PlacedVertebra, spec: PhantomSpec
) -> TrueVertebra:
    """Measure a vertebra in an image without noise."""
    level = placed.shape.level
    if level is None:
        raise ValueError("only a vertebra with a level has a truth")
    box = box_around(labels == level.number)
    body = labels[box] == level.number
    first = np.array([part.start for part in box])
    core = core_mask(body, scene.grid.spacing_mm)
    voxel = float(np.prod(scene.grid.spacing_mm))
    centre = scene.affine.to_lps(np.argwhere(body).mean(0) + first)
    low, high = body_range(placed)
    floor, roof = scene.grid.ends_mm
    return TrueVertebra(
        level=level,
        is_whole=floor <= low and high <= roof,
        centroid_lps_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        volume_mm3=float(body.sum()) * voxel,
        core_hu=float(hu[box][core].mean(dtype=np.float64)) if core.any() else None,
        core_volume_mm3=float(core.sum()) * voxel,
        heights=heights_of(placed.shape.body),
        intact=heights_of(scene.intact[level].body),
        fracture=spec.fracture_of(level),
        variant=spec.variant_of(level),
    )


def box_around(mask: Mask) -> tuple[slice, slice, slice]:
    """The bounding box of a mask that is not empty, and one voxel more on each side that has one."""
    bounds = []
    for axis in range(3):
        present = np.flatnonzero(mask.any(tuple(other for other in range(3) if other != axis)))
        bounds.append(slice(max(int(present[0]) - 1, 0), int(present[-1]) + 2))
    return bounds[0], bounds[1], bounds[2]
