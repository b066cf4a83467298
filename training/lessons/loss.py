"""What the spine network is trained to make small."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from models.tissues import Tissue

# Background and the large bones of the pelvis count less, or the small classes drown. Plausible choice.
_CLASS_WEIGHTS = {Tissue.BACKGROUND: 0.4, Tissue.SACRUM_OR_HIP: 0.6, Tissue.RIB: 0.8}
_CROSS_ENTROPY_WEIGHT = 3.0

# A class with less than this in the sample, in voxels, has no Dice; the term that keeps Dice from dividing by zero.
_PRESENT_VOXELS, _SMOOTHING_VOXELS = 20.0, 10.0


def segmentation_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Weighted cross-entropy and Dice against soft targets, both (n, class, k, j, i)."""
    weights = torch.tensor([_CLASS_WEIGHTS.get(tissue, 1.0) for tissue in Tissue], device=logits.device)
    log_probabilities = functional.log_softmax(logits, dim=1)
    entropy = -(shares * log_probabilities * weights[:, None, None, None]).sum(1).mean()
    return _CROSS_ENTROPY_WEIGHT * entropy + _dice_loss(log_probabilities.exp(), shares)


def _dice_loss(probabilities: Tensor, shares: Tensor) -> Tensor:
    overlap = (probabilities * shares).sum((2, 3, 4))
    total = (probabilities.square() + shares.square()).sum((2, 3, 4))
    lack = 1.0 - (2.0 * overlap + _SMOOTHING_VOXELS) / (total + _SMOOTHING_VOXELS)
    present = (shares.sum((2, 3, 4)) > _PRESENT_VOXELS)[:, 1:].float()
    return ((lack[:, 1:] * present).sum(1) / present.sum(1).clamp(min=1.0)).mean()
