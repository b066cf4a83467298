"""Calibrations: the equation, what it adds to the uncertainty, and which series it holds for."""

from dataclasses import replace

import pytest

from node.domain.acquisition import Acquisition
from node.domain.bone_category import BoneCategory
from node.domain.calibration import CalibratedScanner, Calibration, calibration_for
from node.domain.errors import ConfigurationError
from node.domain.study import Series
from tests.builders.acquisitions import CALIBRATION, FORCE_120, SCANNER
from tests.builders.index import ct_instances


def test_a_density_is_slope_times_ct_number_plus_intercept():
    assert CALIBRATION.density(130.0) == pytest.approx(0.8 * 130.0 - 4.0)


def test_the_equation_adds_its_own_error_to_that_of_the_ct_number():
    # 0.8 * 5 = 4 and 3: the hypotenuse is 5
    assert CALIBRATION.uncertainty(5.0) == pytest.approx(5.0)
    assert CALIBRATION.uncertainty(0.0) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("slope_mg_cm3_per_hu", 0.0008, "slope_mg_cm3_per_hu must be 0.35 to 2.0, got 0.0008"),
        ("slope_mg_cm3_per_hu", -0.8, "slope"),
        ("slope_mg_cm3_per_hu", float("nan"), "slope"),
        ("intercept_mg_cm3", float("inf"), "intercept_mg_cm3 must be -50 to 50, got inf"),
        ("intercept_mg_cm3", float("nan"), "intercept"),
        ("standard_error_mg_cm3", 0.004, "standard_error_mg_cm3 must be 0.5 to 30"),
        ("standard_error_mg_cm3", float("nan"), "standard_error"),
    ],
)
def test_an_equation_that_no_phantom_gives_is_refused(field, value, message):
    with pytest.raises(ConfigurationError, match=message):
        replace(CALIBRATION, **{field: value})


@pytest.mark.parametrize("kvp", [80.0, 99.0, 150.0])
def test_no_density_is_given_at_a_tube_voltage_far_from_120(kvp):
    with pytest.raises(ConfigurationError, match="kvp must be 100 to 140"):
        replace(SCANNER, kvp=kvp)


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"manufacturer": "Siemens Healthineers"}, True),
        ({"model": " FORCE "}, True),
        ({"kvp": 120.4}, True),
        ({"kvp": 100.0}, False),
        ({"kvp": None}, False),
        ({"manufacturer": "GE"}, False),
        ({"model": "Force 2"}, False),
        ({"model": None}, False),
        ({"kernel": None}, True),
        ({"image_type": frozenset({"DERIVED", "MONO", "E40"})}, False),
        ({"image_type": frozenset({"ORIGINAL", "PRIMARY", "AXIAL"})}, True),
    ],
)
def test_a_calibration_holds_for_its_scanner_and_tube_voltage_alone(changes, holds):
    assert SCANNER.holds_for(replace(FORCE_120, **changes)) is holds


@pytest.mark.parametrize(("kernel", "holds"), [("Br40d\\3", True), ("BR44f", True), ("Br59", False), (None, False)])
def test_a_calibration_may_hold_for_some_kernels_alone(kernel, holds):
    scanner = replace(SCANNER, kernel="br4*")

    assert scanner.holds_for(replace(FORCE_120, kernel=kernel)) is holds


def test_only_a_star_is_special_in_a_pattern():
    scanner = replace(SCANNER, model="Aquilion [TSX-301C]*")

    assert scanner.holds_for(replace(FORCE_120, model="Aquilion [TSX-301C]/4B"))
    assert not scanner.holds_for(replace(FORCE_120, model="Aquilion T"))


def test_the_first_entry_that_holds_is_taken():
    soft = replace(SCANNER, kernel="Br4*", calibration=replace(CALIBRATION, name="soft"))

    def named(acquisition: Acquisition, *scanners: CalibratedScanner) -> Calibration | None:
        return calibration_for(acquisition, scanners)

    assert named(FORCE_120, soft, SCANNER) == soft.calibration
    assert named(replace(FORCE_120, kernel="Br59"), soft, SCANNER) == CALIBRATION
    assert named(replace(FORCE_120, kvp=100.0), soft, SCANNER) is None


@pytest.mark.parametrize(
    ("density", "category"),
    [
        (79.94, BoneCategory.OSTEOPOROSIS),
        (79.96, BoneCategory.OSTEOPENIA),  # told as 80.0
        (80.0, BoneCategory.OSTEOPENIA),
        (120.0, BoneCategory.OSTEOPENIA),
        (120.04, BoneCategory.OSTEOPENIA),
        (120.06, BoneCategory.NORMAL),
    ],
)
def test_categories_change_at_80_and_120(density, category):
    assert BoneCategory.of(density) is category


SHARED_TYPE = frozenset({"ORIGINAL", "PRIMARY"})


def series_of(*facts: dict[str, object]) -> Series:
    instances = ct_instances(range(len(facts)))
    changed = [
        replace(instance, facts=replace(instance.facts, **each))
        for instance, each in zip(instances, facts, strict=True)
    ]
    return Series(series_uid=instances[0].series_uid, instances=tuple(changed))


def test_an_acquisition_is_what_all_images_say_alike():
    same: dict[str, object] = {
        "image_type": tuple(SHARED_TYPE),
        "kvp": 120.0,
        "kernel": "B30f",
        "manufacturer": "GE",
        "model": "X",
        "contrast_agent": False,
    }

    acquisition = Acquisition.of(series_of(same, same | {"kernel": "B70f"}))

    assert acquisition == Acquisition(
        manufacturer="GE", model="X", kvp=120.0, kernel=None, contrast_agent=False, image_type=SHARED_TYPE
    )


@pytest.mark.parametrize(
    ("told", "known"),
    [((True, False), True), ((True, None), True), ((False, None), None), ((False, False), False), ((None, None), None)],
)
def test_one_image_with_contrast_agent_is_enough(told, known):
    acquisition = Acquisition.of(series_of(*({"contrast_agent": each} for each in told)))

    assert acquisition.contrast_agent is known
