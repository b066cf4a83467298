"""Air outside the patient, fat under the skin and muscle beside the spine, clear of every border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.surroundings import Surroundings
from node.domain.volume import Float32

Bool = NDArray[np.bool_]

# Plausible limits in images whose voxels are averages over some 2.5 mm, HU. Air is -1000, lung at most -950; lower
# than -1500 is padding.
_AIR_BELOW, _PADDING_BELOW = -940.0, -1500.0
_FAT, _MUSCLE = (-150.0, -55.0), (0.0, 110.0)
_PATIENT_ABOVE = -400.0

#: Air is read so far from anything, mm: clothes, table, and the scatter of edges.
_CLEAR_MM = 12.0

#: Fat counts as fat under the skin up to this depth, mm; deeper it may be the mesentery's.
_SKIN_DEPTH_MM = 25.0

#: Fat and muscle are read so far from anything else, mm.
_ERODED_MM = 2.5

# Where the erector lies, mm behind and to either side of the middle of a body (plausible choices). The psoas is left
# out: above L2 liver, spleen, kidneys and crura lie in its place, which are as bright.
_ERECTOR_BACK, _ERECTOR_ASIDE = (24.0, 80.0), (8.0, 60.0)


def outside_air(around: Surroundings) -> Bool:
    """True in air outside of the patient that was scanned: padding and backgrounds of one value are left out."""
    hu = around.hu
    free = ~_spread(hu > _AIR_BELOW, around, _CLEAR_MM)
    free &= hu > _PADDING_BELOW
    labels, count = ndimage.label(free)
    if not count:
        return free
    rim = np.concatenate([labels[:, (0, -1), :].ravel(), labels[:, :, (0, -1)].ravel()])
    outer = np.zeros(count + 1, dtype=np.bool_)
    outer[np.unique(rim)] = True
    outer[0] = False
    scanned: Bool = outer[labels]
    scanned &= _varies(hu)
    return scanned


def skin_fat(around: Surroundings) -> Bool:
    """True in fat that is nearer to the skin than `_SKIN_DEPTH_MM`, clear of skin and muscle."""
    hu = around.hu
    outer = _outer(hu < _PATIENT_ABOVE)
    near = _spread(outer, around, _SKIN_DEPTH_MM)
    return _eroded((hu > _FAT[0]) & (hu < _FAT[1]), around) & near


def spine_muscle(around: Surroundings) -> Bool:
    """True in the erector of the spine, behind and beside the arches, clear of fat and bone."""
    back, left = around.beside_spine()
    erector = _between(back, _ERECTOR_BACK) & _between(np.abs(left), _ERECTOR_ASIDE)
    muscle = (around.hu > _MUSCLE[0]) & (around.hu < _MUSCLE[1])
    return _eroded(muscle, around) & erector


def _between(values: Float32, limits: tuple[float, float]) -> Bool:
    inside: Bool = (values >= limits[0]) & (values <= limits[1])
    return inside


def _outer(empty: Bool) -> Bool:
    """What of the empty space reaches the sides of the picture: lungs and bowel do not."""
    labels, count = ndimage.label(empty)
    rim = np.unique(np.concatenate([labels[:, (0, -1), :].ravel(), labels[:, :, (0, -1)].ravel()]))
    kept = np.zeros(count + 1, dtype=np.bool_)
    kept[rim] = True
    kept[0] = False
    outer: Bool = kept[labels]
    return outer


def _spread(mask: Bool, around: Surroundings, length_mm: float) -> Bool:
    """True within a square of this half side, in the slice, around anything that is true."""
    side = 2 * around.voxels(length_mm) + 1
    wide: Bool = ndimage.maximum_filter(mask.view(np.uint8), size=(1, side, side)).view(np.bool_)
    return wide


def _eroded(mask: Bool, around: Surroundings) -> Bool:
    side = 2 * around.voxels(_ERODED_MM) + 1
    inner: Bool = ndimage.minimum_filter(mask.view(np.uint8), size=(3, side, side), mode="constant").view(np.bool_)
    return inner


def _varies(hu: Float32) -> Bool:
    """False where a voxel and its neighbours in the slice have one value: nothing was scanned there."""
    step = np.abs(np.diff(hu, axis=1, append=hu[:, -2:-1])) + np.abs(np.diff(hu, axis=2, append=hu[:, :, -2:-1]))
    moves: Bool = step > 0.0
    return moves
