"""Readings of air, fat, muscle and blood near L1 and L2, taken while the scan is in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.aorta import Tube, find_aorta
from models.image_noise import SQUARE_MM, measure_noise
from models.soft_regions import outside_air, skin_fat, spine_muscle
from models.surroundings import Surroundings, surroundings
from models.vertebra import Vertebra
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise, ReferenceTissue, TissueReading, TissueReferences
from node.domain.volume import Float32, Volume

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

#: Less than this is no reading, mm3 (plausible choice): a cube of 12 mm, some hundred voxels.
_LEAST_MM3 = 2000.0

#: Air, fat and muscle are read in every second slice of the grid: they are large, and it takes half the time.
_EVERY = 2

#: Values farther from the median than this many standard deviations are no part of a tissue.
_CLIPPED_SD = 2.5
_NORMAL_MAD = 1.4826

#: An aorta this wide holds a square for the noise, clear of its wall, mm.
_SQUARE_RADIUS_MM = SQUARE_MM / np.sqrt(2.0) + 1.5

_REGION = {
    ReferenceTissue.AIR: outside_air,
    ReferenceTissue.FAT: skin_fat,
    ReferenceTissue.MUSCLE: spine_muscle,
}


def read_references(volume: Volume, grid: Volume, vertebrae: Sequence[Vertebra]) -> TissueReferences:
    """What air, fat, muscle and blood read near the spine, and the noise there.

    Parameters
    ----------
    volume
        The scan; noise is measured in its own slices.
    grid
        The same, averaged to some 2.5 mm: k to the head, j to the back, i to the patient's left.
    """
    around = surroundings(grid, vertebrae)
    if around is None:
        reason = Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail="No vertebra shows where to look.")
        return TissueReferences(air=reason, fat=reason, muscle=reason, blood=reason, noise=reason)
    thinned = around.every(_EVERY)
    masks = {tissue: find(thinned) for tissue, find in _REGION.items()}
    aorta = find_aorta(around)
    readings = {tissue: _reading(tissue, thinned, mask) for tissue, mask in masks.items()}
    return TissueReferences(
        air=readings[ReferenceTissue.AIR],
        fat=readings[ReferenceTissue.FAT],
        muscle=readings[ReferenceTissue.MUSCLE],
        blood=aorta if isinstance(aorta, Reason) else _blood(around, aorta),
        noise=_noise(volume, thinned, aorta=aorta, muscle=masks[ReferenceTissue.MUSCLE]),
    )


def _reading(tissue: ReferenceTissue, around: Surroundings, mask: Bool) -> TissueReading | Reason:
    voxel = float(np.prod(around.spacing_mm))
    volume_mm3 = float(np.count_nonzero(mask)) * voxel
    if volume_mm3 < _LEAST_MM3:
        detail = f"Of {tissue} {volume_mm3:.0f} mm3 are clear of its borders, at least {_LEAST_MM3:.0f} mm3 are needed."
        return Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail=detail)
    mean, sd = _clipped(around.hu[mask])
    return TissueReading(mean_hu=mean, sd_hu=sd, volume_mm3=volume_mm3)


def _blood(around: Surroundings, aorta: Tube) -> TissueReading:
    mean, sd = _clipped(np.concatenate(aorta.values_hu))
    inner = np.pi * (aorta.radii_mm - 3.0) ** 2
    return TissueReading(mean_hu=mean, sd_hu=sd, volume_mm3=float(inner.sum() * around.spacing_mm[0]))


def _clipped(values: Float32) -> tuple[float, float]:
    """Mean and standard deviation without outliers, which are judged by the median."""
    middle = float(np.median(values))
    spread = max(_NORMAL_MAD * float(np.median(np.abs(values - middle))), 1e-3)
    kept = values[np.abs(values - middle) <= _CLIPPED_SD * spread].astype(np.float64)
    return float(kept.mean()), float(kept.std())


def _noise(volume: Volume, around: Surroundings, *, aorta: Tube | Reason, muscle: Bool) -> ImageNoise | Reason:
    """In the aorta where it is wide enough, else in muscle."""
    if isinstance(aorta, Tube):
        found = measure_noise(volume, aorta.centres_lps_mm[aorta.radii_mm >= _SQUARE_RADIUS_MM])
        if found is not None:
            return found
    found = measure_noise(volume, _even_places(around, muscle))
    if found is None:
        detail = "No part of the aorta or of the muscles is large enough in these slices."
        return Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail=detail)
    return found


def _even_places(around: Surroundings, muscle: Bool) -> Float64:
    """Middles of squares that lie within muscle, LPS mm, shape (square, 3)."""
    side = around.voxels(SQUARE_MM)
    sums = np.pad(muscle, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1, dtype=np.int32).cumsum(axis=2, dtype=np.int32)
    inside = sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side] + sums[:, :-side, :-side]
    corners = np.argwhere(inside == side * side)
    return around.affine.to_lps(corners + np.array((0.0, 0.5 * (side - 1), 0.5 * (side - 1))))
