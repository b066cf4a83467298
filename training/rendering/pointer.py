"""Where a coarse network would point to: the mask of a body as it sees it, with the errors that it makes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.rendering.texture import Shape, seeded, smooth_noise


class Channel(IntEnum):
    """Shares of a sample of a network that is pointed at a body: where that is seen, and what it is to draw."""

    POINTER = 0
    TARGET = 1


#: Voxels of the coarse network, in voxels of the samples, drawn.
_COARSE = (2, 3)

# How a coarse mask errs: how sharply it turns, how much too large or too small it is as a whole and in places (all in
# logits), how far it lies off (voxels), and its upper and lower cut (share of its height). Plausible choices.
_SHARPNESS, _BIAS, _UNEVENNESS, _SHIFT, _MISCUT = (6.0, 14.0), 1.2, (0.0, 1.5), 1.5, 0.1
_UNEVEN_CELL = 3.0

# How often a part of the body is not seen, as of thin marrow that looks like soft tissue, the radius of that part
# against that of a ball as large as the body, and what is still seen of it. Plausible choices.
_HOLED, _HOLE_RADIUS, _LEFT_IN_HOLE = 0.35, (0.25, 0.7), (0.0, 0.5)


def draw_pointer(body: Tensor, bodies: Tensor, rng: np.random.Generator) -> Tensor:
    """The body as a coarse network may see it, 0 to 1.

    Parameters
    ----------
    body
        True inside the body that is pointed at, shape (k, j, i).
    bodies
        True inside that and its neighbours: where the column is cut at the wrong height, a slice of them comes along.
    """
    seen = _miscut(body, bodies, rng).float()
    if rng.random() < _HOLED:
        seen = _holed(seen, rng)
    step = int(rng.choice(_COARSE))
    phase = [int(rng.integers(step)) for _ in range(3)]
    padding = [(first, -(first + size) % step) for first, size in zip(phase, seen.shape, strict=True)]
    padded = functional.pad(seen[None, None], [size for pair in reversed(padding) for size in pair])
    share = functional.avg_pool3d(padded, step)[0, 0]
    coarse: Shape = (share.shape[0], share.shape[1], share.shape[2])
    logits = (share - 0.5) * rng.uniform(*_SHARPNESS) + rng.uniform(-_BIAS, _BIAS) * (share * (1.0 - share) * 4.0)
    unevenness = smooth_noise(coarse, _UNEVEN_CELL, seeded(rng)) * rng.uniform(*_UNEVENNESS)
    touched = functional.max_pool3d(share[None, None], 3, stride=1, padding=1)[0, 0] > 0.0
    probability = torch.where(touched, torch.sigmoid(logits + unevenness), 0.0)
    # Values stand at the middle of their coarse voxel; between them they are linear.
    size = [count * step for count in coarse]
    fine = functional.interpolate(probability[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]
    first = [start + round(rng.uniform(-_SHIFT, _SHIFT)) for start in phase]
    rolled = torch.roll(fine, [at - start for at, start in zip(phase, first, strict=True)], dims=(0, 1, 2))
    k, j, i = (slice(start, start + count) for start, count in zip(phase, body.shape, strict=True))
    return rolled[k, j, i]


def _holed(seen: Tensor, rng: np.random.Generator) -> Tensor:
    """Without most of a ball about one of its points."""
    inside = torch.nonzero(seen > 0.0)
    if not len(inside):
        return seen
    middle = inside[int(rng.integers(len(inside)))]
    axes = [(torch.arange(size) - int(at)).float() ** 2 for size, at in zip(seen.shape, middle, strict=True)]
    away = (axes[0][:, None, None] + axes[1][:, None] + axes[2]).sqrt()
    ball = (0.75 / np.pi * len(inside)) ** (1.0 / 3.0)
    return torch.where(away < ball * rng.uniform(*_HOLE_RADIUS), seen * rng.uniform(*_LEFT_IN_HOLE), seen)


def _miscut(body: Tensor, bodies: Tensor, rng: np.random.Generator) -> Tensor:
    """The body with its upper and lower end moved: with a slice of its neighbours, or without one of its own."""
    rows = torch.nonzero(body.any(2).any(1))[:, 0]
    if not len(rows):
        return body
    low, high = (int(row) + rng.normal(0.0, _MISCUT * len(rows)) for row in (rows[0], rows[-1]))
    height = torch.arange(body.shape[0])[:, None, None]
    within = (height >= low) & (height <= high)
    # Neighbours lean over this body's height: only what stands over or under the body itself is taken for it.
    column = body.any(0, keepdim=True)
    return within & (body | (bodies & column & ((height < rows[0]) | (height > rows[-1]))))
