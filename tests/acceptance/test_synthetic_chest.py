"""A CT goes in, coded results come back: the whole node on a scan whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import highdicom as hd
import jsonschema
import numpy as np
import pydicom
import pytest

from node.domain.levels import VertebralLevel
from tests import peers
from tests.acceptance.conftest import Run
from tests.interop.tolerated_warnings import not_tolerated
from training.phantom import Phantom

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "result.schema.json"
#: The measured core lies inside of the true one, so what is left is noise and the network's error (plausible choice).
HU_TOLERANCE = 10.0
#: Half of the smallest distance between two bodies of the phantom: a centroid this near can be of no other level.
CENTROID_TOLERANCE_MM = 8.0


def test_l1_and_l2_are_measured_near_their_true_value(phantom_run: Run, phantom: Phantom):
    for level in (VertebralLevel.L1, VertebralLevel.L2):
        found = phantom_run.vertebra(level)

        assert found is not None
        assert found["status"] == "assessed"
        assert found["mean_hu"] == pytest.approx(phantom.spec.trabecular_hu, abs=HU_TOLERANCE)


def test_every_named_body_lies_where_that_level_is(phantom_run: Run, phantom: Phantom):
    named = [each for each in phantom_run.pipeline["vertebrae"] if each.get("centroid_lps_mm") and each["level"]]

    assert {"T12", "L1", "L2"} <= {each["level"] for each in named}
    for each in named:
        truth = phantom.truth.of(VertebralLevel(each["level"])).centroid_lps_mm
        assert np.linalg.norm(np.subtract(each["centroid_lps_mm"], truth)) < CENTROID_TOLERANCE_MM


def test_the_band_follows_from_l1_and_says_no_density(phantom_run: Run):
    screening = phantom_run.pipeline["screening"]

    assert (screening["hu_band"], screening["calibration"]) == ("indeterminate", "uncalibrated")
    assert screening["levels"] == ["L1"]
    assert "bmd" not in screening


def test_the_classifier_that_comes_along_answers_beside_the_band(phantom_run: Run):
    screening = phantom_run.pipeline["screening"]

    said = screening["classifier"]
    assert (said["method"], said["levels"], said["kind"]) == ("classifier-l1-l2", ["L1", "L2"], "probability")
    assert sum(said["probabilities"].values()) == pytest.approx(1.0, abs=0.01)
    assert said["model"].startswith("bmd-screening ")
    assert any("no image of a person" in sentence for sentence in phantom_run.pipeline["limitations"])


def test_the_result_follows_its_schema(phantom_run: Run):
    jsonschema.validate(phantom_run.result, json.loads(SCHEMA.read_text()))


def test_the_result_says_that_it_is_research(phantom_run: Run):
    assert phantom_run.result["intended_use"] == "research"
    assert "Research use only" in phantom_run.printed


def test_every_object_passes_the_validator(phantom_run: Run):
    complaints = {
        each["kind"]: not_tolerated(peers.dciodvfy(phantom_run.folder / each["file"]))
        for each in phantom_run.result["objects"]
    }

    assert complaints == {"SEG": [], "SR": [], "SC": []}


def test_the_report_has_a_group_with_a_segment_for_every_measured_body_and_its_core(phantom_run: Run):
    segmentation = hd.seg.segread(phantom_run.file("SEG"))
    report = hd.sr.srread(phantom_run.file("SR"))
    measured = {each["level"] for each in phantom_run.pipeline["vertebrae"] if "mean_hu" in each}

    labels = {
        str(segmentation.get_segment_description(number).segment_label)
        for group in report.content.get_volumetric_roi_measurement_groups()
        for number in group.referenced_segment.referenced_segment_numbers
    }

    assert labels == measured | {f"{level} trabecular core" for level in measured}


def test_the_report_is_filed_under_the_patient_of_the_scan(phantom_run: Run, phantom: Phantom):
    report = pydicom.dcmread(phantom_run.file("SR"))

    assert report.StudyInstanceUID == phantom_run.result["study_uid"]
    assert "PHANTOM" in str(report.PatientName)


def test_a_picture_is_left_for_every_series_that_was_read(phantom_run: Run):
    picture = phantom_run.folder / "ct-bone.png"

    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_picture_is_in_the_archive_beside_the_report(phantom_run: Run):
    picture = pydicom.dcmread(phantom_run.file("SC"))

    assert picture.StudyInstanceUID == phantom_run.result["study_uid"]
    assert picture.pixel_array.shape == (1080, 1440, 3)


def test_the_phases_are_timed(phantom_run: Run):
    assert {"receive", "wait", "load", "segment", "measure", "encode", "deliver"} <= set(phantom_run.result["timing_s"])
