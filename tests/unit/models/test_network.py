"""The networks that cards may name, and the scale of their input."""

from __future__ import annotations

import pytest
import torch

from models.network import GRID_MULTIPLE, Architecture, build_network, normalise


@pytest.mark.parametrize("architecture", list(Architecture))
def test_the_output_has_a_channel_a_class_on_the_grid_of_the_input(architecture: Architecture) -> None:
    network = build_network(architecture, len(architecture.outputs)).eval()
    image = torch.zeros(1, architecture.inputs, 2 * GRID_MULTIPLE, 2 * GRID_MULTIPLE, 3 * GRID_MULTIPLE)

    with torch.no_grad():
        logits = network(image)

    assert logits.shape == (1, len(architecture.outputs), *image.shape[2:])


def test_marrow_is_scaled_linearly() -> None:
    hu = torch.tensor([-300.0, 0.0, 150.0, 300.0])

    assert torch.allclose(normalise(hu), hu / 300.0)


def test_metal_is_no_brighter_than_the_end_of_the_window() -> None:
    metal, bone_beyond_window = normalise(torch.tensor([20_000.0, 2_000.0]))

    assert metal == bone_beyond_window


def test_brighter_stays_brighter_across_the_knee() -> None:
    scaled = normalise(torch.linspace(-400.0, 1500.0, 500))

    assert bool((scaled.diff() > 0).all())
