"""A node with a network that finds a spine: killed whole, given late images, refused in the middle of its results."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset

from node.domain.state import WorkState
from node.domain.work import Stage
from tests import peers
from tests.faults.flow import SentStudy, newest_revision, send, stored_images, wait_for, wait_until_settled, work_of
from tests.node_process import NodeProcess, node_running, orthanc_destination, scripted_destination
from tests.scripted_scp import scripted_scp
from training.phantom import Phantom, write_series

#: Whole nodes are started twice and analyse a chest CT each time.
LIMIT_S = 900
#: Long enough for a node to be started again before the quiet period ends, on a slow machine.
PATIENT = {
    "OSTEONODE_COMPLETENESS__STUDY_QUIET_S": "45",
    "OSTEONODE_COMPLETENESS__SERIES_QUIET_S": "60",
    "OSTEONODE_COMPLETENESS__LONGEST_WAIT_S": "600",
}
#: A lost worker is noticed after this time.
LEASE = {"OSTEONODE_WORKERS__LEASE_S": "15"}


@pytest.fixture(scope="module")
def parts(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> tuple[SentStudy, SentStudy, SentStudy]:
    """The synthetic chest CT in three parts: half of it, what lacks, and ten slices at its upper end that come late."""
    folder = tmp_path_factory.mktemp("parts")
    write_series(phantom, folder / "whole")
    files = sorted((folder / "whole").glob("*.dcm"), key=lambda file: float(_header(file).ImagePositionPatient[2]))
    late, half = files[-10:], len(files) // 2
    return (
        _part(folder / "first", files[:half]),
        _part(folder / "second", files[half:-10]),
        _part(folder / "late", late),
    )


def _part(folder: Path, files: Sequence[Path]) -> SentStudy:
    folder.mkdir()
    for file in files:
        (folder / file.name).hardlink_to(file)
    headers = [_header(file) for file in files]
    return SentStudy(
        folder=folder,
        study_uid=str(headers[0].StudyInstanceUID),
        images=frozenset(str(header.SOPInstanceUID) for header in headers),
    )


def _header(file: Path) -> Dataset:
    return pydicom.dcmread(file, stop_before_pixels=True)


def results(pacs: peers.Orthanc, study: SentStudy, modality: str) -> dict[str, Dataset]:
    """The objects of a modality that the PACS has of a study, by SOP Instance UID."""
    found = [uid for kind, uid in pacs.results_of(study.study_uid) if kind == modality]
    return {uid: pydicom.dcmread(io.BytesIO(pacs.file(uid))) for uid in found}


def segmentations_named_by(report: Dataset) -> set[str]:
    """SOP Instance UIDs of the segmentations in a report's evidence."""
    return {
        str(reference.ReferencedSOPInstanceUID)
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
        if reference.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.66.4"
    }


def assert_one_report_on_one_segmentation(pacs: peers.Orthanc, study: SentStudy) -> None:
    """The PACS has one segmentation and one report, and the report speaks of that segmentation."""
    (segmentation,), (report,) = results(pacs, study, "SEG"), results(pacs, study, "SR").values()

    assert segmentations_named_by(report) == {segmentation}


@pytest.mark.timeout(LIMIT_S)
def test_a_node_whose_processes_are_all_killed_goes_on_with_half_a_study(
    parts: tuple[SentStudy, SentStudy, SentStudy], orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    first, second, _ = parts
    destinations, settings = [orthanc_destination(orthanc)], {**PATIENT, **LEASE}
    with node_running(tmp_path, destinations=destinations, settings=settings) as node:
        send(node, first)
        node.kill("")
        assert node.process.wait(20) != 0
    (node.home / "up.ready").unlink()

    with node_running(tmp_path, destinations=destinations, settings=settings) as node:
        send(node, second)
        work_id = wait_for(node, second, Stage.ENCODE, WorkState.RUNNING)
        node.kill("node.tasks")
        wait_until_settled(node, second)

        assert [row.losses for row in work_of(node, second) if row.work_id == work_id] == [1]
        assert newest_revision(node, second)[0] == 1  # type: ignore[index]
        assert stored_images(node, second) == first.images | second.images
        assert_one_report_on_one_segmentation(orthanc, second)


@pytest.mark.timeout(LIMIT_S)
def test_late_images_make_a_report_that_supersedes_the_first_and_what_is_refused_in_between_goes_again(
    parts: tuple[SentStudy, SentStudy, SentStudy], orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    first, second, late = parts
    with scripted_scp(0x0000, 0xA700) as refusing:
        destinations = [orthanc_destination(orthanc), scripted_destination(refusing, "refusing")]
        with node_running(tmp_path, destinations=destinations) as node:
            for part in (first, second):
                send(node, part)
            wait_until_settled(node, second)
            assert_one_report_on_one_segmentation(orthanc, second)
            (old,) = results(orthanc, second, "SR")
            (segmentation,) = results(orthanc, second, "SEG")
            # the report that was refused behind its segmentation came again, alone
            assert [uid for uid in refusing.stored if uid in (segmentation, old)] == [segmentation, old, old]

            send(node, late)
            _wait_for_revision(node, late, 2)
            wait_until_settled(node, late)

    reports = results(orthanc, late, "SR")
    (new,) = set(reports) - {old}
    replaced = {
        str(reference.ReferencedSOPInstanceUID)
        for study in reports[new].PredecessorDocumentsSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert len(reports) == 2
    assert replaced == {old}
    assert "PredecessorDocumentsSequence" not in reports[old]
    (renewed,) = set(results(orthanc, late, "SEG")) - {segmentation}
    assert segmentations_named_by(reports[new]) == {renewed}
    assert segmentations_named_by(reports[old]) == {segmentation}


def _wait_for_revision(node: NodeProcess, study: SentStudy, number: int) -> None:
    peers.wait_until(lambda: (newest_revision(node, study) or (0,))[0] == number, "a new revision", timeout_s=60)
