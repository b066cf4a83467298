"""The classifier's answer in the report: coded, with its numbers, and never a category where it contradicts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.sr.coding import Code

from node.domain.classifier import ClassifierAnswer
from node.domain.outgoing import ObjectKind
from tests.builders.answers import NORMAL, OSTEOPOROSIS, answer, with_answer
from tests.builders.ct import CtSpec
from tests.builders.encoded import encode, read
from tests.builders.reports import OWN, evaluations, group_of, texts
from tests.builders.results import assessed_result, calibrated_findings

CATEGORY = Code("BMD002", OWN, "Opportunistic BMD category")
BY_CLASSIFIER = Code("BMD030", OWN, "Bone density category by classifier")
SEEN = Code("BMD031", OWN, "Vertebrae that the classifier saw")


def screening_of(said: ClassifierAnswer, folder: Path):
    spec = CtSpec()
    findings = with_answer(calibrated_findings(), said)
    return group_of(
        read(encode(assessed_result(spec, findings=findings), spec, folder)[ObjectKind.SR]), "bone screening"
    )


def test_an_answer_is_coded_beside_the_category_of_the_density(tmp_path: Path) -> None:
    group = screening_of(answer(OSTEOPOROSIS), tmp_path)

    assert evaluations(group, CATEGORY) == ["BMD012"]
    assert evaluations(group, BY_CLASSIFIER) == ["BMD012"]
    assert evaluations(group, SEEN) == ["BMD032"]


@pytest.mark.parametrize(
    ("calibrated", "codes"), [(True, ["BMD040", "BMD041", "BMD042"]), (False, ["BMD050", "BMD051", "BMD052"])]
)
def test_every_category_has_its_number_and_what_is_not_calibrated_is_a_score(
    tmp_path: Path, calibrated: bool, codes: list[str]
) -> None:
    group = screening_of(answer(OSTEOPOROSIS, calibrated=calibrated), tmp_path)

    told = {each.name.value: each.value for each in group.get_measurements()}
    assert [told[code] for code in codes] == [0.02, 0.08, 0.9]


def test_answers_that_contradict_each_other_are_coded_as_indeterminate(tmp_path: Path) -> None:
    group = screening_of(answer(NORMAL), tmp_path)

    assert evaluations(group, CATEGORY) == ["BMD013"]
    assert evaluations(group, BY_CLASSIFIER) == ["BMD010"]
    said = " ".join(texts(group[0]))
    assert "Indeterminate: no category of bone density can be told." in said
    assert "The measurement says osteoporosis (73 mg/cm3, 63 to 83), the classifier normal (probability 0.80)." in said


def test_a_classifier_without_half_of_the_probability_in_one_category_is_coded_as_indeterminate(tmp_path: Path) -> None:
    group = screening_of(answer((0.1, 0.46, 0.44)), tmp_path)

    assert evaluations(group, CATEGORY) == ["BMD012"]
    assert evaluations(group, BY_CLASSIFIER) == ["BMD013"]


def test_the_sentence_names_the_likeliest_category_first(tmp_path: Path) -> None:
    said = " ".join(texts(screening_of(answer(OSTEOPOROSIS), tmp_path)[0]))

    assert (
        "Classifier, by the image of L1 and L2: osteoporosis 0.90, osteopenia 0.08, normal 0.02 (probability)." in said
    )
