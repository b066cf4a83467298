"""Samples of the network that sees one body: image, pointer and body belong together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.refine import WINDOW
from training.anatomy.template import Template, build_template
from training.lessons.body import BODY
from training.rendering import pointer
from training.rendering.body_sample import draw_body_sample
from training.rendering.pointer import Channel, _holed, draw_pointer

SHAPE = (32, 30, 34)


@pytest.fixture(scope="module")
def template() -> Template:
    return build_template(np.random.default_rng(5), spacing_mm=3.0)


def a_column() -> tuple[torch.Tensor, torch.Tensor]:
    """A box with one above and one below it."""
    body, bodies = torch.zeros(SHAPE, dtype=torch.bool), torch.zeros(SHAPE, dtype=torch.bool)
    body[7:25, 8:22, 8:26] = True
    bodies[:, 8:22, 8:26] = True
    bodies[5:7] = bodies[25:27] = False
    return body, bodies


def dice(first: torch.Tensor, second: torch.Tensor) -> float:
    return 2.0 * float((first & second).sum()) / float(first.sum() + second.sum())


def test_the_same_state_gives_the_same_sample(template: Template) -> None:
    first, second = (draw_body_sample(template, np.random.default_rng(3)) for _ in range(2))

    assert torch.equal(first.hu, second.hu)
    assert torch.equal(first.shares, second.shares)


def test_the_body_lies_in_the_middle_and_the_pointer_points_at_it(template: Template) -> None:
    whole = 0
    for seed in range(12):
        sample = draw_body_sample(template, np.random.default_rng(seed))
        assert sample.hu.shape == WINDOW.shape
        body = sample.shares[Channel.TARGET] > 127
        if int(body.sum()) < 2000:
            continue
        middle = torch.nonzero(body).float().mean(0) - torch.tensor(WINDOW.shape) / 2.0
        pointer = sample.shares[Channel.POINTER] > 127
        if float(middle.abs().max()) < 12.0 and dice(body, pointer) > 0.6:
            whole += 1

    assert whole >= 8


def test_pointers_err_but_not_by_much() -> None:
    body, bodies = a_column()

    scores = [dice(draw_pointer(body, bodies, np.random.default_rng(seed)) > 0.5, body) for seed in range(40)]

    assert 0.75 < float(np.mean(scores)) < 0.97
    assert min(scores) < 0.85


def test_a_hole_is_a_ball_about_one_point_of_the_body() -> None:
    body, _ = a_column()
    seen = body.float()

    for seed in range(20):
        holed = _holed(seen, np.random.default_rng(seed))

        lost, kept = (torch.nonzero(where).float() for where in (holed < seen, body & (holed == seen)))
        # from its middle all that is lost lies nearer than all that is kept
        middles = torch.cdist(lost, lost).amax(1) < torch.cdist(lost, kept).amin(1)
        assert middles.any()
        assert len(kept) > 0.5 * int(body.sum())
        assert float(holed[holed < seen].unique()) <= 0.5


def test_pointers_are_as_coarse_as_the_first_network_or_a_little_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    body, bodies = a_column()
    steps: list[int] = []
    pool = pointer.functional.avg_pool3d

    def watched(values: torch.Tensor, step: int) -> torch.Tensor:
        steps.append(step)
        return pool(values, step)

    monkeypatch.setattr(pointer.functional, "avg_pool3d", watched)
    for seed in range(20):
        draw_pointer(body, bodies, np.random.default_rng(seed))

    # of voxels of 1 mm, for a grid of 2.5 mm
    assert set(steps) == {2, 3}


def test_a_hole_in_nothing_is_nothing() -> None:
    nothing = torch.zeros(SHAPE)

    assert torch.equal(_holed(nothing, np.random.default_rng(1)), nothing)


def test_no_body_has_no_pointer() -> None:
    nothing = torch.zeros(SHAPE, dtype=torch.bool)

    assert float(draw_pointer(nothing, nothing, np.random.default_rng(1)).max()) == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_pointer_and_body_are_mirrored_with_the_image(seed: int) -> None:
    hu = torch.zeros(SHAPE)
    shares = torch.zeros((2, *SHAPE))
    hu[:, :, 3:9] = 900.0
    shares[:, :, :, 3:9] = 1.0

    image, changed = BODY.augment(hu, shares, np.random.default_rng(seed))

    assert torch.equal(changed[Channel.POINTER], changed[Channel.TARGET])
    assert float(((image > 450.0) == (changed[Channel.TARGET] > 0.5)).float().mean()) > 0.95
