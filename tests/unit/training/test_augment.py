"""Changes of a sample keep image and target together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.tissues import Tissue
from training.lessons import augment
from training.lessons.augment import augmented

SHAPE = (32, 24, 20)


def a_ball(centre: tuple[float, float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright ball of lumbar body in fat."""
    axes = torch.meshgrid(*(torch.arange(size, dtype=torch.float32) for size in SHAPE), indexing="ij")
    squared = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
    inside = (torch.as_tensor(squared) < 36.0).float()
    shares = torch.zeros((len(Tissue), *SHAPE))
    shares[Tissue.LUMBAR_BODY], shares[Tissue.BACKGROUND] = inside, 1.0 - inside
    return 500.0 * inside - 100.0, shares


@pytest.mark.parametrize("seed", range(8))
def test_the_target_stays_on_the_image(seed: int) -> None:
    hu, shares = augmented(*a_ball((17.0, 10.0, 6.0)), np.random.default_rng(seed))

    bright = (hu > 150.0) == (shares[Tissue.LUMBAR_BODY] > 0.5)

    assert float(bright.float().mean()) > 0.97


@pytest.mark.parametrize("seed", range(8))
def test_the_shares_of_a_voxel_stay_the_whole_voxel(seed: int) -> None:
    _, shares = augmented(*a_ball((16.0, 12.0, 10.0)), np.random.default_rng(seed))

    assert torch.allclose(shares.sum(0), torch.ones(SHAPE), atol=1e-5)


def test_about_half_of_the_uses_are_mirrored() -> None:
    sides = []
    for seed in range(40):
        _, shares = augmented(*a_ball((16.0, 12.0, 4.0)), np.random.default_rng(seed))
        left = torch.argwhere(shares[Tissue.LUMBAR_BODY] > 0.5).float().mean(0)[2]
        sides.append(float(left) > 0.5 * SHAPE[2])

    assert 10 < sum(sides) < 30


def test_uses_differ_and_repeat_with_their_seed() -> None:
    first, again, other = (augmented(*a_ball((16.0, 12.0, 10.0)), np.random.default_rng(seed))[0] for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_where_a_part_is_left_alone_the_rest_is_even_and_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, share in (("_MOVED", 0.0), ("_RECOLOURED", 0.0), ("_THICKENED", 0.0), ("_NOISY", 0.0), ("_BLANKED", 1.0)):
        monkeypatch.setattr(augment, name, share)
    shares = torch.zeros((len(Tissue), *SHAPE))
    shares[Tissue.LUMBAR_BODY] = 1.0

    hu, changed = augmented(torch.full(SHAPE, 1000.0), shares, np.random.default_rng(1))

    blank = changed[Tissue.BACKGROUND] == 1.0
    assert 0.2 < float(blank.float().mean()) < 0.99
    assert float(hu[blank].std()) == pytest.approx(0.0, abs=1e-3)
    assert float(hu[blank].mean()) < 200.0
    assert float(hu[~blank].mean()) > 800.0
    assert torch.equal(changed[Tissue.LUMBAR_BODY], 1.0 - changed[Tissue.BACKGROUND])
