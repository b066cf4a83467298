"""The synthetic chest CT is what its truth says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from node.domain.errors import ConfigurationError
from node.domain.levels import VertebralLevel
from node.domain.mark import is_mark
from training.phantom import Fracture, FractureKind, Phantom, PhantomSpec, make_chest_ct, write_phantom, write_series
from training.phantom.truth import core_mask

SMALL = {"size": 128, "slice_mm": 3.0, "first": VertebralLevel.T11, "last": VertebralLevel.L2}


@pytest.fixture(scope="module")
def quiet() -> Phantom:
    """A small phantom without noise, with a wedge of T12."""
    wedge = Fracture(level=VertebralLevel.T12, kind=FractureKind.WEDGE, percent=30.0)
    return make_chest_ct(PhantomSpec(**SMALL, noise_hu=0.0, trabecular_hu=95.0, fractures=(wedge,)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def noisy() -> Phantom:
    """A small phantom as a scanner would give it."""
    return make_chest_ct(PhantomSpec(**SMALL))  # type: ignore[arg-type]


def core_of(phantom: Phantom, level: VertebralLevel) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The core of one body on the whole grid."""
    return core_mask(phantom.labels.labels == level.number, phantom.volume.affine.spacing_mm)


@pytest.mark.parametrize("level", ["T11", "T12", "L1", "L2"])
def test_the_core_of_every_whole_body_has_the_chosen_ct_number(quiet: Phantom, level: str) -> None:
    core = core_of(quiet, VertebralLevel(level))

    mean = float(quiet.volume.hu[core].mean())

    assert core.sum() > 30
    assert mean == pytest.approx(95.0, abs=1.0)
    assert quiet.truth.of(VertebralLevel(level)).core_hu == pytest.approx(95.0, abs=1.0)


def test_noise_leaves_the_mean_of_the_core_alone(noisy: Phantom) -> None:
    core = core_of(noisy, VertebralLevel.L1)

    values = noisy.volume.hu[core]

    assert float(values.mean()) == pytest.approx(140.0, abs=6.0)
    assert 5.0 < float(values.std()) < 40.0


def test_the_shell_is_denser_than_the_core_and_soft_tissue_is_less_dense(quiet: Phantom) -> None:
    body = quiet.labels.labels == VertebralLevel.L1.number
    core = core_of(quiet, VertebralLevel.L1)

    shell = float(quiet.volume.hu[body & ~core].mean())

    assert shell > 95.0 + 30.0


def test_lung_fat_muscle_and_air_have_their_ct_numbers(quiet: Phantom) -> None:
    counts, edges = np.histogram(quiet.volume.hu, bins=np.arange(-1030, 300, 20))
    share = {round(float(left)): count / counts.sum() for left, count in zip(edges[:-1], counts, strict=True)}

    def between(low: int, high: int) -> float:
        return sum(part for left, part in share.items() if low <= left < high)

    assert between(-1030, -950) > 0.3  # air around the patient
    assert between(-930, -750) > 0.01  # lung
    assert between(-130, -70) > 0.05  # fat
    assert between(10, 90) > 0.1  # muscle and organs


def test_bodies_are_labelled_from_head_to_foot_with_verse_numbers(noisy: Phantom) -> None:
    levels = [vertebra.level for vertebra in noisy.truth.vertebrae if vertebra.is_whole]
    heights = [vertebra.centroid_lps_mm[2] for vertebra in noisy.truth.vertebrae]

    present = set(np.unique(noisy.labels.labels).tolist())

    assert levels == [VertebralLevel(name) for name in ("T11", "T12", "L1", "L2")]
    assert heights == sorted(heights, reverse=True)
    assert {18, 19, 20, 21} <= present
    assert present - {0} == {vertebra.level.number for vertebra in noisy.truth.vertebrae}


def test_a_centroid_is_the_middle_of_its_label(noisy: Phantom) -> None:
    voxels = np.argwhere(noisy.labels.labels == 20)

    centre = noisy.labels.affine.to_lps(voxels.mean(0))

    assert noisy.truth.of(VertebralLevel.L1).centroid_lps_mm == pytest.approx(tuple(centre), abs=1e-6)


def test_the_body_in_the_image_lies_where_its_label_says(quiet: Phantom) -> None:
    body = quiet.labels.labels == VertebralLevel.L1.number
    in_front = np.roll(body, -5, axis=1) & ~body

    inside, outside = (float(quiet.volume.hu[part].mean()) for part in (body, in_front))

    assert inside > outside + 60.0


def test_the_scan_can_end_inside_a_body() -> None:
    spec = PhantomSpec(**SMALL, cut_at=VertebralLevel.L1)  # type: ignore[arg-type]

    cut = make_chest_ct(spec)

    assert not cut.truth.of(VertebralLevel.L1).is_whole
    assert (cut.labels.labels[0] == VertebralLevel.L1.number).any()
    assert cut.truth.of(VertebralLevel.T12).is_whole
    with pytest.raises(KeyError):
        cut.truth.of(VertebralLevel.L2)


