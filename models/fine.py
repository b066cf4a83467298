"""Masks of vertebral bodies on the grid of the scan."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.box import Box, around, corner, grown, shifted, size
from models.instances import Instances
from models.interpolate import Spline, box_on_grid, on_grid
from node.domain.geometry import Affine
from node.domain.volume import Float32, UInt8, Volume

Bool = NDArray[np.bool_]

#: A voxel belongs to a body from this probability on: its soft training targets are shares of volume.
_INSIDE = 0.5

#: Voxels of the network's grid around a body in which its surface may lie.
_AROUND = 2

#: More voxels around it, so that the edge of the piece does not reach the spline there.
_SPLINE_MARGIN = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Painting:
    """The bodies on the grid of the scan.

    Parameters
    ----------
    labels
        Numbered from 1 from the head, shape (k, j, i) of the box `around`: a spine fills a hundredth of its scan.
    around
        Where in the scan they lie.
    boxes
        The smallest box around each body that has voxels, by its number, in indices of `labels`.
    """

    labels: UInt8
    around: Box
    boxes: dict[int, Box]


def paint_bodies(body: Float32, instances: Instances, affine: Affine, volume: Volume) -> Painting:
    """The bodies on the grid of the scan.

    The probability is interpolated by a cubic spline before it is cut at one half, so that bodies are smooth on grids
    finer than the network's. Planes across the centreline separate neighbours.

    Parameters
    ----------
    body
        Probability of a vertebral body on the network's grid, shape (k, j, i).
    affine
        Of the network's grid.
    """
    windows = {}
    for number, found in enumerate(ndimage.find_objects(instances.labels), start=1):
        coarse = grown(found, by=(_AROUND,) * 3, shape=body.shape)
        box = box_on_grid(coarse, affine, grid=volume.affine, shape=volume.shape)
        if min(size(box)) > 0:
            windows[number] = _Window(coarse=coarse, affine=affine, grid=volume.affine, box=box)
    whole = around([window.box for window in windows.values()])
    labels = np.zeros(size(whole), dtype=np.uint8)
    boxes: dict[int, Box] = {}
    for number, window in windows.items():
        box = shifted(window.box, by=[-start for start in corner(whole)])
        mask = _one_piece(_mask(body, instances, number, window))
        mask &= labels[box] == 0
        if mask.any():
            labels[box][mask] = number
            boxes[number] = _tight(mask, box)
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
class _Window:
    """A box of voxels of the network's grid, with that grid's affine, and the box of the scan's grid that it fills."""

    coarse: Box
    affine: Affine
    grid: Affine
    box: Box


def _mask(body: Float32, instances: Instances, number: int, window: _Window) -> Bool:
    """One body in its box of the scan's grid."""
    wide = grown(window.coarse, by=(_SPLINE_MARGIN,) * 3, shape=body.shape)
    origin = window.affine.shifted(corner(wide))
    upper, lower = list(pairwise((np.inf, *instances.cuts_mm, -np.inf)))[number - 1]
    near = ndimage.binary_dilation(instances.labels[wide] == number).astype(np.float32)
    arc = on_grid(instances.arc_mm[wide], origin, grid=window.grid, box=window.box)
    inside = on_grid(body[wide], origin, grid=window.grid, box=window.box, spline=Spline.CUBIC) > _INSIDE
    mask: Bool = inside & (on_grid(near, origin, grid=window.grid, box=window.box) > _INSIDE)
    return mask & (arc <= upper) & (arc > lower)


def _one_piece(mask: Bool) -> Bool:
    """The largest component, its holes filled."""
    labels, count = ndimage.label(mask)
    if count > 1:
        mask = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    # what cannot be reached from outside; three times as fast as SciPy's own, which grows the outside step by step
    outside, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    filled: Bool = (outside != outside[0, 0, 0])[1:-1, 1:-1, 1:-1]
    return filled


def _tight(mask: Bool, box: Box) -> Box:
    """The smallest box around a mask that fills a box."""
    return shifted(ndimage.find_objects(mask.view(np.uint8))[0], by=corner(box))
