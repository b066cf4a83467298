"""The crop of a real L3 with parts of its neighbours, in a trunk that holds nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.volume import UInt8, Volume
from tests.builders.real_ct import read_values
from training.evaluation.case import Case

#: The trunk: its grid, mm, its voxels, and half its depth and width, mm.
_SPACING_MM = 1.5
_SHAPE = (200, 180, 240)
_HALF_MM = (128.0, 172.0)

#: The spine lies this far behind the middle, mm.
_BEHIND_MM = 67.5

#: Values of the published sub-regions that are vertebral body, border and inside.
BODY = (49, 50)

#: What the crop's files call its vertebrae, which is what VerSe calls them.
_LEVELS = (VertebralLevel.L2, VertebralLevel.L3, VertebralLevel.L4)

_NOTHING = -5000.0


def lone_vertebra(folder: Path) -> Case:
    """The crop at its place in an ellipse of soft tissue with fat around it; the truth are its bodies."""
    hu, affine = read_values(folder / "sub-ct_label-22_ct.nii.gz")
    vertebrae, _ = read_values(folder / "sub-ct_seg-vert_label-22_msk.nii.gz")
    regions, _ = read_values(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz")
    bodies = np.where(np.isin(regions, BODY) & np.isin(vertebrae, [level.number for level in _LEVELS]), vertebrae, 0)
    middle = affine.to_lps((np.array(hu.shape) - 1.0) / 2.0) - np.array((0.0, _BEHIND_MM, 0.0))
    x, y, z = middle - _SPACING_MM * (np.array(_SHAPE[::-1]) - 1.0) / 2.0
    grid = Affine.from_spacing((_SPACING_MM,) * 3, (float(x), float(y), float(z)))
    crop = _on_grid(hu, affine, grid, order=1, outside=_NOTHING)
    whole = np.where(crop > _NOTHING / 2.0, crop, _trunk()).astype(np.float32)
    truth: UInt8 = _on_grid(bodies, affine, grid, order=0, outside=0.0).astype(np.uint8)
    return Case(
        name="L3 in an empty trunk",
        volume=Volume(hu=whole, affine=grid, frame_of_reference=Uid("1.2.3")),
        truth=truth,
        is_synthetic=False,
    )


def _trunk() -> NDArray[np.float64]:
    _, j, i = np.ogrid[: _SHAPE[0], : _SHAPE[1], : _SHAPE[2]]
    depth, width = (
        _SPACING_MM * (place - (size - 1) / 2.0) / half
        for place, size, half in zip((j, i), _SHAPE[1:], _HALF_MM, strict=True)
    )
    away = np.broadcast_to(depth**2 + width**2, _SHAPE)
    tissue = np.where(away < 0.8, 40.0, np.where(away < 1.0, -100.0, -1000.0))
    noisy: NDArray[np.float64] = tissue + np.random.default_rng(0).normal(0.0, 10.0, _SHAPE)
    return noisy


def _on_grid(
    values: NDArray[np.float64], affine: Affine, grid: Affine, *, order: int, outside: float
) -> NDArray[np.float64]:
    mapping = np.linalg.inv(affine.matrix) @ grid.matrix
    moved: NDArray[np.float64] = ndimage.affine_transform(
        values, mapping[:3, :3], offset=mapping[:3, 3], output_shape=_SHAPE, order=order, cval=outside
    )
    return moved
