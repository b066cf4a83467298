"""The phase by blood, against what headers say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.contrast import judge_contrast
from models.correction import as_at_120_kv
from node.domain.contrast import ContrastPhase
from tests.builders.acquisitions import FORCE_120
from tests.builders.tissues import tissues

NATIVE, VENOUS, ARTERIAL, UNKNOWN = (
    ContrastPhase.NATIVE,
    ContrastPhase.VENOUS,
    ContrastPhase.ARTERIAL,
    ContrastPhase.UNKNOWN,
)


@pytest.mark.parametrize(
    ("agent", "blood", "phase"),
    [
        (False, 42.0, NATIVE),
        (None, 42.0, NATIVE),
        (True, 42.0, NATIVE),
        (None, 69.0, NATIVE),
        (True, 65.0, VENOUS),
        (False, 150.0, VENOUS),
        (True, 150.0, VENOUS),
        (False, 260.0, ARTERIAL),
        (True, 350.0, ARTERIAL),
        (False, None, NATIVE),
        (None, None, UNKNOWN),
        (True, None, UNKNOWN),
        # no blood is as dark: it was something else
        (False, 5.0, NATIVE),
        (True, 5.0, UNKNOWN),
    ],
)
def test_blood_is_believed_before_the_headers(agent: bool | None, blood: float | None, phase: ContrastPhase) -> None:
    contrast = judge_contrast(replace(FORCE_120, contrast_agent=agent), tissues(blood=blood))

    assert contrast.phase is phase


@pytest.mark.parametrize(("kvp", "phase"), [(100.0, VENOUS), (120.0, ARTERIAL), (None, ARTERIAL)])
def test_as_much_iodine_is_brighter_at_a_lower_voltage(kvp: float | None, phase: ContrastPhase) -> None:
    contrast = judge_contrast(replace(FORCE_120, kvp=kvp), tissues(blood=220.0))

    assert contrast.phase is phase


def test_bone_is_not_corrected_where_nothing_is_known_of_it() -> None:
    contrast = judge_contrast(FORCE_120, tissues(blood=300.0))

    with pytest.raises(ValueError, match="arterial"):
        _ = contrast.correction


# L1 of large numbers of people (148.1, 140.9 and 131.3 HU), and pure mineral at 64, 70 and 75 keV
@pytest.mark.parametrize(("kvp", "people", "mineral"), [(100.0, 1.051, 1.145), (140.0, 0.932, 0.909)])
def test_the_ratio_to_120_kv_reaches_what_people_show_and_what_physics_says(
    kvp: float, people: float, mineral: float
) -> None:
    correction = as_at_120_kv(kvp)

    ratio, sd = 1.0 / correction.scale, correction.scale_sd / correction.scale**2
    assert min(people, mineral) < ratio < max(people, mineral)
    assert ratio - sd <= min(people, mineral) + 0.001
    assert ratio + sd >= max(people, mineral) - 0.001


def test_at_120_kv_nothing_is_corrected() -> None:
    correction = as_at_120_kv(120.0)

    assert (correction.value(140.0), correction.uncertainty(140.0)) == (140.0, 0.0)
