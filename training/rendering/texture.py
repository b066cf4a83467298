"""Random fields and blurring on voxel grids."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

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
    coarse = torch.randn((1, 1, *knots), generator=generator)
    return functional.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)[0, 0]


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
