"""Random fields and blurring on voxel grids."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

Shape = tuple[int, int, int]


def seeded(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that follows from a numpy one."""
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def white_noise(shape: Shape, generator: torch.Generator) -> Tensor:
    """Independent normal values, shape (k, j, i)."""
    return torch.randn(shape, generator=generator)


def smooth_noise(shape: Shape, cell: float, generator: torch.Generator) -> Tensor:
    """Normal values at knots `cell` voxels apart, linear between them, shape (k, j, i)."""
    knots = [max(2, int(np.ceil(size / cell)) + 1) for size in shape]
    return linear_between(torch.randn(knots, generator=generator), shape)


def linear_between(knots: Tensor, shape: Shape) -> Tensor:
    """A grid of `shape` voxels between the first and the last knot of every axis, shape (..., k, j, i).

    Parameters
    ----------
    knots
        Values at equal steps, shape (..., knots along k, along j, along i).
    """
    # In plane first, where there is least.
    for axis in (2, 1, 0):
        knots = _along(knots, _between(shape[axis], knots.shape[axis - 3]), axis)
    return knots


def blurred(image: Tensor, sigma: tuple[float, float, float]) -> Tensor:
    """A Gaussian blur of an image (k, j, i), as if its outermost slices went on.

    Parameters
    ----------
    sigma
        In voxels; an axis below 0.15 is left as it is.
    """
    for axis, width in enumerate(sigma):
        if width >= 0.15:
            image = _along(image, _gaussian(image.shape[axis], width), axis)
    return image


def _along(values: Tensor, weights: Tensor, axis: int) -> Tensor:
    """Weights (new, old) applied to one of the last three axes.

    A product with a matrix, though most of it is zero, is several times as fast on a CPU as torch's interpolation or
    convolution of one channel, and twice as fast as a sum of shifted views: these wait for memory, it does not.
    """
    match axis:
        case 0:
            return torch.einsum("ka,...aji->...kji", weights, values)
        case 1:
            return weights @ values
        case _:
            return values @ weights.T


def _between(size: int, knots: int) -> Tensor:
    """Weights of knots at equally many places, shape (size, knots)."""
    places = torch.linspace(0.0, knots - 1.0, size)
    return (1.0 - (places[:, None] - torch.arange(knots)).abs()).clamp(min=0.0)


def _gaussian(size: int, sigma: float) -> Tensor:
    """Weights of voxels around each, shape (size, size); those beyond an end are the outermost one."""
    radius = max(1, int(np.ceil(2.5 * sigma)))
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-(offsets.float() ** 2) / (2.0 * sigma**2))
    seen = (torch.arange(size)[:, None] + offsets).clamp(0, size - 1)
    return torch.zeros((size, size)).scatter_add_(1, seen, (kernel / kernel.sum()).expand(size, -1))
