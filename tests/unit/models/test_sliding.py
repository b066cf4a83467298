"""Probabilities of a whole grid from windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.sliding import WINDOW, probabilities
from models.tissues import Tissue
from tests.builders.spine_network import PAINTED_HU, painted_bundle


class Counting(nn.Module):
    """Votes for the disc everywhere and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def forward(self, image: Tensor) -> Tensor:
        """Logits (n, classes, k, j, i)."""
        self.asked += image.shape[0]
        logits = torch.zeros((image.shape[0], len(Tissue), *image.shape[2:]))
        logits[:, int(Tissue.DISC)] = 20.0
        return logits


@pytest.mark.parametrize("shape", [(100, 70, 90), (20, 30, 40), WINDOW])
def test_every_voxel_of_any_grid_gets_its_class(shape: tuple[int, int, int]) -> None:
    classes = np.random.default_rng(1).integers(0, len(Tissue), shape)
    hu = np.array(PAINTED_HU, dtype=np.float32)[classes]

    result = probabilities(hu, painted_bundle())

    assert result.shape == (len(Tissue), *shape)
    np.testing.assert_array_equal(result.argmax(0), classes)
    np.testing.assert_allclose(result.sum(0), 1.0, atol=1e-5)


def test_windows_of_air_are_background_and_the_network_is_not_asked() -> None:
    network = Counting()
    hu = np.full((96, 64, 192), -1000.0, dtype=np.float32)
    hu[:, :, :32] = 40.0

    result = probabilities(hu, replace(painted_bundle(), network=network))

    assert network.asked == 1
    assert (result[:, :, :, -40:].argmax(0) == Tissue.BACKGROUND).all()
    assert (result[:, :, :, :30].argmax(0) == Tissue.DISC).all()


def test_the_same_grid_gives_the_same_answer() -> None:
    hu = np.random.default_rng(2).normal(100.0, 100.0, (96, 80, 64)).astype(np.float32)

    np.testing.assert_array_equal(probabilities(hu, painted_bundle()), probabilities(hu, painted_bundle()))
