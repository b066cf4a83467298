"""Weights in a quarter of their size: 8 bits each, with a scale for every output channel.

Only stored so: the network computes with what they are worth.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_SCALE = ".scale"
_LARGEST = 127.0


def quantised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a network with its kernels in 8 bits; vectors (norms, biases) stay as they are."""
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu().contiguous()
        if values.ndim < 2:
            stored[name] = values
            continue
        rows = values.flatten(1)
        # of a channel without weights every scale is right
        scale = (rows.abs().amax(1) / _LARGEST).clamp(min=torch.finfo(torch.float32).tiny)
        steps = (rows / scale[:, None]).round().clamp(-_LARGEST, _LARGEST)
        stored[name] = steps.to(torch.int8).reshape(values.shape).contiguous()
        stored[name + _SCALE] = scale
    return stored


def dequantised(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state that `quantised` stored, kernels in float32 and up to half a step away.

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
