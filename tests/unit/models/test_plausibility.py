"""What is no HU is caught, and what may be HU is let through."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.plausibility import NO_AIR, HounsfieldCheck, check_hounsfield
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.reasons import ReasonCode
from node.domain.volume import Volume


def trunk(*, lungs: bool = False) -> NDArray[np.float32]:
    """A body of fat, muscle and some bone in air, with noise, HU."""
    generator = np.random.default_rng(1)
    hu = np.full((40, 64, 64), -1000.0)
    hu[:, 8:56, 8:56] = -100.0
    hu[:, 12:52, 12:52] = 45.0
    hu[:, 36:46, 26:38] = 250.0
    if lungs:
        hu[:, 16:34, 14:50] = -850.0
    return (hu + generator.normal(0.0, 15.0, hu.shape)).astype(np.float32)


def checked(hu: NDArray[np.float32]) -> HounsfieldCheck:
    affine = Affine.from_spacing((3.0, 3.0, 3.0))
    return check_hounsfield(Volume(hu=hu, affine=affine, frame_of_reference=Uid("1.2.3")))


@pytest.mark.parametrize("lungs", [True, False])
def test_a_trunk_in_air_is_in_hu(lungs: bool) -> None:
    assert checked(trunk(lungs=lungs)) == HounsfieldCheck()


@pytest.mark.parametrize("noise_hu", [5.0, 20.0])
def test_much_inflated_lung_beside_little_air_is_not_taken_for_air(noise_hu: float) -> None:
    hu = np.full((40, 64, 64), -1000.0)
    hu[:, 2:62, 1:63] = -100.0
    hu[:, 6:58, 5:59] = 45.0
    hu[:, 14:36, 10:54] = -895.0
    hu[:, 38:48, 26:38] = 250.0
    hu += np.random.default_rng(1).normal(0.0, noise_hu, hu.shape)

    assert checked(hu.astype(np.float32)) == HounsfieldCheck()


@pytest.mark.parametrize("padding", [-2000.0, -3024.0, -1024.0])
def test_padding_outside_the_circle_changes_nothing(padding: float) -> None:
    hu = trunk()
    hu[:, :4] = padding

    assert checked(hu) == HounsfieldCheck()


@pytest.mark.parametrize(
    ("slope", "intercept"),
    [
        (1.0, 1024.0),
        (1.0, 1000.0),
        (1.0, -1024.0),
        (22.5, 22_500.0),
        (0.5, 0.0),
        (1.0, 300.0),
        (1.0, 150.0),
        (1.0, -150.0),
    ],
)
def test_values_with_another_scale_are_refused_with_the_number(slope: float, intercept: float) -> None:
    check = checked((trunk() * slope + intercept).astype(np.float32))

    assert check.reason is not None
    assert check.reason.code is ReasonCode.NOT_HU
    assert any(character.isdigit() for character in check.reason.detail.replace("-1000", ""))


@pytest.mark.parametrize("field_mm", [400.0, 500.0, 600.0, 700.0])
def test_a_chest_that_is_small_in_its_picture_is_refused_with_1024_too_much(field_mm: float) -> None:
    j, i = np.meshgrid(*(np.linspace(-0.5, 0.5, 96) * field_mm,) * 2, indexing="ij")
    away = np.hypot(j / 110.0, i / 160.0)
    lungs = np.hypot(j / 70.0, (np.abs(i) - 75.0) / 50.0) < 1.0
    plane = np.select([lungs, away < 0.85, away < 1.0], [-850.0, 45.0, -100.0], -1000.0)
    hu = plane + np.random.default_rng(1).normal(0.0, 15.0, (20, 96, 96))

    check = checked((hu + 1024.0).astype(np.float32))

    assert checked(hu.astype(np.float32)) == HounsfieldCheck()
    assert check.reason is not None
    assert check.reason.code is ReasonCode.NOT_HU


@pytest.mark.parametrize(("low", "high"), [(-200.0, 500.0), (-160.0, 240.0), (0.0, 3000.0)])
def test_values_that_a_window_for_display_cut_off_are_refused_with_the_value(low: float, high: float) -> None:
    check = checked(np.clip(trunk(), low, high))

    assert check.reason is not None
    assert f"the lowest one, {low:.0f}:" in check.reason.detail


@pytest.mark.parametrize("value", [0.0, -1000.0, 40.0, 3071.0])
def test_one_value_everywhere_is_no_picture(value: float) -> None:
    check = checked(np.full((20, 20, 20), value, dtype=np.float32))

    assert check.reason is not None
    assert check.reason.code is ReasonCode.NOT_HU


def test_a_scan_of_air_says_that_it_shows_too_little_tissue() -> None:
    air = np.random.default_rng(1).normal(-1000.0, 15.0, (20, 20, 20)).astype(np.float32)

    check = checked(air)

    assert check.reason is not None
    assert "too few for soft tissue" in check.reason.detail


@pytest.mark.parametrize("offset", [-200.0, -150.0, 125.0, 150.0, 175.0, 200.0, 225.0])
def test_an_offset_of_fat_and_muscle_is_said(offset: float) -> None:
    check = checked(trunk()[:, 10:54, 10:54] + np.float32(offset))

    assert check.reason is not None
    assert f"{offset:+.0f} HU off" in check.reason.detail or "most frequent value" in check.reason.detail


def test_contrast_agent_in_many_organs_is_no_offset() -> None:
    hu = trunk()
    hu[:, 16:34, 14:50] += 110.0

    assert checked(hu) == HounsfieldCheck()


def test_a_crop_of_dense_bone_without_air_is_let_through() -> None:
    hu = trunk()[:, 14:50, 14:50].copy()
    bone = np.random.default_rng(2).exponential(220.0, hu.shape) + 150.0
    hu[:, 10:26, 8:28] = bone[:, 10:26, 8:28]
    assert np.mean((hu > 750.0) & (hu < 1250.0)) > 0.01

    assert checked(hu) == HounsfieldCheck(limitation=NO_AIR)


def test_a_crop_without_air_is_let_through_and_says_so() -> None:
    assert checked(trunk()[:, 14:50, 14:50].copy()) == HounsfieldCheck(limitation=NO_AIR)


def test_a_crop_of_a_chest_with_only_lung_is_let_through_and_says_so() -> None:
    assert checked(trunk(lungs=True)[:, 14:50, 16:48].copy()) == HounsfieldCheck(limitation=NO_AIR)


def test_a_crop_without_air_on_another_scale_is_refused() -> None:
    check = checked(trunk()[:, 14:50, 14:50] + np.float32(1024.0))

    assert check.reason is not None


def test_nothing_but_padding_is_refused() -> None:
    assert checked(np.full((20, 20, 20), -3024.0, dtype=np.float32)).reason is not None


@pytest.mark.parametrize("offset", [75.0, 100.0])
def test_air_that_is_too_bright_is_refused_where_soft_tissue_could_be_right(offset: float) -> None:
    """Without fat, dark muscle that is raised by 75 HU lies where muscle with contrast agent does."""
    hu = trunk()
    hu[hu > -500.0] = np.random.default_rng(2).normal(5.0, 15.0, np.count_nonzero(hu > -500.0))

    check = checked(hu + np.float32(offset))

    assert checked(hu) == HounsfieldCheck()
    assert check.reason is not None
    assert check.reason.code is ReasonCode.NOT_HU
