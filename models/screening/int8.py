"""Weights in a quarter of their size: 8 bits each, with a scale for every output channel.

Only stored so: the network computes with what they are worth.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SCALE = ".scale"
_LARGEST = 127.0

#: Smaller kernels stay as they are: all of them together are 0.1 MB, and the first one sees the image itself, where
#: half a step shows (it alone moved probabilities by 0.03).
LEAST_WEIGHTS = 10_000


def quantised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a network with its large kernels in 8 bits; vectors (norms, biases) stay as they are.

    What rounding adds to one weight is taken off the next one of its channel. Inputs of a layer are positive on
    average, so that errors which all but cancel move its outputs a tenth as much as errors which do not.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu().contiguous()
        if values.ndim < 2 or values.numel() < LEAST_WEIGHTS:
            stored[name] = values
            continue
        rows = values.flatten(1).double()
        # of a channel without weights every scale is right
        scale = (rows.abs().amax(1) / _LARGEST).clamp(min=torch.finfo(torch.float32).tiny)
        steps = _rounded((rows / scale[:, None]).numpy())
        stored[name] = torch.from_numpy(steps).reshape(values.shape).contiguous()
        stored[name + _SCALE] = scale.float()
    return stored


def dequantised(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state that `quantised` stored, kernels in float32 and up to a step away.

    Raises
    ------
    KeyError
        Where a tensor of 8 bits has no scale.
    """
    state: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        if name.endswith(_SCALE):
            continue
        if tensor.dtype == torch.int8:
            scale = stored[name + _SCALE]
            state[name] = tensor.float() * scale.reshape(-1, *(1,) * (tensor.ndim - 1))
        else:
            state[name] = tensor
    return state


def _rounded(rows: NDArray[np.float64]) -> NDArray[np.int8]:
    """Whole numbers whose sums along each row stay within a half of the true ones."""
    steps = np.empty(rows.shape, dtype=np.int8)
    left = np.zeros(len(rows))
    for place in range(rows.shape[1]):
        wanted = rows[:, place] + left
        whole = np.clip(np.rint(wanted), -_LARGEST, _LARGEST)
        left = wanted - whole
        steps[:, place] = whole
    return steps
