"""Networks by the name that a model card gives them, and the scale of intensities that they were trained with."""

from __future__ import annotations

from enum import StrEnum

import torch
from monai.networks.nets import UNet
from torch import Tensor, nn

# Above the knee the scale is compressed: metal and dense cortex must not drown the marrow. A plausible choice.
_KNEE_HU = 400.0
_SLOPE_ABOVE_KNEE = 0.35
_WINDOW_HU = (-400.0, 800.0)
_HU_PER_UNIT = 300.0


class Architecture(StrEnum):
    """A network that can be built; the numbers are the channels from the finest grid to the coarsest."""

    UNET_32_160 = "monai-unet-32-64-96-128-160"


_CHANNELS: dict[Architecture, tuple[int, ...]] = {Architecture.UNET_32_160: (32, 64, 96, 128, 160)}

#: Number of voxels along k, j and i must be multiples of this: every level of the network halves the grid.
GRID_MULTIPLE = 16


def build_network(architecture: Architecture, classes: int) -> nn.Module:
    """An untrained network: image (n, 1, k, j, i) to logits (n, classes, k, j, i).

    The first layer halves the grid at once and the last one restores it, so a step costs a fifth of that of a network
    which works on the full grid, and the number of training steps counts for more.
    """
    channels = _CHANNELS[architecture]
    network: nn.Module = UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=classes,
        channels=channels,
        strides=(2,) * (len(channels) - 1),
        norm=("INSTANCE", {"affine": True}),
        act=("LEAKYRELU", {"negative_slope": 0.01, "inplace": True}),
    )
    for parameter in network.parameters():
        # Kernels that lie channels-last are about a third faster on CPUs.
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return network


def normalise(hu: Tensor) -> Tensor:
    """Input of the network, about -1.3 to 2, from CT numbers in HU; same shape, any shape."""
    bent = torch.where(hu > _KNEE_HU, _KNEE_HU + (hu - _KNEE_HU) * _SLOPE_ABOVE_KNEE, hu)
    return bent.clamp(*_WINDOW_HU) / _HU_PER_UNIT
