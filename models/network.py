"""Networks by the name that a model card gives them, and the scale of intensities that they were trained with."""

from __future__ import annotations

from enum import StrEnum

import torch
from monai.networks.nets import UNet
from torch import Tensor, nn

from models.tissues import BodyClass, NetworkClass, RibClass, Tissue

# Above the knee the scale is compressed: metal and dense cortex must not drown the marrow. A plausible choice.
_KNEE_HU = 400.0
_SLOPE_ABOVE_KNEE = 0.35
_WINDOW_HU = (-400.0, 800.0)
_HU_PER_UNIT = 300.0


class Architecture(StrEnum):
    """A network that can be built; the numbers are the channels from the finest grid to the coarsest."""

    UNET_32_160 = "monai-unet-32-64-96-128-160"
    UNET_24_96_POINTED = "monai-unet-24-48-96-pointed"
    UNET_24_96_RIBS = "monai-unet-24-48-96-pointed-ribs"

    @property
    def inputs(self) -> int:
        """Number of input channels: the image, and for a network that is pointed at a structure where that is."""
        return 1 if self is Architecture.UNET_32_160 else 2

    @property
    def outputs(self) -> type[NetworkClass]:
        """What the output channels mean; a bundle may have the first ones alone."""
        return _OUTPUTS[self]


_CHANNELS: dict[Architecture, tuple[int, ...]] = {
    Architecture.UNET_32_160: (32, 64, 96, 128, 160),
    Architecture.UNET_24_96_POINTED: (24, 48, 96),
    Architecture.UNET_24_96_RIBS: (24, 48, 96),
}
_OUTPUTS: dict[Architecture, type[NetworkClass]] = {
    Architecture.UNET_32_160: Tissue,
    Architecture.UNET_24_96_POINTED: BodyClass,
    Architecture.UNET_24_96_RIBS: RibClass,
}

#: Number of voxels along k, j and i must be multiples of this: every level of the network halves the grid.
GRID_MULTIPLE = 16


def build_network(architecture: Architecture, classes: int) -> nn.Module:
    """An untrained network: input (n, channels, k, j, i) to logits (n, classes, k, j, i).

    The first layer halves the grid at once and the last one restores it, so a step costs a fifth of that of a network
    which works on the full grid, and the number of training steps counts for more.
    """
    channels = _CHANNELS[architecture]
    network: nn.Module = UNet(
        spatial_dims=3,
        in_channels=architecture.inputs,
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


def pointed(hu: Tensor, pointer: Tensor) -> Tensor:
    """Input of a network that is pointed at a structure, shape (n, 2, k, j, i).

    Parameters
    ----------
    hu
        CT numbers, shape (n, k, j, i), HU.
    pointer
        Probability that a coarser network gives to the structure, same shape, 0 to 1.
    """
    return torch.stack((normalise(hu), 2.0 * pointer - 1.0), dim=1)
