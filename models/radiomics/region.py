"""The vertebral body whose features are taken, on the grid of the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from models.box import grown
from models.components import components
from models.crops import BodyCrop
from models.patient_axes import axis_weights, nearest_axes
from models.radiomics.definition import Grid
from node.domain.geometry import Affine
from node.domain.reasons import Reason, ReasonCode

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

#: The smallest body that has features, mm3. Crushed upper thoracic ones keep some 3,000 (plausible choice).
LEAST_MM3 = 1000.0

#: What may lie apart from the body before it counts as in pieces, share of all; smaller crumbs are left out.
_CRUMBS_SHARE = 0.02

#: CT numbers are kept in these steps, HU: sums in another order must not put a voxel on the other side of a bin's edge.
_STEP_HU = 2.0**-10

#: For the same reason half a voxel counts as inside.
_HALF = 0.5 - 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyRegion:
    """A body with what filters see around it, on an isotropic grid: k to the head, j to the back, i to the left.

    Parameters
    ----------
    hu
        CT numbers, shape (k, j, i), HU; the pad lies around the smallest box that holds the body.
    body
        Same shape; true inside the body, which is one piece.
    spacing_mm
        Of the grid.
    """

    hu: Float64
    body: Bool
    spacing_mm: float


def body_region(crop: BodyCrop, grid: Grid) -> BodyRegion | Reason:
    """The body of a crop on the grid, or why it has no features: too small, or in pieces.

    Where the scan ends within the pad, its last voxels go on.
    """
    axes = nearest_axes(crop.affine)
    affine = axes.of_affine(crop.affine, crop.hu.shape)
    body = axes.of_array(crop.body)
    if int(np.count_nonzero(body)) * affine.voxel_volume_mm3 < LEAST_MM3:
        return _too_small(int(np.count_nonzero(body)), affine.voxel_volume_mm3)
    weights = _weights(body, affine, grid)
    inside = _applied(body.astype(np.float64), weights) >= _HALF
    largest = _largest_piece(inside)
    if isinstance(largest, Reason):
        return largest
    volume_mm3 = grid.spacing_mm**3
    if int(np.count_nonzero(largest)) * volume_mm3 < LEAST_MM3:
        return _too_small(int(np.count_nonzero(largest)), volume_mm3)
    hu = np.clip(axes.of_array(crop.hu).astype(np.float64), grid.lowest_hu, grid.highest_hu)
    stepped = np.rint(_applied(hu, weights) / _STEP_HU) * _STEP_HU
    (own,) = ndimage.find_objects(largest.astype(np.uint8))
    box = grown(own, by=(grid.pad,) * 3, shape=largest.shape)
    return BodyRegion(hu=stepped[box], body=largest[box], spacing_mm=grid.spacing_mm)


def _too_small(voxels: int, voxel_mm3: float) -> Reason:
    detail = (
        f"The outline of the body has {voxels} voxels, {voxels * voxel_mm3:.0f} mm3; at least {LEAST_MM3:.0f} are "
        "needed."
    )
    return Reason(code=ReasonCode.ROI_TOO_SMALL, detail=detail)


def _weights(body: Bool, affine: Affine, grid: Grid) -> list[sparse.csr_array]:
    """What the voxels of the crop give to those of the grid, along k, j and i; it holds more than the body and the pad.

    Points lie at whole multiples of the spacing along each axis, counted from the origin of the patient's coordinates.
    """
    weights = []
    for axis, (size, old) in enumerate(zip(body.shape, affine.spacing_mm, strict=True)):
        others = tuple(other for other in range(3) if other != axis)
        inside = np.flatnonzero(body.any(axis=others))
        start = float(affine.matrix[:3, 3] @ affine.directions[:, axis])
        # interpolated, a body ends half a voxel beyond the centre of its last one
        first = int(np.floor((start + old * (float(inside[0]) - 0.5) - grid.pad_mm) / grid.spacing_mm))
        last = int(np.ceil((start + old * (float(inside[-1]) + 0.5) + grid.pad_mm) / grid.spacing_mm))
        points = np.arange(first, last + 1, dtype=np.float64) * grid.spacing_mm
        centres: Float64 = np.clip((points - start) / old, 0.0, size - 1.0)
        weights.append(axis_weights(size, centres, grid.spacing_mm / old))
    return weights


def _applied(values: Float64, weights: Sequence[sparse.csr_array]) -> Float64:
    for axis, along in enumerate(weights):
        moved = np.moveaxis(values, axis, 0)
        flat = along @ moved.reshape(moved.shape[0], -1)
        values = np.moveaxis(flat.reshape(flat.shape[0], *moved.shape[1:]), 0, axis)
    return np.ascontiguousarray(values)


def _largest_piece(inside: Bool) -> Bool | Reason:
    labels, count = components(inside)
    if count == 0:
        return _too_small(0, 1.0)
    sizes = np.bincount(labels.ravel())[1:]
    apart = 1.0 - float(sizes.max()) / float(sizes.sum())
    if apart > _CRUMBS_SHARE:
        detail = f"{100.0 * apart:.0f} % of it lie apart from the largest of {count} pieces."
        return Reason(code=ReasonCode.MASK_IN_PIECES, detail=detail)
    largest: Bool = labels == 1 + int(sizes.argmax())
    return largest
