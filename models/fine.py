"""Masks of vertebral bodies on the grid of the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.box import Box, around, corner, grown, shifted, size
from models.interpolate import box_on_grid, on_grid
from models.parallel import for_each
from models.refine import FineBody
from node.domain.volume import Float32, UInt8, Volume

Bool = NDArray[np.bool_]

#: A voxel belongs to a body from this probability on.
_INSIDE = 0.5

#: Probabilities are smoothed by this (standard deviation, mm): what one voxel says and its neighbours do not is noise,
#: and stands out of a surface as a tooth.
_SMOOTH_MM = 0.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Painting:
    """The bodies on the grid of the scan.

    Parameters
    ----------
    labels
        Numbered as the instances, shape (k, j, i) of the box `around`: a spine fills a hundredth of its scan.
    around
        Where in the scan they lie.
    boxes
        The smallest box around each body that has voxels, by its number, in indices of `labels`.
    """

    labels: UInt8
    around: Box
    boxes: dict[int, Box]


def paint_bodies(bodies: Mapping[int, FineBody], volume: Volume) -> Painting:
    """The bodies on the grid of the scan, by their numbers; a voxel that two claim is that of the likelier one."""
    numbers = sorted(bodies)
    drawn = for_each(lambda number: _patch(bodies[number], volume), numbers)
    patches = {number: patch for number, patch in zip(numbers, drawn, strict=True) if patch is not None}
    whole = around([patch.box for patch in patches.values()])
    labels = np.zeros(size(whole), dtype=np.uint8)
    best = np.zeros(size(whole), dtype=np.float32)
    for number, patch in patches.items():
        box = shifted(patch.box, by=[-start for start in corner(whole)])
        wins = patch.mask & ((labels[box] == 0) | (patch.probability > best[box]))
        labels[box][wins] = number
        best[box][wins] = patch.probability[wins]
    found = ndimage.find_objects(labels) if labels.size else []
    boxes = {number: found[number - 1] for number in patches if number <= len(found) and found[number - 1] is not None}
    return Painting(labels=labels, around=whole, boxes=boxes)


def touches_edge(painting: Painting, volume: Volume, *, within_mm: float) -> dict[int, bool]:
    """Whether each body comes this near to an edge of the scan, by its number."""
    # A whole voxel beyond the body must be in the scan, and more where voxels are small.
    margins = [max(1, int(np.ceil(within_mm / spacing))) for spacing in volume.affine.spacing_mm]
    touching = {}
    for number, box in painting.boxes.items():
        in_scan = shifted(box, by=corner(painting.around))
        touching[number] = any(
            part.start < margin or part.stop > voxels - margin
            for part, margin, voxels in zip(in_scan, margins, volume.shape, strict=True)
        )
    return touching


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Patch:
    """One body in a box of the scan's grid: the probability there, and the mask in one piece."""

    box: Box
    probability: Float32
    mask: Bool


def _patch(body: FineBody, volume: Volume) -> _Patch | None:
    """The body on the scan's grid, `None` where it has no voxel."""
    smooth = ndimage.gaussian_filter(body.probability, _SMOOTH_MM / np.array(body.affine.spacing_mm))
    inside = ndimage.find_objects((smooth > _INSIDE).view(np.uint8))
    if not inside:
        return None
    near = grown(inside[0], by=(1, 1, 1), shape=smooth.shape)
    box = box_on_grid(near, body.affine, grid=volume.affine, shape=volume.shape)
    if min(size(box)) == 0:
        return None
    probability = on_grid(smooth, body.affine, grid=volume.affine, box=box)
    mask = probability > _INSIDE
    return _Patch(box=box, probability=probability, mask=_one_piece(mask)) if mask.any() else None


def _one_piece(mask: Bool) -> Bool:
    """The largest component, its holes filled."""
    labels, count = ndimage.label(mask)
    if count > 1:
        mask = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    # what cannot be reached from outside; three times as fast as SciPy's own, which grows the outside step by step
    outside, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    filled: Bool = (outside != outside[0, 0, 0])[1:-1, 1:-1, 1:-1]
    return filled
