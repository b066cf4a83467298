"""Which model answers, and when none does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.screening.answer import classify, classify_case, references_of
from models.screening.bundle import ScreeningBundle, load_bundle
from models.screening.card import Temperature
from models.screening.case import References, ScreeningCase
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise, TissueReading, TissueReferences
from tests.builders.screening import case_of, image_of, spine_of, write_untrained

L1, L2, L3 = VertebralLevel.L1, VertebralLevel.L2, VertebralLevel.L3
CUT = Reason(code=ReasonCode.LEVEL_TRUNCATED)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ScreeningBundle:
    folder = tmp_path_factory.mktemp("bundle")
    write_untrained(folder, Temperature(method=ClassifierMethod.L1, value=1.5, cases=50, data="synthetic"))
    return load_bundle(folder, torch.device("cpu"))


def answer(bundle: ScreeningBundle, *levels: VertebralLevel, **unsound: Reason) -> ClassifierAnswer | Reason:
    against = {VertebralLevel(level): reason for level, reason in unsound.items()}
    return classify(bundle, spine_of(*levels), against, kvp=None)


def test_both_vertebrae_are_fused_where_both_are_sound(bundle: ScreeningBundle) -> None:
    found = answer(bundle, L1, L2)

    assert isinstance(found, ClassifierAnswer)
    assert found.method is ClassifierMethod.L1_L2
    assert found.levels == (L1, L2)
    assert found.model == bundle.card.identity


@pytest.mark.parametrize("unsound", [{}, {"L2": CUT}])
def test_l1_alone_is_asked_where_l2_is_missing_or_not_sound(
    bundle: ScreeningBundle, unsound: dict[str, Reason]
) -> None:
    found = answer(bundle, *((L1, L2) if unsound else (L1,)), **unsound)

    assert isinstance(found, ClassifierAnswer)
    assert found.method is ClassifierMethod.L1


def test_nothing_is_said_without_l1(bundle: ScreeningBundle) -> None:
    found = answer(bundle, L2, L3)

    assert isinstance(found, Reason)
    assert found.code is ReasonCode.LEVEL_NOT_COVERED


def test_nothing_is_said_of_an_unsound_l1_and_the_reason_is_told(bundle: ScreeningBundle) -> None:
    assert answer(bundle, L1, L2, L1=CUT) == CUT


def test_a_body_that_may_not_be_measured_is_not_shown(bundle: ScreeningBundle) -> None:
    spine = spine_of(L1, L2)
    l1, l2 = spine.crops
    cut = replace(l1, vertebra=replace(l1.vertebra, reasons=(CUT,)))

    assert classify(bundle, replace(spine, crops=(cut, l2)), kvp=None) == CUT


def test_an_answer_without_a_temperature_is_a_score(bundle: ScreeningBundle) -> None:
    fused = classify_case(bundle, case_of(150.0))
    alone = classify_case(bundle, ScreeningCase(l1=image_of(150.0)))

    assert isinstance(fused, ClassifierAnswer)
    assert isinstance(alone, ClassifierAnswer)
    assert (fused.calibrated, fused.word) == (False, "score")
    assert (alone.calibrated, alone.word) == (True, "probability")


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_outputs_of_the_network_that_are_no_numbers_are_no_answer_and_no_failure(
    bundle: ScreeningBundle, wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = {method: torch.tensor([[0.3, wrong, 0.1]]) for method in ClassifierMethod}
    monkeypatch.setattr(ScreeningBundle, "logits", lambda bundle, cases: logits)

    found = answer(bundle, L1, L2)

    assert isinstance(found, Reason)
    assert found.code is ReasonCode.CLASSIFIER_FAILED
    assert str(wrong) in found.detail


def test_large_outputs_are_probabilities_all_the_same(bundle: ScreeningBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = {method: torch.tensor([[3e38, -3e38, 0.1]]) for method in ClassifierMethod}
    monkeypatch.setattr(ScreeningBundle, "logits", lambda bundle, cases: logits)

    found = answer(bundle, L1)

    assert isinstance(found, ClassifierAnswer)
    assert found.category is BoneCategory.NORMAL


def test_model_2_does_not_look_at_l2(bundle: ScreeningBundle) -> None:
    cases = [ScreeningCase(l1=image_of(150.0), l2=image_of(hu)) for hu in (20.0, 250.0)]

    first, second = bundle.logits(cases)[ClassifierMethod.L1]

    assert torch.allclose(first, second, atol=1e-5)


def test_model_1_looks_at_l2_and_both_at_the_references(bundle: ScreeningBundle) -> None:
    plain = case_of(150.0)
    other_l2 = replace(plain, l2=image_of(20.0))
    other_scan = replace(plain, references=References(kvp=100.0))

    logits = bundle.logits([plain, other_l2, other_scan])

    assert not torch.allclose(*logits[ClassifierMethod.L1_L2][:2], atol=1e-4)
    for method in ClassifierMethod:
        assert not torch.allclose(logits[method][0], logits[method][2], atol=1e-4)


def test_what_tissues_read_is_told_and_what_was_not_found_is_unknown() -> None:
    missing = Reason(code=ReasonCode.TISSUE_NOT_FOUND)
    muscle = TissueReading(mean_hu=52.0, sd_hu=4.0, volume_mm3=9000.0)
    tissues = TissueReferences(
        air=missing, fat=missing, muscle=muscle, blood=missing, noise=ImageNoise(sd_hu=18.0, frequency_per_mm=0.3)
    )

    told = references_of(tissues, kvp=120.0, slice_mm=2.0)

    assert told == References(kvp=120.0, slice_mm=2.0, noise_hu=18.0, muscle_hu=52.0)
    assert references_of(None, kvp=None, slice_mm=2.0) == References(slice_mm=2.0)


def test_an_answer_names_the_most_probable_category(bundle: ScreeningBundle) -> None:
    told = ClassifierAnswer(
        probabilities=(0.2, 0.5, 0.3), method=ClassifierMethod.L1, model=bundle.card.identity, calibrated=True
    )

    assert told.category is BoneCategory.OSTEOPENIA
    assert told.probability(BoneCategory.OSTEOPOROSIS) == 0.3


@pytest.mark.parametrize("numbers", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_numbers_that_are_no_probabilities_are_refused(
    bundle: ScreeningBundle, numbers: tuple[float, float, float]
) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        ClassifierAnswer(probabilities=numbers, method=ClassifierMethod.L1, model=bundle.card.identity, calibrated=True)
