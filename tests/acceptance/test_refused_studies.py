"""Studies that cannot be read, from the modality to the answer of `osteonode why` and the report in the PACS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from tests import peers
from tests.builders.ct import SAGITTAL, CtSpec, ct_series, made_up_uid, write_series
from tests.builders.enhanced_ct import enhanced_ct
from tests.faults.conftest import quick_worker, untrained_network  # noqa: F401 - a fixture
from tests.faults.flow import SentStudy, send, wait_until_settled
from tests.node_process import NodeProcess, node_running, orthanc_destination

SPEC = CtSpec(slices=30, rows=64, columns=64, spacing_mm=(2.5, 2.0, 2.0))


@pytest.fixture(scope="module")
def node(
    tmp_path_factory: pytest.TempPathFactory,
    orthanc_process: peers.Orthanc,
    untrained_network: Path,  # noqa: F811
) -> Iterator[NodeProcess]:
    """One node that is sent all of these."""
    peers.require_redis()
    peers.require_dcmtk()
    destinations = [orthanc_destination(orthanc_process)]
    settings = quick_worker(untrained_network)
    with node_running(tmp_path_factory.mktemp("node"), destinations=destinations, settings=settings) as running:
        yield running


def analysed(node: NodeProcess, images: Sequence[Dataset], folder: Path) -> SentStudy:
    """The images as a study that was sent, and for which nothing more is to be done."""
    write_series(images, folder)
    study = SentStudy(
        folder=folder,
        study_uid=str(images[0].StudyInstanceUID),
        images=frozenset(str(image.SOPInstanceUID) for image in images),
    )
    send(node, study)
    wait_until_settled(node, study)
    return study


def reports(pacs: peers.Orthanc, study: SentStudy) -> list[bytes]:
    """The files of all reports of a study in the PACS."""
    return [pacs.file(uid) for modality, uid in pacs.results_of(study.study_uid) if modality == "SR"]


def test_two_patients_under_one_study_uid_are_refused_and_get_no_report(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    one = replace(SPEC, name="one", study="two-patients", patient_id="ONE", patient_name="First^Patient")
    two = replace(SPEC, name="two", study="two-patients", patient_id="TWO", patient_name="Second^Patient")

    study = analysed(node, [*ct_series(one), *ct_series(two)], tmp_path / "images")

    assert "mixed-patients" in node.command("why", study.study_uid).stdout
    assert orthanc.results_of(study.study_uid) == ()


def test_mixed_frames_of_reference_are_refused_and_the_report_says_so(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    images = ct_series(replace(SPEC, name="mixed", study="mixed-frames"))
    for image in images[len(images) // 2 :]:
        image.FrameOfReferenceUID = made_up_uid("another frame of reference")

    study = analysed(node, images, tmp_path / "images")

    assert "mixed-frames-of-reference" in node.command("why", study.study_uid).stdout
    (report,) = reports(orthanc, study)
    assert b"The slices do not share one frame of reference" in report


def localizer(spec: CtSpec) -> list[Dataset]:
    """A series that says of itself that it is one."""
    images = ct_series(spec)
    for image in images:
        image.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    return images


def as_it_was_stored(spec: CtSpec) -> list[Dataset]:
    """A series whose CT numbers all have 1024 too much."""
    images = ct_series(spec)
    for image in images:
        image.RescaleIntercept = f"{float(image.RescaleIntercept) + 1024.0:g}"
    return images


@pytest.mark.parametrize(
    ("images", "code", "sentence"),
    [
        (ct_series(replace(SPEC, study="sagittal", orientation=SAGITTAL)), "not-axial", b"not axial"),
        (ct_series(replace(SPEC, study="short", slices=5)), "too-few-slices", b"too few slices"),
        (localizer(replace(SPEC, study="localizer")), "localizer", b"localizer"),
        (as_it_was_stored(replace(SPEC, study="shifted")), "values-not-in-hu", b"Hounsfield"),
    ],
    ids=["sagittal", "five slices", "localizer", "off by 1024"],
)
def test_what_no_pipeline_can_read_is_refused_with_its_code_in_the_index_and_a_sentence_in_the_report(
    node: NodeProcess,
    orthanc: peers.Orthanc,
    tmp_path: Path,
    images: Sequence[Dataset],
    code: str,
    sentence: bytes,
) -> None:
    study = analysed(node, images, tmp_path / "images")

    assert code in node.command("why", study.study_uid).stdout
    (report,) = reports(orthanc, study)
    assert sentence in report


def test_an_enhanced_multi_frame_ct_is_read_like_any_other(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    image = enhanced_ct(replace(SPEC, name="enhanced", study="enhanced"))

    study = analysed(node, [image], tmp_path / "images")

    # the network was never trained: that it finds no spine says that it looked at the volume
    assert "no-spine-found" in node.command("why", study.study_uid).stdout
    (report,) = reports(orthanc, study)
    assert str(image.SOPInstanceUID).encode() in report
