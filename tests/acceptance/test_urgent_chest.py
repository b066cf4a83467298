"""Bone of very low attenuation rises in the reading list: the whole way to a key object in the PACS."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import KeyObjectSelectionDocumentStorage

from tests import peers
from tests.acceptance.conftest import Run, osteonode_run
from tests.interop.tolerated_warnings import not_tolerated
from training.phantom import PhantomSpec, make_chest_ct, write_series

#: Below the 100 HU that `osteonode run` calls urgent, by more than the error of the measurement.
TRABECULAR_HU = 70.0


@pytest.fixture(scope="module")
def urgent_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A synthetic chest with little bone, analysed."""
    folder = tmp_path_factory.mktemp("urgent")
    write_series(make_chest_ct(PhantomSpec(seed=7, size=256, trabecular_hu=TRABECULAR_HU)), folder / "study")
    return osteonode_run(folder / "study", folder / "out")


def test_the_result_says_what_makes_it_urgent(urgent_run: Run):
    triage = urgent_run.pipeline["triage"]

    assert urgent_run.pipeline["screening"] == {"hu_band": "low", "levels": ["L1"]}
    assert triage["priority"] == "urgent"
    assert "L1" in triage["because"][0]


def test_a_valid_key_object_points_to_the_report(urgent_run: Run):
    key_object = pydicom.dcmread(urgent_run.file("KOS"))
    report = pydicom.dcmread(urgent_run.file("SR"))

    assert key_object.SOPClassUID == KeyObjectSelectionDocumentStorage
    assert key_object.StudyInstanceUID == report.StudyInstanceUID
    assert report.SOPInstanceUID in _referenced(key_object)
    assert not_tolerated(peers.dciodvfy(urgent_run.file("KOS"))) == []


def test_the_key_object_says_that_it_is_research(urgent_run: Run):
    assert "RESEARCH" in pydicom.dcmread(urgent_run.file("KOS")).SeriesDescription


def _referenced(key_object: pydicom.Dataset) -> set[str]:
    """SOP Instance UIDs of the content items."""
    return {
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in key_object.ContentSequence
        if "ReferencedSOPSequence" in item
    }


def test_nothing_of_the_patient_is_in_a_file_name(urgent_run: Run):
    patient = pydicom.dcmread(urgent_run.file("SR"))
    names = [file.name for file in Path(urgent_run.folder).rglob("*")]

    assert not [name for name in names if str(patient.PatientID) in name or str(patient.PatientName) in name]
