"""What every back end can be asked."""

from __future__ import annotations

from typing import Protocol

import torch

from models.scan import PreparedScan
from node.domain.provenance import ModelIdentity
from node.domain.volume import Float32


class TissueBackend(Protocol):
    """Tells the tissues of a trunk apart on a coarse grid. Sanity and levels are judged from that, whoever says it."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""
        ...

    @property
    def training_data(self) -> str:
        """What it was trained on, a sentence."""
        ...

    @property
    def device(self) -> torch.device:
        """What it runs on."""
        ...

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Of the coarse grid that it answers on, (k, j, i)."""
        ...

    def classify(self, scan: PreparedScan, *, flipped: tuple[int, ...] = ()) -> Float32:
        """Probability of every `Tissue` in every voxel of the scan's coarse grid.

        Parameters
        ----------
        flipped
            Axes of the coarse grid that are turned round before, in search of a mirrored spine.

        Returns
        -------
        Shape (class, k, j, i), 0 to 1, the sum over classes is 1; on the grid as it was turned.
        """
        ...
