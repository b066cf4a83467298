"""Masks of vertebral bodies on the grid of the scan."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.instances import Instances
from models.interpolate import Box, Spline, box_on_grid, on_grid
from node.domain.geometry import Affine
from node.domain.volume import Float32, UInt8, Volume

Bool = NDArray[np.bool_]

#: A voxel belongs to a body from this probability on: its soft training targets are shares of volume.
_INSIDE = 0.5

#: Voxels of the network's grid around a body in which its surface may lie.
_AROUND = 2

#: More voxels around it, so that the edge of the piece does not reach the spline there.
_SPLINE_MARGIN = 3


def paint_bodies(body: Float32, instances: Instances, affine: Affine, volume: Volume) -> UInt8:
    """The bodies on the grid of the scan, numbered from 1 from the head, shape of the volume.

    The probability is interpolated by a cubic spline before it is cut at one half, so that bodies are smooth on grids
    finer than the network's. Planes across the centreline separate neighbours.

    Parameters
    ----------
    body
        Probability of a vertebral body on the network's grid, shape (k, j, i).
    affine
        Of the network's grid.
    """
    labels = np.zeros(volume.shape, dtype=np.uint8)
    bounds = (np.inf, *instances.cuts_mm, -np.inf)
    boxes = ndimage.find_objects(instances.labels)
    for number, (upper, lower) in enumerate(pairwise(bounds), start=1):
        coarse = _grown(boxes[number - 1], _AROUND, body.shape)
        box = box_on_grid(coarse, affine, grid=volume.affine, shape=volume.shape)
        if min(part.stop - part.start for part in box) == 0:
            continue
        wide = _grown(coarse, _SPLINE_MARGIN, body.shape)
        origin = affine.shifted((wide[0].start, wide[1].start, wide[2].start))
        arc = on_grid(instances.arc_mm[wide], origin, grid=volume.affine, box=box)
        near = ndimage.binary_dilation(instances.labels[wide] == number, iterations=1).astype(np.float32)
        mask = (
            (on_grid(body[wide], origin, grid=volume.affine, box=box, spline=Spline.CUBIC) > _INSIDE)
            & (on_grid(near, origin, grid=volume.affine, box=box) > _INSIDE)
            & (arc <= upper)
            & (arc > lower)
        )
        part = labels[box]
        part[_one_piece(mask) & (part == 0)] = number
    return labels


def touches_edge(labels: UInt8, affine: Affine, *, within_mm: float) -> dict[int, bool]:
    """Whether each body comes this near to an edge of the scan, by its number.

    Parameters
    ----------
    labels
        Bodies on the grid of the scan, numbered from 1, shape (k, j, i).
    """
    touching = {}
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        near = False
        for part, size, spacing in zip(box, labels.shape, affine.spacing_mm, strict=True):
            # A whole voxel beyond the body must be in the scan, and more where voxels are small.
            margin = max(1, int(np.ceil(within_mm / spacing)))
            near |= part.start < margin or part.stop > size - margin
        touching[number] = near
    return touching


def _one_piece(mask: Bool) -> Bool:
    """The largest component, its holes filled."""
    labels, count = ndimage.label(mask)
    if count > 1:
        mask = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    filled: Bool = ndimage.binary_fill_holes(mask)
    return filled


def _grown(box: Box, by: int, shape: tuple[int, ...]) -> Box:
    k, j, i = (slice(max(0, part.start - by), min(size, part.stop + by)) for part, size in zip(box, shape, strict=True))
    return k, j, i
