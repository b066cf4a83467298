"""What the node says of real scans. Nothing here is a claim of accuracy: the tests write down what was seen once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import peers
from tests.acceptance.conftest import Run, osteonode_run
from tests.interop.tolerated_warnings import not_tolerated_of

#: LPS, mm, in the scan's frame of reference.
L1_OF_THE_ABDOMEN = (-4.0, -24.6, -117.3)
L2_OF_THE_ABDOMEN = (-7.9, -35.1, -149.9)
#: A third of a lumbar body's height: nearer than that to the middle is inside.
INSIDE_MM = 9.0


def complaints_of_the_validator(run: Run) -> dict[str, list[str]]:
    """What dciodvfy says of each object, by kind, but for what comes from the source itself."""
    return {
        each["kind"]: not_tolerated_of(peers.dciodvfy(run.folder / each["file"]), inherited=True)
        for each in run.result["objects"]
    }


def test_a_tilted_gantry_is_refused_with_its_reason(shared_data: Path, tmp_path: Path):
    run = osteonode_run(shared_data / "dicom" / "gantry-tilt", tmp_path)

    assert run.result["status"] == "not-evaluable"
    assert [reason["code"] for reason in run.result["reasons"]] == ["gantry-tilt"]
    assert [each["kind"] for each in run.result["objects"]] == ["SR"]
    assert all("mean_hu" not in each for each in run.pipeline["vertebrae"])
    assert complaints_of_the_validator(run) == {"SR": []}


def test_l1_and_l2_of_an_abdomen_are_found_and_measured_near_the_spheres_placed_by_eye(
    shared_data: Path, tmp_path: Path
):
    run = osteonode_run(shared_data / "ct" / "matrad-liver", tmp_path)
    l1, l2 = run.vertebra("L1"), run.vertebra("L2")

    assert l1 is not None
    assert l2 is not None
    # centres of the bodies as read off the sagittal picture in docs/real-scans.md, counted up from the sacrum
    assert np.linalg.norm(np.subtract(l1["centroid_lps_mm"], L1_OF_THE_ABDOMEN)) < INSIDE_MM
    assert np.linalg.norm(np.subtract(l2["centroid_lps_mm"], L2_OF_THE_ABDOMEN)) < INSIDE_MM
    # HU of spheres placed by eye: README of the shared data
    assert l1["mean_hu"] == pytest.approx(147.0, abs=10.0)
    assert l2["mean_hu"] == pytest.approx(140.0, abs=10.0)
    assert [each["genant"] for each in (l1, l2)] == [0, 0]
    assert complaints_of_the_validator(run) == {"SEG": [], "SR": [], "SC": []}


def test_a_chest_that_ends_in_l1_gives_no_number_of_a_level_that_is_not_there(shared_data: Path, tmp_path: Path):
    run = osteonode_run(shared_data / "ct" / "lung1-007", tmp_path)
    l1 = run.vertebra("L1")

    assert l1 is not None
    assert l1["status"] == "not-evaluable"
    # either is right: L1 is cut, and its level can be told by short ribs of T12 alone
    assert l1["reasons"][0]["code"] in {"level-not-completely-covered", "level-uncertain"}
    lumbar = [each for each in run.pipeline["vertebrae"] if str(each["level"]).startswith("L")]
    assert all("mean_hu" not in each for each in lumbar)
    assert "screening" not in run.pipeline
    # the nearest vertebra whose level is certain
    assert run.pipeline["offered_level"] == "T12"
    assert complaints_of_the_validator(run) == {"SEG": [], "SR": [], "SC": []}
