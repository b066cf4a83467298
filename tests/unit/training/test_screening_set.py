"""The frozen screening set: written down once, and true to what it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from models.photons import HYDROXYAPATITE
from node.domain.errors import ConfigurationError, InputRejected
from node.domain.levels import VertebralLevel
from tests.builders.screening_spec import SMALL
from training.heldout.screening.manifest import MANIFEST, draw_manifest, manifest_text, read_manifest
from training.heldout.screening.scan import ScreeningScan, draw_scan, draw_setting
from training.heldout.screening.spec import Fault, Phase, Reach, ScreeningSpec, Sharpness

L1, L2 = VertebralLevel.L1, VertebralLevel.L2

THICK = replace(SMALL, slice_mm=5.0)


def drawn(spec: ScreeningSpec) -> ScreeningScan:
    return draw_scan(draw_setting(spec))


def middle_hu(scan: ScreeningScan, level: VertebralLevel) -> float:
    """Mean deep inside the true body."""
    deep = ndimage.distance_transform_edt(scan.truth == level.number, sampling=scan.volume.affine.spacing_mm) > 5.0
    return float(scan.volume.hu[deep].mean())


@pytest.fixture(scope="module")
def plain() -> ScreeningScan:
    return drawn(THICK)


def test_the_list_that_comes_along_is_the_one_that_its_seed_gives() -> None:
    assert MANIFEST.read_text(encoding="utf-8") == manifest_text(draw_manifest())
    assert read_manifest() == tuple(draw_manifest())


def test_densities_of_scans_in_scope_cover_20_to_200_evenly() -> None:
    densities = sorted(spec.bmd_mg_cm3 for spec in read_manifest() if spec.in_scope)
    assert len(densities) == 240
    steps = 20.0 + 0.75 * np.arange(241)
    assert all(low - 0.1 <= value <= high + 0.1 for low, value, high in zip(steps, densities, steps[1:], strict=False))


def test_sixty_scans_are_out_of_scope_by_seven_faults() -> None:
    faults = Counter(spec.fault for spec in read_manifest() if not spec.in_scope)
    assert sum(faults.values()) == 60
    assert set(faults) == set(Fault) - {Fault.NONE}
    assert min(faults.values()) >= 8


def test_every_sharpness_comes_with_every_thickness() -> None:
    counts = Counter((spec.sharpness, spec.slice_mm) for spec in read_manifest() if spec.in_scope)
    assert len(counts) == len(Sharpness) * 4
    assert min(counts.values()) >= 12


def test_a_list_with_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(MANIFEST.read_text(encoding="utf-8").replace("none", "nothing", 1), encoding="utf-8")
    with pytest.raises(InputRejected, match="nothing"):
        read_manifest(path)


def test_the_mean_of_l1_and_l2_is_near_the_density_that_was_asked_for(plain: ScreeningScan) -> None:
    densities = [plain.setting.density(plain.core_hu[level]) for level in (L1, L2)]
    assert sum(densities) / 2.0 == pytest.approx(110.0, abs=8.0)


def test_the_image_shows_the_ct_number_that_the_truth_tells(plain: ScreeningScan) -> None:
    for level in (L1, L2):
        assert middle_hu(plain, level) == pytest.approx(plain.core_hu[level], abs=6.0)


def test_the_calibration_of_the_site_finds_the_density_within_what_it_tells(plain: ScreeningScan) -> None:
    (scanner,) = plain.setting.scanners
    assert scanner.holds_for(plain.setting.acquisition)
    calibration = scanner.calibration
    for hu in plain.core_hu.values():
        error = calibration.density(hu) - plain.setting.density(hu)
        assert abs(error) < 3.0 * calibration.standard_error_mg_cm3


def test_a_lower_tube_voltage_makes_mineral_brighter_as_its_photons_say(plain: ScreeningScan) -> None:
    low = drawn(replace(THICK, kvp=100.0))
    expected = HYDROXYAPATITE.hu_per_mg_cm3(64.0) / HYDROXYAPATITE.hu_per_mg_cm3(70.0)
    assert low.core_hu[L1] / plain.core_hu[L1] == pytest.approx(expected, abs=0.15)
    assert low.core_hu[L1] > plain.core_hu[L1]


def test_contrast_agent_brightens_bone_and_the_header_tells_it(plain: ScreeningScan) -> None:
    venous = drawn(replace(THICK, phase=Phase.VENOUS))
    assert venous.setting.acquisition.contrast_agent is True
    assert plain.setting.acquisition.contrast_agent is False
    assert 3.0 < venous.core_hu[L1] - plain.core_hu[L1] < 45.0


def test_only_the_noise_of_a_rescan_differs(plain: ScreeningScan) -> None:
    again = draw_scan(draw_setting(THICK), noise=1)
    assert np.array_equal(again.truth, plain.truth)
    difference = again.volume.hu - plain.volume.hu
    assert float(np.abs(difference.mean())) < 0.5
    assert float(difference.std()) > 1.0


def test_a_chest_that_ends_above_l1_has_no_body_of_it() -> None:
    scan = drawn(replace(THICK, reach=Reach.ABOVE_L1, fault=Fault.NO_L1))
    assert not (scan.truth[2:] == L1.number).any()
    assert (scan.truth == VertebralLevel.T11.number).any()


def test_screws_are_in_l1_and_l2() -> None:
    scan = drawn(replace(THICK, fault=Fault.METAL))
    for level in (L1, L2):
        assert float(scan.volume.hu[scan.truth == level.number].max()) > 1200.0


def test_a_fault_must_fit_what_is_drawn() -> None:
    with pytest.raises(ConfigurationError, match="arterial"):
        replace(THICK, phase=Phase.ARTERIAL)
    with pytest.raises(ConfigurationError, match="without L1"):
        replace(THICK, reach=Reach.ABOVE_L1)
