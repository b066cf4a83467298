"""What a classifier may say of a body, and what it may not."""

from __future__ import annotations

import pytest

from node.domain.fractures import ClassifiedVertebra, FeatureEffect, FractureFindings, MorphologyAnswer
from node.domain.levels import VertebralLevel
from node.domain.morphology import MorphologyClass
from node.domain.provenance import IntendedUse, ModelIdentity
from node.domain.reasons import Reason, ReasonCode

T12, L1 = VertebralLevel.T12, VertebralLevel.L1
MODEL = ModelIdentity(name="m", version="1", weights_sha256="0" * 64, intended_use=IntendedUse.RESEARCH)
CUT = Reason(code=ReasonCode.LEVEL_TRUNCATED)


def effect(strength: float) -> FeatureEffect:
    return FeatureEffect(feature="f", words="something", value=3.0, effect=strength)


def answer(*, morphology: MorphologyClass = MorphologyClass.BURST, effects: tuple[float, ...] = ()) -> MorphologyAnswer:
    return MorphologyAnswer(
        morphology=morphology,
        probabilities=(0.1, 0.2, 0.7),
        calibrated=True,
        effects=tuple(effect(each) for each in effects),
    )


def test_probabilities_are_told_in_the_order_of_the_classes() -> None:
    told = answer()

    assert [told.probability(each) for each in MorphologyClass] == [0.1, 0.2, 0.7]
    assert told.is_fracture
    assert told.word == "probability"


@pytest.mark.parametrize("wrong", [(0.5, 0.5, 0.5), (-0.1, 0.4, 0.7), (0.5, 0.5), (float("nan"), 0.5, 0.5)], ids=str)
def test_numbers_that_are_no_probabilities_are_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        MorphologyAnswer(morphology=MorphologyClass.NONE, probabilities=wrong, calibrated=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [(0.1, -0.3), (0.6, 0.5, 0.4, 0.3, 0.2, 0.1)], ids=["order", "too many"])
def test_effects_come_strongest_first_and_are_few(wrong: tuple[float, ...]) -> None:
    assert answer(effects=(-0.3, 0.1)).effects[0].effect == -0.3
    with pytest.raises(ValueError, match="strongest first"):
        answer(effects=wrong)


def test_a_body_without_a_fracture_is_not_explained() -> None:
    with pytest.raises(ValueError, match="only a fracture"):
        answer(morphology=MorphologyClass.NONE, effects=(0.3,))


@pytest.mark.parametrize(("value", "strength"), [(float("nan"), 0.1), (1.0, 1.2), (1.0, float("nan"))])
def test_an_effect_is_a_finite_share_of_a_probability(value: float, strength: float) -> None:
    with pytest.raises(ValueError, match="finite share"):
        FeatureEffect(feature="f", words="something", value=value, effect=strength)


def test_a_vertebra_has_an_answer_or_a_reason_and_without_a_level_no_class() -> None:
    known, cut = (ClassifiedVertebra(ordinal=1, level=L1, answer=each) for each in (answer(), CUT))

    assert (known.morphology, known.reason) == (answer(), None)
    assert (cut.morphology, cut.reason) == (None, CUT)
    with pytest.raises(ValueError, match="without a level"):
        ClassifiedVertebra(ordinal=1, level=None, answer=answer())


def test_only_fractures_are_listed_as_such() -> None:
    vertebrae = (
        ClassifiedVertebra(ordinal=1, level=T12, answer=answer(morphology=MorphologyClass.NONE)),
        ClassifiedVertebra(ordinal=2, level=L1, answer=answer()),
        ClassifiedVertebra(ordinal=3, level=None, answer=CUT),
    )

    found = FractureFindings(vertebrae=vertebrae, model=MODEL, learned_from="drawn ones")

    assert [each.level for each in found.fractures] == [L1]


def test_a_vertebra_is_there_once() -> None:
    twice = tuple(ClassifiedVertebra(ordinal=1, level=level, answer=CUT) for level in (T12, L1))
    again = tuple(ClassifiedVertebra(ordinal=place, level=L1, answer=CUT) for place in (1, 2))

    for wrong in (twice, again):
        with pytest.raises(ValueError, match="once"):
            FractureFindings(vertebrae=wrong, model=MODEL, learned_from="")
