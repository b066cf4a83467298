"""Samples of the network that looks for ribs: nothing but ribs tells T12 from L1, and only own ribs count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.own_ribs import WINDOW
from node.domain.levels import VertebralLevel
from training.anatomy.junction import build_junction_template
from training.anatomy.labels import RIBS as RIB_LABELS
from training.anatomy.labels import posterior_label
from training.anatomy.template import Template, build_template
from training.lessons.ribs import RIBS
from training.rendering.pointer import Channel
from training.rendering.rib_sample import draw_rib_sample

_SPACING_MM = 3.0


@pytest.fixture(scope="module")
def template() -> Template:
    return build_junction_template(np.random.default_rng(5), spacing_mm=_SPACING_MM)


def reach_mm(template: Template, level: str) -> float:
    """How far arch and processes of a vertebra reach to the sides."""
    _, _, i = np.nonzero(template.labels == posterior_label(VertebralLevel(level)))
    return float(i.max() - i.min()) * template.spacing_mm


def test_processes_differ_among_people_and_not_between_t12_and_l1() -> None:
    """In usual trunks they do: those of L1 are longer."""
    drawn = [build_junction_template(np.random.default_rng(seed), spacing_mm=_SPACING_MM) for seed in range(8)]
    usual = [build_template(np.random.default_rng(seed), spacing_mm=_SPACING_MM) for seed in range(4)]

    longer, usually = (
        [reach_mm(each, "L1") - reach_mm(each, "T12") for each in templates] for templates in (drawn, usual)
    )

    assert abs(float(np.mean(longer))) < 6.0
    assert min(usually) > 6.0
    assert float(np.ptp([reach_mm(each, "L1") for each in drawn])) > 20.0


def test_ribs_stay_with_thoracic_vertebrae(template: Template) -> None:
    thoracic = sum(truth.level.is_thoracic for truth in template.levels)

    assert len(set(np.unique(template.labels).tolist()) & set(RIB_LABELS)) == 2 * thoracic


def test_the_same_state_gives_the_same_sample(template: Template) -> None:
    first, second = (draw_rib_sample(template, np.random.default_rng(3)) for _ in range(2))

    assert torch.equal(first.hu, second.hu)
    assert torch.equal(first.shares, second.shares)


def test_some_vertebrae_have_ribs_of_their_own_that_begin_beside_the_body_and_others_have_none(
    template: Template,
) -> None:
    with_ribs = 0
    for seed in range(16):
        sample = draw_rib_sample(template, np.random.default_rng(seed))
        assert sample.hu.shape == WINDOW.shape
        rib, pointer = (torch.nonzero(sample.shares[channel] > 127).float() for channel in (1, 0))
        if not len(rib):
            continue
        with_ribs += 1
        if len(pointer):
            # its head, 15 to 40 mm from the middle of the body, wherever the rest of it runs
            nearest = (rib - pointer.mean(0)).norm(dim=1).min() * 1.5
            assert 10.0 < float(nearest) < 45.0

    assert 5 <= with_ribs <= 14


def test_what_is_right_costs_less_than_ribs_everywhere_or_nowhere(template: Template) -> None:
    sample = next(
        drawn
        for seed in range(16)
        if (drawn := draw_rib_sample(template, np.random.default_rng(seed))).shares[Channel.TARGET].any()
    )
    hu, shares = RIBS.augment(sample.hu.float(), sample.shares.float() / 255.0, np.random.default_rng(1))
    rib = shares[Channel.TARGET][None]

    def cost(margin: torch.Tensor) -> float:
        return float(RIBS.loss(lambda image: torch.stack((-margin, margin), 1) / 2.0, hu[None], shares[None]))

    right = cost(torch.where(rib > 0.5, 8.0, -8.0))
    assert right < 0.5 * cost(torch.full_like(rib, -8.0))
    assert right < 0.5 * cost(torch.full_like(rib, 8.0))
