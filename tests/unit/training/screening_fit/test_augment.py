"""What learning sees of a case: never upside down, and references that follow the scanner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.screening.case import BodyImage, References, ScreeningCase
from tests.builders.screening import case_of
from training.screening_fit.augment import Augmentation

DRAWS = 40


def marked() -> BodyImage:
    """A body with a dense upper half (in the coronal and the sagittal plane) and a dense left half in the axial one."""
    image = case_of(100.0).l1
    hu = image.hu.copy()
    hu[1:, :32] = 300
    hu[0, :, 32:] = 300
    return replace(image, hu=hu)


def drawn(case: ScreeningCase, seed: int) -> ScreeningCase:
    return Augmentation()(case, np.random.default_rng(seed))


def test_the_same_generator_gives_the_same_case() -> None:
    first, again, other = (drawn(case_of(100.0), seed) for seed in (1, 1, 2))

    assert np.array_equal(first.l1.hu, again.l1.hu)
    assert first.references == again.references
    assert not np.array_equal(first.l1.hu, other.l1.hu)


def test_head_and_foot_never_change_places_and_left_and_right_do() -> None:
    case = ScreeningCase(l1=marked())
    seen = [drawn(case, seed).l1.hu.astype(float) for seed in range(DRAWS)]

    upper = [hu[1, 18:30, 28:36].mean() - hu[1, 34:46, 28:36].mean() for hu in seen]
    left = [hu[0, 28:36, 34:44].mean() - hu[0, 28:36, 20:30].mean() for hu in seen]
    assert min(upper) > 100.0
    assert min(left) < -100.0
    assert max(left) > 100.0


def test_marrow_and_blood_are_read_with_the_same_error() -> None:
    case = case_of(100.0, references=References(blood_hu=100.0))
    pairs = [
        (float(np.median(each.l1.hu[0, 28:36, 28:36])), each.references.blood_hu)
        for each in (drawn(case, seed) for seed in range(DRAWS))
    ]

    marrow, blood = np.array([pair for pair in pairs if pair[1] is not None]).T
    assert np.ptp(marrow) > 5.0
    # both had 100 HU: what is left between them is the reading error of blood, 2 HU, and noise
    assert np.abs(marrow - blood).mean() < 3.5


def test_references_are_unknown_now_and_then_and_never_invented() -> None:
    case = case_of(100.0, references=References(kvp=120.0, noise_hu=20.0))
    seen = [drawn(case, seed).references for seed in range(200)]

    # one in ten knows nothing, and of the others 15 % do not know this one: 23.5 % in all
    assert sum(each.kvp is None for each in seen) / 200.0 == pytest.approx(0.235, abs=0.09)
    assert {each.kvp for each in seen} == {None, 120.0}
    assert {each.muscle_hu for each in seen} == {None}


def test_a_case_without_l2_stays_without_it() -> None:
    assert drawn(ScreeningCase(l1=marked()), 1).l2 is None
