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
    # A product of matrices along each axis takes a tenth of the time of torch's interpolation on a CPU.
    along_k, along_j, along_i = (_between(size, count) for size, count in zip(shape, knots.shape[-3:], strict=True))
    in_plane = along_j @ (knots @ along_i.T)
    return torch.einsum("ka,...aji->...kji", along_k, in_plane)


def _between(size: int, knots: int) -> Tensor:
    """Weights of knots at equally many places, shape (size, knots)."""
    places = torch.linspace(0.0, knots - 1.0, size)
    return (1.0 - (places[:, None] - torch.arange(knots)).abs()).clamp(min=0.0)


def blurred(image: Tensor, sigma: tuple[float, float, float]) -> Tensor:
    """A Gaussian blur of an image (k, j, i); sigma in voxels, an axis below 0.15 is left as it is."""
    for axis, width in enumerate(sigma):
        if width < 0.15:
            continue
        radius = max(1, int(np.ceil(2.5 * width)))
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
        kernel = torch.exp(-(offsets**2) / (2.0 * width**2))
        kernel = kernel / kernel.sum()
        image = _along(image, kernel, axis)
    return image


def _along(image: Tensor, kernel: Tensor, axis: int) -> Tensor:
    # A weighted sum of shifted views: much faster on a CPU than a convolution with one channel.
    radius, size = len(kernel) // 2, image.shape[axis]
    first, last = image.narrow(axis, 0, 1), image.narrow(axis, size - 1, 1)
    repeats = [radius if dimension == axis else 1 for dimension in range(3)]
    padded = torch.cat((first.repeat(repeats), image, last.repeat(repeats)), dim=axis)
    total = padded.narrow(axis, radius, size) * kernel[radius]
    for offset in range(1, radius + 1):
        pair = padded.narrow(axis, radius - offset, size) + padded.narrow(axis, radius + offset, size)
        total.add_(pair, alpha=float(kernel[radius + offset]))
    return total