def test_a_wedge_takes_its_percentage_from_the_front_of_the_labelled_body(quiet: Phantom) -> None:
    broken = quiet.truth.of(VertebralLevel.T12)

    loss = 1.0 - broken.heights.anterior / broken.intact.anterior

    assert loss == pytest.approx(0.30, abs=0.01)
    assert broken.heights.posterior == pytest.approx(broken.intact.posterior, abs=0.1)
    assert quiet.truth.of(VertebralLevel.L1).heights == quiet.truth.of(VertebralLevel.L1).intact


def test_the_same_seed_and_settings_give_the_same_bytes(noisy: Phantom, tmp_path: Path) -> None:
    again = make_chest_ct(noisy.spec)

    write_phantom(noisy, tmp_path / "one")
    write_phantom(again, tmp_path / "two")

    names = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(names) == noisy.volume.shape[0] + 2
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_is_another_person_with_other_uids(noisy: Phantom, tmp_path: Path) -> None:
    other = make_chest_ct(replace(noisy.spec, seed=8, size=64, slice_mm=8.0))

    first = dcmread(write_series(noisy, tmp_path / "one")[0], stop_before_pixels=True)
    second = dcmread(write_series(other, tmp_path / "two")[0], stop_before_pixels=True)

    assert other.truth.of(VertebralLevel.L1).heights != noisy.truth.of(VertebralLevel.L1).heights
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert first[keyword].value != second[keyword].value


def test_the_files_hold_the_volume_and_say_that_nobody_was_scanned(noisy: Phantom, tmp_path: Path) -> None:
    paths = write_series(noisy, tmp_path / "study")

    lowest = dcmread(paths[-1])

    stored = lowest.pixel_array * float(lowest.RescaleSlope) + float(lowest.RescaleIntercept)
    np.testing.assert_array_equal(stored, noisy.volume.hu[0])
    np.testing.assert_allclose(
        np.array(lowest.ImagePositionPatient, dtype=float), noisy.volume.affine.to_lps(np.zeros(3)), atol=1e-5
    )
    assert str(lowest.PatientName) == "PHANTOM^SEED 7"
    assert "Synthetic" in lowest.SeriesDescription
    assert lowest.KVP == 120
    assert not is_mark(lowest.Manufacturer)


def test_the_label_file_lies_on_the_grid_of_the_image(noisy: Phantom, tmp_path: Path) -> None:
    write_phantom(noisy, tmp_path)

    image = SimpleITK.ReadImage(str(tmp_path / "labels.nii.gz"))

    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), noisy.labels.labels)
    corner = noisy.labels.affine.to_lps(np.array((5.0, 7.0, 11.0)))
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((11, 7, 5)), corner, atol=1e-3)


def test_the_truth_file_tells_levels_ct_numbers_and_heights(noisy: Phantom, tmp_path: Path) -> None:
    write_phantom(noisy, tmp_path)

    truth = json.loads((tmp_path / "truth.json").read_text())

    slices = [dcmread(path, stop_before_pixels=True) for path in (tmp_path / "study").iterdir()]
    assert {each.StudyInstanceUID for each in slices} == {truth["study_uid"]}
    assert {each.SeriesInstanceUID for each in slices} == {truth["series_uid"]}
    first_lumbar = next(vertebra for vertebra in truth["vertebrae"] if vertebra["level"] == "L1")
    assert first_lumbar["label"] == 20
    assert first_lumbar["whole"] is True
    assert first_lumbar["core_hu"] == pytest.approx(140.0, abs=1.0)
    assert set(first_lumbar["heights_mm"]) == {"anterior", "middle", "posterior"}
    assert truth["settings"]["seed"] == 7


def test_a_second_study_is_not_mixed_into_the_first(noisy: Phantom, tmp_path: Path) -> None:
    write_phantom(noisy, tmp_path)

    with pytest.raises(ConfigurationError, match="has files already"):
        write_phantom(noisy, tmp_path)


def test_mineral_is_brighter_at_a_lower_tube_voltage_but_the_core_is_what_was_chosen(quiet: Phantom) -> None:
    bright = make_chest_ct(replace(quiet.spec, kvp=100.0))

    core = core_of(quiet, VertebralLevel.L1)
    shell = (quiet.labels.labels == VertebralLevel.L1.number) & ~core
    assert float(bright.volume.hu[core].mean()) == pytest.approx(95.0, abs=1.0)
    assert float(bright.volume.hu[shell].mean()) > float(quiet.volume.hu[shell].mean()) + 2.0


def test_the_table_lies_behind_the_patient_and_air_is_in_front(noisy: Phantom) -> None:
    middle = noisy.volume.hu[noisy.volume.shape[0] // 2]

    solid = np.flatnonzero((middle > -300.0).mean(1) > 0.05)

    last_row_of_the_body = solid[np.flatnonzero(np.diff(solid, append=999) > 1)[0]]
    behind = middle[last_row_of_the_body + 3 :, 40:-40]
    assert float(behind.max()) > -700.0  # the table's shell
    assert float(middle[:5].max()) < -850.0


def test_a_study_that_was_left_half_written_is_written_anew(noisy: Phantom, tmp_path: Path) -> None:
    (tmp_path / "study-partial").mkdir()
    (tmp_path / "study-partial" / "CT0001.dcm").write_bytes(b"half a slice")

    write_phantom(noisy, tmp_path)

    assert len(list((tmp_path / "study").iterdir())) == noisy.volume.shape[0]
    assert not (tmp_path / "study-partial").exists()
