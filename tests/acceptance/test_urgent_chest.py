"""Bone of very low attenuation rises in the reading list: the whole way to a key object in the PACS."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import KeyObjectSelectionDocumentStorage

from tests import peers
from tests.acceptance.conftest import Run, osteonode_run
from tests.interop.tolerated_warnings import not_tolerated
from training.phantom import PhantomSpec, make_chest_ct, write_series

#: Below the 100 HU that `osteonode run` calls urgent, by more than the error of the measurement.
TRABECULAR_HU = 70.0


#: What the site has measured on the scanner of synthetic scans (made up).
CALIBRATION = {
    "name": "made-up phantom",
    "manufacturer": "synthetic*",
    "model": "*",
    "kvp": 120,
    "slope_mg_cm3_per_hu": 0.9,
    "intercept_mg_cm3": -3.0,
    "standard_error_mg_cm3": 4.0,
}


@pytest.fixture(scope="module")
def urgent_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A synthetic chest with little bone, analysed at a site that has calibrated its scanner."""
    folder = tmp_path_factory.mktemp("urgent")
    write_series(make_chest_ct(PhantomSpec(seed=7, size=256, trabecular_hu=TRABECULAR_HU)), folder / "study")
    return osteonode_run(folder / "study", folder / "out", OSTEONODE_CALIBRATION=json.dumps([CALIBRATION]))


def test_the_result_says_what_makes_it_urgent(urgent_run: Run):
    triage = urgent_run.pipeline["triage"]

    assert urgent_run.pipeline["screening"]["hu_band"] == "low"
    assert triage["priority"] == "urgent"
    assert "L1" in triage["because"][0]


def test_a_calibrated_site_gets_densities_and_a_category(urgent_run: Run):
    for level in ("L1", "L2"):
        found = urgent_run.vertebra(level)

        assert found is not None
        assert found["bmd"]["value_mg_cm3"] == pytest.approx(0.9 * found["mean_hu"] - 3.0, abs=0.1)
        assert found["bmd"]["calibration"] == "asynchronous"
        low, high = found["bmd"]["interval_95"]
        # the equation alone makes it 2 * 1.96 * 4 mg/cm3 wide
        assert high - low > 15.6
        assert low < found["bmd"]["value_mg_cm3"] < high
    screening = urgent_run.pipeline["screening"]
    assert (screening["category"], screening["method"]) == ("osteoporosis", "calibrated-bmd")
    assert screening["levels"] == ["L1", "L2"]
    assert screening["bmd"]["value_mg_cm3"] == pytest.approx(
        np.mean([urgent_run.vertebra(level)["bmd"]["value_mg_cm3"] for level in ("L1", "L2")]), abs=0.1
    )
    assert "osteoporosis range" in urgent_run.printed


def test_a_report_with_densities_passes_the_validator(urgent_run: Run):
    assert not_tolerated(peers.dciodvfy(urgent_run.file("SR"))) == []


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
