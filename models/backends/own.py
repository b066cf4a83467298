"""The network of a bundle of ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.bundle import Bundle
from models.scan import PreparedScan
from models.sliding import probabilities
from node.domain.provenance import ModelIdentity
from node.domain.volume import Float32


@dataclass(frozen=True, slots=True, eq=False)
class OwnNetwork:
    """A `TissueBackend` that sees windows of the coarse grid."""

    bundle: Bundle

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""
        return self.bundle.card.identity

    @property
    def training_data(self) -> str:
        """What it was trained on, from its card."""
        return self.bundle.card.training.data

    @property
    def device(self) -> torch.device:
        """What it runs on."""
        return self.bundle.device

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Of the grid, (k, j, i)."""
        return self.bundle.card.spacing_mm

    def classify(self, scan: PreparedScan, *, flipped: tuple[int, ...] = ()) -> Float32:
        """Probability of every `Tissue`, shape (class, k, j, i)."""
        return probabilities(np.flip(scan.grid.hu, flipped).copy() if flipped else scan.grid.hu, self.bundle)
