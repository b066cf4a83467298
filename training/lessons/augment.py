"""What is changed in a sample each time that it is used, so that few samples teach much."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.tissues import BODY_TISSUES, Tissue
from training.rendering.texture import blurred

# Shares of the uses that have each change, and how large it is. Plausible choices.
_MOVED, _RECOLOURED, _THICKENED, _NOISY, _BLANKED = 0.6, 0.6, 0.25, 0.4, 0.08
_TILT_DEGREES, _ZOOM, _STRETCH = 10.0, (0.86, 1.18), (0.94, 1.06)
_SCALE, _OFFSET_HU, _NOISE_HU = (0.93, 1.07), 15.0, 40.0
_RECOLOUR_HU = {
    Tissue.POSTERIOR_ELEMENTS: 60.0,
    Tissue.DISC: 25.0,
    Tissue.SACRUM_OR_HIP: 60.0,
    Tissue.RIB: 80.0,
}
_BODY_RECOLOUR_HU = 45.0

# A sample of which only a part is left keeps this share of each axis, and is soft tissue or water elsewhere, HU.
_LEFT_SHARE, _BLANK_HU = (0.3, 0.8), (-110.0, 80.0)

# Air, what a moved sample shows beside itself.
_OUTSIDE_HU = -1024.0


def augmented(hu: Tensor, shares: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A sample mirrored and moved, seldom a part of it alone, its tissues and the scanner changed a little.

    Parameters
    ----------
    hu
        Image, shape (k, j, i), HU.
    shares
        Of the classes, 0 to 1, shape (class, k, j, i).
    """
    if rng.random() < 0.5:
        hu, shares = hu.flip(-1), shares.flip(-1)
    if rng.random() < _MOVED:
        hu, shares = _moved(hu, shares, rng)
    if rng.random() < _BLANKED:
        hu, shares = _blanked(hu, shares, rng)
    if rng.random() < _RECOLOURED:
        hu = _recoloured(hu, shares, rng)
    if rng.random() < _THICKENED:
        hu = blurred(hu, (rng.uniform(0.3, 0.9), rng.uniform(0.0, 0.5), rng.uniform(0.0, 0.5)))
    hu = hu * rng.uniform(*_SCALE) + rng.normal(0.0, _OFFSET_HU)
    if rng.random() < _NOISY:
        noise = torch.from_numpy(rng.standard_normal(hu.shape, dtype=np.float32))
        hu = hu + noise * rng.uniform(0.0, _NOISE_HU)
    return hu, shares


def _moved(hu: Tensor, shares: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Turned, enlarged and stretched about the middle; what comes from outside is air."""
    angles = np.deg2rad(rng.uniform(-_TILT_DEGREES, _TILT_DEGREES, 3))
    matrix = np.eye(3)
    for angle, (first, second) in zip(angles, ((0, 1), (0, 2), (1, 2)), strict=True):
        turn = np.eye(3)
        turn[[first, second], [first, second]] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    matrix = matrix / (rng.uniform(*_ZOOM) * rng.uniform(*_STRETCH, 3))
    # The sampling grid runs from -1 to 1 along every axis, and is given as (i, j, k).
    size = np.array(hu.shape[::-1], dtype=np.float64)
    matrix = matrix * size / size[:, None]
    theta = torch.from_numpy(np.hstack((matrix, np.zeros((3, 1)))).astype(np.float32))[None]
    # Background is not moved but follows from the others; the image is moved as its distance from air.
    stacked = torch.cat((hu[None] - _OUTSIDE_HU, shares[1:]))[None]
    grid = functional.affine_grid(theta, list(stacked.shape), align_corners=False)
    turned = functional.grid_sample(stacked, grid, padding_mode="zeros", align_corners=False)[0]
    background = (1.0 - turned[1:].sum(0, keepdim=True)).clamp(min=0.0)
    return turned[0] + _OUTSIDE_HU, torch.cat((background, turned[1:]))


def _blanked(hu: Tensor, shares: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A box of the sample in something even, as crops lie in a phantom: where nothing is, nothing may be seen."""
    kept = torch.ones(hu.shape, dtype=torch.bool)
    for axis, size in enumerate(hu.shape):
        length = max(1, round(size * rng.uniform(*_LEFT_SHARE)))
        first = int(rng.integers(size - length + 1))
        place = torch.arange(size)
        inside = (place >= first) & (place < first + length)
        kept &= inside.view([-1 if other == axis else 1 for other in range(3)])
    nothing = torch.zeros_like(shares)
    nothing[Tissue.BACKGROUND] = 1.0
    return torch.where(kept, hu, rng.uniform(*_BLANK_HU)), torch.where(kept, shares, nothing)


def _recoloured(hu: Tensor, shares: Tensor, rng: np.random.Generator) -> Tensor:
    """Every bone and the discs become lighter or darker, all bodies alike."""
    bodies = rng.normal(0.0, _BODY_RECOLOUR_HU)
    changes = {tissue: rng.normal(0.0, size) for tissue, size in _RECOLOUR_HU.items()}
    changes |= dict.fromkeys(BODY_TISSUES, bodies)
    for tissue, change in changes.items():
        hu = hu + shares[tissue] * change
    return hu
