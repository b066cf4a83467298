"""What headers say where the manifest is silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.volume import Volume
from tests.builders.manifests import scan_of
from training.cohort.manifest import Sex
from training.dicom_series import SeriesHeader, save_ct_series
from training.images import NO_FRAME
from training.screening_fit.facts import acquisition_of, contradictions, with_facts


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Three slices at 100 kV."""
    volume = Volume(
        hu=np.zeros((3, 8, 8), dtype=np.float32),
        affine=Affine.from_spacing((2.0, 1.0, 1.0)),
        frame_of_reference=NO_FRAME,
    )
    header = SeriesHeader(
        identity="facts",
        patient_name="PHANTOM^FACTS",
        patient_id="PHANTOM-FACTS",
        study_description="",
        series_description="",
        kvp=100.0,
    )
    save_ct_series(volume, header, tmp_path / "series")
    return tmp_path / "series"


def change(folder: Path, count: int, **values: object) -> None:
    for path in sorted(folder.iterdir())[:count]:
        dataset = pydicom.dcmread(path)
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        dataset.save_as(path)


def test_facts_come_from_the_headers_where_the_manifest_is_silent(series: Path) -> None:
    change(series, 3, PatientSex="F", PatientAge="067Y")

    scan = with_facts(scan_of(image=series))

    assert (scan.kvp, scan.kernel, scan.scanner) == (100.0, "SOFT", "Synthetic Phantom Parametric Trunk")
    assert (scan.sex, scan.age_years, scan.contrast) == (Sex.FEMALE, 67.0, False)


def test_the_manifest_comes_first(series: Path) -> None:
    scan = with_facts(replace(scan_of(image=series), kernel="Br40", contrast=True))

    assert (scan.kernel, scan.contrast) == ("Br40", True)


@pytest.mark.parametrize(
    ("agent", "images", "expected"),
    [("Iopamidol", 1, True), ("", 3, None), ("NONE", 3, False)],
)
def test_one_image_with_an_agent_is_enough(series: Path, agent: str, images: int, expected: bool | None) -> None:
    change(series, images, ContrastBolusAgent=agent)

    assert with_facts(scan_of(image=series)).contrast is expected


def test_a_kernel_of_several_values_is_the_one_that_the_node_reads(series: Path) -> None:
    change(series, 3, ConvolutionKernel=["Bl64f", "3"])

    assert with_facts(scan_of(image=series)).kernel == "Bl64f\\3"


@pytest.mark.parametrize("told", [{"PatientAge": "999Y"}, {"PatientBirthDate": "19000101", "StudyDate": "20260101"}])
def test_an_age_that_nobody_has_is_none(series: Path, told: dict[str, str]) -> None:
    change(series, 3, **told)

    assert with_facts(scan_of(image=series)).age_years is None


def test_how_a_series_was_made_is_known_by_all_that_the_node_reads(series: Path) -> None:
    change(series, 3, ImageType=["DERIVED", "PRIMARY", "MONO 70 KEV"])

    acquisition = acquisition_of(with_facts(scan_of(image=series)))

    assert acquisition.is_spectral
    assert (acquisition.kvp, acquisition.kernel, acquisition.contrast_agent) == (100.0, "SOFT", False)


def test_a_folder_with_two_series_is_refused(series: Path) -> None:
    change(series, 1, SeriesInstanceUID="2.25.7")

    with pytest.raises(InputRejected, match="must hold one series, got 2"):
        with_facts(scan_of(image=series))


def test_age_follows_from_the_dates_where_it_is_not_told(series: Path) -> None:
    change(series, 3, PatientBirthDate="19600102", StudyDate="20260101")

    assert with_facts(scan_of(image=series)).age_years == 65.0


def test_images_that_contradict_each_other_tell_nothing(series: Path) -> None:
    change(series, 1, KVP="120")

    assert with_facts(scan_of(image=series)).kvp is None


def test_a_row_that_contradicts_its_headers_is_named(series: Path) -> None:
    change(series, 3, PatientSex="F")
    scan = replace(scan_of(image=series), kvp=120.0, sex=Sex.MALE)

    told = [str(problem) for problem in contradictions(scan)]

    assert told == ["row 2, column kvp: is 120, the headers say 100", "row 2, column sex: is M, the headers say F"]
