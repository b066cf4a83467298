"""The ResNet-50 whose features are used, and how its images are scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from monai.networks.nets.resnet import ResNet
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Float32 = NDArray[np.float32]

#: Name in cards.
ARCHITECTURE = "monai-resnet50-2d"

#: Pixels a side of what the network sees, and features that it gives.
SIDE, FEATURES = 224, 2048

#: So many images are asked at once: more are no faster on a processor.
_AT_ONCE = 16


class Pretraining(StrEnum):
    """What a network has learned to see from: it says how images are scaled.

    torchvision's weights want the mean and the standard deviation of ImageNet by channel (its documentation of the
    weights, "inference transforms"); those of RadImageNet run from -1 to 1 (its own training programs for PyTorch).
    """

    IMAGENET = "imagenet"
    RADIMAGENET = "radimagenet"
    SYNTHETIC = "synthetic-vertebrae"


_SCALES: dict[Pretraining, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    Pretraining.IMAGENET: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    Pretraining.RADIMAGENET: ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    Pretraining.SYNTHETIC: ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}

#: The names of all features, in the order in which the network gives them.
DEEP_FEATURES: tuple[str, ...] = tuple(f"deep_resnet50_{number:04d}" for number in range(FEATURES))


def build_backbone() -> ResNet:
    """An untrained network without its last layer: images (n, 3, row, column) to features (n, 2048).

    Strides and names of weights are those of torchvision's network: bottlenecks halve the grid in their middle
    convolution, and no convolution has a bias.
    """
    network: ResNet = ResNet(
        block="bottleneck",
        layers=[3, 4, 6, 3],
        block_inplanes=[64, 128, 256, 512],
        spatial_dims=2,
        n_input_channels=3,
        conv1_t_size=7,
        conv1_t_stride=2,
        feed_forward=False,
        bias_downsample=False,
    )
    return network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backbone:
    """A network in evaluation mode on its device, and how it wants its images.

    Parameters
    ----------
    weights_sha256
        Of the file that the weights come from.
    """

    network: nn.Module
    pretraining: Pretraining
    weights_sha256: str
    device: torch.device

    def features(self, bodies: Sequence[Float32]) -> Float32:
        """Features of bodies by their slices, averaged over these.

        Parameters
        ----------
        bodies
            Slices of each body, shape (slice, row, column), 0 to 1.

        Returns
        -------
        Shape (body, feature), float32; columns are `DEEP_FEATURES`.
        """
        if not bodies:
            return np.zeros((0, FEATURES), dtype=np.float32)
        counts = [len(slices) for slices in bodies]
        images = torch.from_numpy(np.concatenate(bodies))
        found = []
        with torch.inference_mode():
            for first in range(0, len(images), _AT_ONCE):
                shown = scaled(images[first : first + _AT_ONCE].to(self.device), self.pretraining)
                found.append(self.network(shown).float().cpu())
        by_body = np.split(torch.cat(found).numpy(), np.cumsum(counts)[:-1])
        features: Float32 = np.stack([part.mean(0) for part in by_body])
        return features


def scaled(images: Tensor, pretraining: Pretraining) -> Tensor:
    """Grey images, shape (n, row, column), 0 to 1, as the network takes them, shape (n, 3, 224, 224)."""
    grey = functional.interpolate(images[:, None], (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    means, spreads = (torch.tensor(values, device=images.device).view(3, 1, 1) for values in _SCALES[pretraining])
    return (grey - means) / spreads
