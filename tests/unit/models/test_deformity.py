"""Height losses of chains of bodies whose heights are given."""

from __future__ import annotations

import pytest

from models.deformity import MeasuredBody, height_loss
from models.heights import BodyHeights
from node.domain.height_loss import Deformity, HeightLoss
from node.domain.levels import USUAL_LEVELS, VertebralLevel

T8, T12, L1, L2 = VertebralLevel.T8, VertebralLevel.T12, VertebralLevel.L1, VertebralLevel.L2

#: What is natural at a level, as `models/deformity` has it: in front and in the middle, over the height behind.
WEDGE = {VertebralLevel.L1: 0.98, VertebralLevel.L2: 1.01, VertebralLevel.L3: 1.03}
HOLLOW = 0.9

Shares = tuple[float, float, float]


def body(level: VertebralLevel, left: Shares = (1.0, 1.0, 1.0), *, uncertainty: float = 0.4) -> MeasuredBody:
    """A body of natural shape, 0.7 mm higher than the one above it, of which such shares of its heights are left."""
    place = USUAL_LEVELS.index(level)
    behind = 13.0 + 0.7 * place
    natural = (WEDGE.get(level, 0.96) * behind, HOLLOW * behind, behind)
    anterior, middle, posterior = (height * share for height, share in zip(natural, left, strict=True))
    heights = BodyHeights(
        anterior=anterior, middle=middle, posterior=posterior, uncertainty=(uncertainty, uncertainty, uncertainty)
    )
    return MeasuredBody(level=level, place=place, heights=heights)


def chain(**broken: Shares) -> list[MeasuredBody]:
    """T5 to L3, of which some have lost height."""
    levels = USUAL_LEVELS[USUAL_LEVELS.index(VertebralLevel.T5) : USUAL_LEVELS.index(VertebralLevel.L3) + 1]
    return [body(level, broken.get(level.value, (1.0, 1.0, 1.0))) for level in levels]


def loss_of(level: VertebralLevel, bodies: list[MeasuredBody]) -> HeightLoss:
    (own,) = (each for each in bodies if each.level is level)
    loss = height_loss(own, bodies)
    assert loss is not None
    return loss


@pytest.mark.parametrize("level", [T8, T12, L1, L2, VertebralLevel.L3, VertebralLevel.T5])
def test_bodies_of_natural_shape_have_lost_nothing(level: VertebralLevel) -> None:
    loss = loss_of(level, chain())

    assert loss.percent == pytest.approx(0.0, abs=0.1)
    assert not loss.is_fracture


@pytest.mark.parametrize(
    ("left", "deformity", "percent"),
    [
        ((0.7, 0.85, 1.0), Deformity.WEDGE, 30.0),
        ((1.0, 0.7, 1.0), Deformity.BICONCAVE, 30.0),
        ((0.7, 0.7, 0.7), Deformity.CRUSH, 30.0),
        ((0.55, 0.75, 1.0), Deformity.WEDGE, 45.0),
    ],
)
@pytest.mark.parametrize("level", [T8, L1])
def test_a_loss_is_told_with_its_kind(
    level: VertebralLevel, left: Shares, deformity: Deformity, percent: float
) -> None:
    loss = loss_of(level, chain(**{level.value: left}))

    assert loss.deformity is deformity
    assert loss.percent == pytest.approx(percent, abs=0.5)


def test_several_fractured_neighbours_do_not_make_a_fracture_the_norm() -> None:
    bodies = chain(T11=(0.7, 0.7, 0.7), T12=(0.65, 0.8, 1.0), L1=(0.7, 0.7, 0.7), L2=(1.0, 0.6, 1.0))

    assert loss_of(L1, bodies).percent == pytest.approx(30.0, abs=2.0)
    assert loss_of(T12, bodies).percent == pytest.approx(35.0, abs=2.0)
    assert loss_of(L2, bodies).percent == pytest.approx(40.0, abs=2.0)
    assert loss_of(VertebralLevel.T10, bodies).percent < 5.0


def test_a_wedge_beside_a_tall_back_is_no_crush() -> None:
    loss = loss_of(L1, chain(L1=(0.75, 0.9, 1.0)))

    assert loss.deformity is Deformity.WEDGE


def test_a_body_among_few_others_is_judged_by_its_shape_alone() -> None:
    alone = body(L1, (0.7, 0.85, 1.0))
    crushed = body(L1, (0.7, 0.7, 0.7))

    wedged, even = height_loss(alone, [alone]), height_loss(crushed, [crushed])

    assert wedged is not None
    assert even is not None
    assert wedged.percent == pytest.approx(30.0)
    # nothing tells that all of it is too low
    assert even.percent == pytest.approx(0.0, abs=0.1)


def test_a_body_without_a_name_has_no_loss() -> None:
    heights = body(L1).heights

    assert height_loss(MeasuredBody(level=None, place=3, heights=heights), chain()) is None


def test_a_loss_is_less_sure_where_the_heights_are() -> None:
    sure, unsure = body(L1), body(L1, uncertainty=1.2)
    others = [each for each in chain() if each.level is not L1]

    first, second = height_loss(sure, [*others, sure]), height_loss(unsure, [*others, unsure])

    assert first is not None
    assert second is not None
    assert second.standard_uncertainty > first.standard_uncertainty + 2.0
