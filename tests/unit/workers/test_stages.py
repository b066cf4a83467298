"""The two GPU stages, from files to findings, with a network that reads what is painted."""

import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch

from models.screening.bundle import load_bundle
from models.spine import segment_spine
from node.artefacts import (
    CORES,
    CROPS,
    FINDINGS,
    LABEL_MAP,
    MEASUREMENT_PICTURE,
    PICTURE,
    findings_from_bytes,
    label_map_from_bytes,
)
from node.domain.acquisition import Acquisition
from node.domain.classifier import ClassifierMethod
from node.domain.errors import Bug
from node.domain.finding import Status
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.networks import SpineChoice
from node.domain.provenance import IntendedUse
from node.domain.reasons import ReasonCode
from node.domain.study import Priority
from node.domain.work import CT_BONE, Artefact, Lease, Stage, StageOutcome, WorkItem
from tests.builders.acquisitions import FORCE_120, SCANNER
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.screening import write_untrained
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import painted_model, painted_volume
from workers.handover import SEGMENTATION
from workers.parts import WorkerParts
from workers.stages import CtBoneStages

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
DIGEST = "d" * 64


class World:
    """All ports of the stages at once: files of a series, artefacts in memory, and a clock that runs."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self.contents: dict[str, bytes] = {}
        self.left: list[Artefact] = []
        self.time = NOON

    def files(self, study_uid: Uid, revision: int, series_uid: Uid) -> tuple[Path, ...]:
        return self._files

    def input_digest(self, study_uid: Uid, revision: int, series_uid: Uid) -> str:
        return DIGEST

    def acquisition(self, study_uid: Uid, revision: int, series_uid: Uid) -> Acquisition:
        return FORCE_120

    def write(self, lease: Lease, name: str, content: bytes) -> Artefact:
        self.contents[name] = content
        return Artefact(name=name, file=name, digest="e" * 64, size=len(content))

    def read(self, artefact: Artefact) -> bytes:
        return self.contents[artefact.file]

    def artefacts(self, item: WorkItem) -> tuple[Artefact, ...]:
        return tuple(self.left)

    def now(self) -> datetime.datetime:
        self.time += datetime.timedelta(seconds=1)
        return self.time


def stages_of(world: World, configuration: str = "c" * 64) -> CtBoneStages:
    parts = WorkerParts(
        runner=None,
        reader=world,
        artefacts=world,
        ledger=world,
        device="cpu",
        threads=2,
        networks=SpineChoice(),
        classifier=None,
        calibrations=(SCANNER,),
        internal_calibration=False,
        code_version="0.1.0",
        configuration_sha256=configuration,
        clock=world,
    )
    stages = CtBoneStages(parts)
    stages._model.networks = painted_model()
    return stages


def a_lease(stage: Stage, series_uid: str | None = "1.2.3.1") -> Lease:
    item = WorkItem(
        work_id=7,
        study_uid=Uid("1.2.3"),
        revision=1,
        pipeline=CT_BONE,
        stage=stage,
        priority=Priority.ROUTINE,
        series_uid=None if series_uid is None else Uid(series_uid),
    )
    return Lease(item=item, token=1, worker="test", expires_at=NOON)


@pytest.fixture(scope="module")
def spine_files(tmp_path_factory) -> tuple[Path, ...]:
    volume = painted_volume(build(Scene()))
    slices, rows, columns = volume.shape
    spec = CtSpec(
        slices=slices,
        rows=rows,
        columns=columns,
        spacing_mm=volume.affine.spacing_mm,
        origin=tuple(volume.affine.matrix[:3, 3].tolist()),
    )
    return write_series(ct_series(spec, volume.hu), tmp_path_factory.mktemp("spine"))


@pytest.fixture(scope="module")
def done(spine_files) -> tuple[World, StageOutcome, StageOutcome]:
    """Both stages, one after the other."""
    world = World(spine_files)
    stages = stages_of(world)
    segmented = stages.segment(a_lease(Stage.SEGMENT))
    world.left += segmented.artefacts
    screened = stages.screen_bmd(a_lease(Stage.SCREEN_BMD))
    world.left += screened.artefacts
    return world, segmented, screened


def test_segment_leaves_a_label_map_crops_and_where_they_come_from(done):
    world, segmented, _ = done

    assert segmented.assessable
    assert [artefact.name for artefact in segmented.artefacts] == [LABEL_MAP, CROPS, SEGMENTATION]
    assert set(segmented.timings_s) == {"load", "segment", "infer"}
    label_map = label_map_from_bytes(world.contents[LABEL_MAP])
    assert VertebralLevel.L1 in {segment.level for segment in label_map.segments}


def test_screening_leaves_what_was_painted(done):
    world, _, screened = done

    analysed = findings_from_bytes(world.contents[FINDINGS])

    assert screened.assessable
    assert set(screened.timings_s) == {"measure"}
    assert analysed.findings.status is Status.ASSESSED
    levels = {vertebra.level for vertebra in analysed.findings.vertebrae}
    assert {VertebralLevel.L1, VertebralLevel.L2} <= levels
    assert any(vertebra.value(Quantity.BMD) is not None for vertebra in analysed.findings.vertebrae)


def test_screening_leaves_the_cores_of_the_vertebrae_that_it_measured_inside_of_their_bodies(done):
    world, _, screened = done
    findings = findings_from_bytes(world.contents[FINDINGS]).findings
    bodies, cores = (label_map_from_bytes(world.contents[name]) for name in (LABEL_MAP, CORES))

    measured = {each.level: each for each in findings.vertebrae if each.value(Quantity.CORE_MEAN_HU) is not None}

    assert [artefact.name for artefact in screened.artefacts] == [FINDINGS, CORES]
    assert {segment.level for segment in cores.segments} == set(measured)
    assert (bodies.affine, bodies.frame_of_reference) == (cores.affine, cores.frame_of_reference)
    for segment in cores.segments:
        inside = cores.mask(segment)
        volume = inside.sum() * cores.affine.voxel_volume_mm3
        assert (bodies.labels[inside] == measured[segment.level].segment_value).all()
        assert volume == pytest.approx(measured[segment.level].value(Quantity.CORE_VOLUME))


def test_findings_rest_on_the_configurations_of_both_stages(done):
    world, _, _ = done
    same = findings_from_bytes(world.contents[FINDINGS]).provenance.configuration_sha256

    stages_of(world, "d" * 64).screen_bmd(a_lease(Stage.SCREEN_BMD))
    changed = findings_from_bytes(world.contents[FINDINGS]).provenance.configuration_sha256
    stages_of(world).screen_bmd(a_lease(Stage.SCREEN_BMD))

    assert same == findings_from_bytes(world.contents[FINDINGS]).provenance.configuration_sha256 == "c" * 64
    assert changed not in {"c" * 64, "d" * 64}


def test_the_classifier_answers_beside_the_measurement_and_stands_in_the_provenance(done, tmp_path):
    world, _, _ = done
    write_untrained(tmp_path)
    stages = stages_of(world)
    stages._model.classifier = load_bundle(tmp_path, torch.device("cpu"))

    screened = stages.screen_bmd(a_lease(Stage.SCREEN_BMD))
    analysed = findings_from_bytes(world.contents[FINDINGS])
    stages_of(world).screen_bmd(a_lease(Stage.SCREEN_BMD))

    said = analysed.findings.screening.answer
    assert said.method is ClassifierMethod.L1_L2
    assert said.word == "score"
    assert [model.name for model in analysed.provenance.models] == ["painted", "ribs", "trusting", "bmd-screening"]
    assert set(screened.timings_s) == {"measure", "classify"}


def test_a_picture_is_drawn_from_what_was_left_and_the_series(done):
    world, _, _ = done

    drawn = stages_of(world).picture(a_lease(Stage.PICTURE))

    assert [artefact.name for artefact in drawn.artefacts] == [PICTURE, MEASUREMENT_PICTURE]
    assert set(drawn.timings_s) == {"picture"}
    assert all(world.contents[name].startswith(b"\x89PNG") for name in (PICTURE, MEASUREMENT_PICTURE))


def test_a_study_that_an_older_worker_measured_is_drawn_without_its_cores(done):
    world, _, screened = done
    older = World(world._files)
    older.contents = dict(world.contents)
    older.left = [*world.left, *(artefact for artefact in screened.artefacts if artefact.name != CORES)]

    drawn = stages_of(older).picture(a_lease(Stage.PICTURE))

    assert [artefact.name for artefact in drawn.artefacts] == [PICTURE, MEASUREMENT_PICTURE]


def test_a_series_that_can_no_longer_be_read_is_not_drawn(done, tmp_path):
    world, _, _ = done
    turned = World(write_series(ct_series(CtSpec(tilt_deg=15.0)), tmp_path))
    turned.left, turned.contents = world.left, world.contents

    with pytest.raises(Bug, match="gantry-tilt"):
        stages_of(turned).picture(a_lease(Stage.PICTURE))


def test_names_are_as_sure_as_all_networks_together_make_them(done):
    world, _, _ = done
    spine = segment_spine(painted_volume(build(Scene())), painted_model())

    analysed = findings_from_bytes(world.contents[FINDINGS])

    sure = {each.level: each.confidence for each in spine.vertebrae}
    found = [each for each in analysed.findings.vertebrae if each.ordinal]
    assert len(found) == len(sure)
    for each in found:
        assert each.level_confidence.value == pytest.approx(sure[each.level].value, abs=1e-4)


def test_provenance_names_the_model_that_segmented_and_the_time_of_both_stages(done):
    world, _, _ = done

    analysed = findings_from_bytes(world.contents[FINDINGS])

    assert [model.name for model in analysed.provenance.models] == ["painted", "ribs", "trusting"]
    assert analysed.provenance.intended_use is IntendedUse.RESEARCH
    assert analysed.provenance.started_at < analysed.provenance.ended_at
    assert (analysed.input_digest, analysed.provenance.device) == (DIGEST, "cpu")


def test_a_series_that_is_no_volume_leaves_the_reason_and_asks_no_network(tmp_path):
    world = World(write_series(ct_series(CtSpec(tilt_deg=15.0)), tmp_path))

    outcome = stages_of(world).segment(a_lease(Stage.SEGMENT))

    analysed = findings_from_bytes(world.contents[FINDINGS])
    assert not outcome.assessable
    assert outcome.note == ReasonCode.GANTRY_TILT
    assert [reason.code for reason in analysed.findings.reasons] == [ReasonCode.GANTRY_TILT]
    assert analysed.provenance.models == ()
    assert set(outcome.timings_s) == {"load"}
    assert PICTURE not in world.contents


def test_a_volume_without_a_spine_leaves_the_reason_the_model_and_a_picture(tmp_path):
    spec = CtSpec(slices=40, rows=40, columns=40, spacing_mm=(3.0, 3.0, 3.0))
    hu = np.full((40, 40, 40), -1000, np.float32)
    hu[:, 10:30, 10:30] = -60.0
    world = World(write_series(ct_series(spec, hu), tmp_path))

    outcome = stages_of(world).segment(a_lease(Stage.SEGMENT))

    analysed = findings_from_bytes(world.contents[FINDINGS])
    assert not outcome.assessable
    assert analysed.findings.status is Status.NOT_EVALUABLE
    assert [model.name for model in analysed.provenance.models] == ["painted", "ribs", "trusting"]
    assert LABEL_MAP not in world.contents
    assert [artefact.name for artefact in outcome.artefacts] == [FINDINGS, PICTURE]
    assert world.contents[PICTURE].startswith(b"\x89PNG")


def test_what_was_left_out_of_the_volume_is_a_limitation_of_the_findings(spine_files, tmp_path):
    again = pydicom.dcmread(spine_files[0])
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    again.save_as(tmp_path / "again.dcm")
    world = World((*spine_files, tmp_path / "again.dcm"))
    stages = stages_of(world)

    world.left += stages.segment(a_lease(Stage.SEGMENT)).artefacts
    stages.screen_bmd(a_lease(Stage.SCREEN_BMD))

    limitations = findings_from_bytes(world.contents[FINDINGS]).findings.limitations
    assert any("there twice" in limitation for limitation in limitations)


def test_screening_without_what_segmentation_leaves_is_a_defect():
    with pytest.raises(Bug, match=r"crops\.npz"):
        stages_of(World(())).screen_bmd(a_lease(Stage.SCREEN_BMD))


def test_segmenting_without_a_chosen_series_is_a_defect():
    with pytest.raises(Bug, match="chosen series"):
        stages_of(World(())).segment(a_lease(Stage.SEGMENT, series_uid=None))


def test_the_memory_of_a_study_is_free_for_the_next(spine_files):
    stages = stages_of(World(spine_files))
    stages.segment(a_lease(Stage.SEGMENT))
    first = stages._voxels._kept

    stages.segment(a_lease(Stage.SEGMENT))

    assert first.size > 0
    assert stages._voxels._lent() is None
    assert stages._voxels._kept is first
