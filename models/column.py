"""Which voxels belong to the column of vertebral bodies and discs, and which only look like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.components import components
from models.tissues import BODY_TISSUES, Tissue
from node.domain.volume import Float32

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Spacing = tuple[float, float, float]

#: A component below this volume, mm3, is a speck.
_SPECK_MM3 = 1500.0

#: A further component continues the column where it begins within this distance of its end, mm: a disc and a half that
#: the network missed, no more.
_LARGEST_GAP_MM = 40.0

#: How far beside the straight continuation of the column it may lie: this many mm, and this share of the distance.
_LATERAL_MM = 20.0
_LATERAL_SHARE = 0.4

#: The end of the column that its continuation is drawn from, mm.
_END_MM = 45.0


def body_probability(probabilities: Float32) -> Float32:
    """Probability that a voxel is in a vertebral body, S1 included, shape (k, j, i), from that of all classes."""
    first, *others = (probabilities[int(tissue)] for tissue in BODY_TISSUES)
    total: Float32 = first.copy()
    for other in others:
        total += other
    return total


def spine_column(probabilities: Float32, spacing_mm: Spacing) -> Bool:
    """True in the one chain of bodies and discs, shape (k, j, i); all false where there is none.

    The chain starts from the largest component that holds both bodies and discs, and takes in components that continue
    it upwards or downwards. What lies beside it, as femoral heads do, stays out.

    Parameters
    ----------
    probabilities
        Of all classes, shape (class, k, j, i), k towards the head.
    """
    disc = probabilities[int(Tissue.DISC)]
    column = np.zeros(disc.shape, dtype=np.bool_)
    inside = body_probability(probabilities) + disc > 0.5
    labels, count = components(inside)
    if not count:
        return column
    voxels = np.argwhere(inside)
    component = labels[inside]
    voxel = float(np.prod(spacing_mm))
    volume = np.bincount(component, minlength=count + 1) * voxel
    discs = np.bincount(component[disc[inside] > 0.5], minlength=count + 1) * voxel
    first = int(np.argmax(np.where(discs > 0.0, volume, 0.0)))
    if volume[first] < _SPECK_MM3 or first == 0:
        return column
    points = {
        int(index): voxels[component == index] * np.array(spacing_mm) for index in np.flatnonzero(volume > _SPECK_MM3)
    }
    column[tuple(voxels[np.isin(component, _chain(points, first))].T)] = True
    return column


def _chain(points: dict[int, Float64], first: int) -> list[int]:
    """The components that continue each other, nearest first."""
    taken = [first]
    others = set(points) - {first}
    while others:
        chain = np.concatenate([points[index] for index in taken])
        gaps = {index: _gap(points[index], chain) for index in others}
        nearest = min(gaps, key=gaps.__getitem__)
        if not np.isfinite(gaps[nearest]):
            return taken
        taken.append(nearest)
        others.remove(nearest)
    return taken


def _gap(piece: Float64, chain: Float64) -> float:
    """Distance along k from the chain to a piece that continues it, mm; infinite where the piece does not."""
    low, high = chain[:, 0].min(), chain[:, 0].max()
    middle = float(np.median(piece[:, 0]))
    above = middle > (low + high) / 2.0
    gap = float(piece[:, 0].min() - high) if above else float(low - piece[:, 0].max())
    end = chain[chain[:, 0] > high - _END_MM] if above else chain[chain[:, 0] < low + _END_MM]
    # A piece that overlaps most of its length with the chain lies beside it.
    if gap > _LARGEST_GAP_MM or gap < -0.5 * float(np.ptp(piece[:, 0])) or len(np.unique(end[:, 0])) < 3:
        return np.inf
    slope = np.polyfit(end[:, 0], end[:, 1:], 1)
    expected = slope[0] * middle + slope[1]
    distance = abs(middle - (high if above else low))
    beside = float(np.linalg.norm(piece[:, 1:].mean(0) - expected))
    return max(gap, 0.0) if beside < _LATERAL_MM + _LATERAL_SHARE * distance else np.inf
