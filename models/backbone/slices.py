"""What a network sees of a vertebral body: sagittal slices through its middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.radiomics.definition import Slices
from models.radiomics.region import BodyRegion

Float32 = NDArray[np.float32]

#: The slice with most of the body, and one on each side.
SLICES = 3


def body_slices(region: BodyRegion, definition: Slices) -> Float32:
    """Sagittal slices from the patient's right to the left, front on the left and head on top.

    The smallest box around the body lies in the middle; what lies beyond the region is black.

    Returns
    -------
    Shape (slice, row, column), one pixel a voxel of the region, 0 (black) to 1 (white).
    """
    side = round(definition.side_mm / region.spacing_mm)
    beside = round(definition.beside_mm / region.spacing_mm)
    areas = region.body.sum(axis=(0, 1))
    # of several slices with as much body, the middle one
    middle = round(float(np.flatnonzero(areas == areas.max()).mean()))
    inside = np.flatnonzero(areas)
    places = np.clip([middle - beside, middle, middle + beside], inside[0], inside[-1])
    low, high = definition.window_hu
    shown = np.clip((region.hu[:, :, places] - low) / (high - low), 0.0, 1.0)
    # rows run from head to foot
    upright: Float32 = np.moveaxis(shown[::-1], 2, 0).astype(np.float32)
    return _centred(upright, side)


def _centred(images: Float32, side: int) -> Float32:
    """Images cut or filled to a square around their middle; the pad of a region is the same on all sides."""
    square: Float32 = np.zeros((len(images), side, side), dtype=np.float32)
    into, out_of = zip(*(_overlap(size, side) for size in images.shape[1:]), strict=True)
    square[:, into[0], into[1]] = images[:, out_of[0], out_of[1]]
    return square


def _overlap(size: int, side: int) -> tuple[slice, slice]:
    """Where of the square, and which part of an image."""
    first = (side - size) // 2
    into = slice(max(0, first), min(side, first + size))
    return into, slice(into.start - first, into.stop - first)
