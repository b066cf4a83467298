"""Slices of a scan as they come to a finer grid: interpolated between their middles, and ending somewhere."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from training.rendering.texture import Shape

# Slices thicker than this, mm, are interpolated in the scan that a network sees.
_INTERPOLATED_FROM_MM = 1.5


def between_slices(image: Tensor, slice_mm: float, spacing_mm: float, rng: np.random.Generator) -> Tensor:
    """The image as it is between the middles of thick slices: linear along k."""
    if slice_mm < _INTERPOLATED_FROM_MM or slice_mm <= spacing_mm:
        return image
    step = slice_mm / spacing_mm
    count = int(np.ceil(image.shape[0] / step)) + 2
    middles = (np.arange(count) - rng.uniform(0.0, 1.0)) * step
    places = torch.from_numpy(np.clip(np.round(middles), 0, image.shape[0] - 1).astype(np.int64))
    at = np.clip((np.arange(image.shape[0]) - middles[0]) / step, 0.0, count - 1.001)
    low = torch.from_numpy(np.floor(at).astype(np.int64))
    share = torch.from_numpy((at - np.floor(at)).astype(np.float32))[:, None, None]
    slices = image[places]
    return slices[low] * (1.0 - share) + slices[low + 1] * share


def ends_in_view(shape: Shape, share: float, rng: np.random.Generator) -> Tensor:
    """Where the scan is: a share of them ends above or below the middle of the sample, or a little beside it."""
    visible = torch.ones(shape, dtype=torch.bool)
    if rng.random() < share:
        count = int(rng.integers(shape[0] // 8, shape[0] // 2 + 4))
        visible[slice(0, count) if rng.random() < 0.5 else slice(shape[0] - count, None)] = False
    return visible
