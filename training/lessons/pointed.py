"""What lessons have in common whose network is pointed at a body and draws something of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.network import pointed
from training.lessons.lesson import Forward
from training.rendering.pointer import Channel
from training.rendering.texture import blurred

_SMOOTHING_VOXELS = 50.0

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How a sample is changed each time that it is used.

    Parameters
    ----------
    target_hu, offset_hu
        Standard deviation of what is added to the CT numbers of the target, and to all.
    blurred, noisy
        Shares of the uses that are blurred, and that have noise.
    blur_k, blur_in_plane
        Least and most blur along the spine and across it, standard deviation in voxels.
    scale
        Least and most factor of CT numbers.
    noise_hu
        Most noise.
    """

    target_hu: float
    offset_hu: float
    blurred: float
    blur_k: Range
    blur_in_plane: Range
    noisy: float
    noise_hu: float
    scale: Range

    def changed(self, hu: Tensor, shares: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A sample mirrored, its target and the scanner changed a little."""
        if rng.random() < 0.5:
            hu, shares = hu.flip(-1), shares.flip(-1)
        hu = hu + shares[Channel.TARGET] * rng.normal(0.0, self.target_hu)
        if rng.random() < self.blurred:
            across = (rng.uniform(*self.blur_k), rng.uniform(*self.blur_in_plane), rng.uniform(*self.blur_in_plane))
            hu = blurred(hu, across)
        hu = hu * rng.uniform(*self.scale) + rng.normal(0.0, self.offset_hu)
        if rng.random() < self.noisy:
            noise = torch.from_numpy(rng.standard_normal(hu.shape, dtype=np.float32))
            hu = hu + noise * rng.uniform(0.0, self.noise_hu)
        return hu, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLoss:
    """Cross-entropy and Dice of what the second output channel draws.

    Parameters
    ----------
    cross_entropy
        Its weight; that of Dice is 1.
    target
        How much more the voxels of the target count in it than others.
    """

    cross_entropy: float
    target: float = 1.0

    def of(self, network: Forward, hu: Tensor, shares: Tensor) -> Tensor:
        """The loss of images (n, k, j, i) in HU and their shares (n, `Channel`, k, j, i)."""
        logits = network(pointed(hu, shares[:, Channel.POINTER]))
        margin = logits[:, 1] - logits[:, 0]
        target = shares[:, Channel.TARGET]
        weight = None if self.target == 1.0 else margin.new_tensor(self.target)
        entropy = functional.binary_cross_entropy_with_logits(margin, target, pos_weight=weight)
        probability = torch.sigmoid(margin)
        overlap = 2.0 * (probability * target).sum((1, 2, 3)) + _SMOOTHING_VOXELS
        total = probability.square().sum((1, 2, 3)) + target.square().sum((1, 2, 3)) + _SMOOTHING_VOXELS
        return self.cross_entropy * entropy + (1.0 - overlap / total).mean()
