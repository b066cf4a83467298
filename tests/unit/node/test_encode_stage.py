"""What an analysis left becomes objects that are kept, named by the work and made once."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from blake3 import blake3
from pydicom import dcmread

from node.artefacts import (
    CORES,
    FINDINGS,
    LABEL_MAP,
    MEASUREMENT_PICTURE,
    AnalysedSeries,
    findings_to_bytes,
    label_map_to_bytes,
)
from node.domain.errors import Bug
from node.domain.identifiers import Uid
from node.domain.mark import is_mark
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.pseudonym import Pseudonymizer
from node.domain.reasons import Reason, ReasonCode
from node.domain.result import Result
from node.domain.selection import NoSuitableSeries, RejectedSeries, SeriesChoice
from node.domain.study import ImageFacts, Instance, Priority, Series, Study
from node.domain.triage import TriagePolicy
from node.domain.work import CT_BONE, Artefact, Failure, Lease, NotClaimed, Stage, StageOutcome, WorkItem
from node.encode_stage import Encoding, EncodingSettings, reasons_of
from node.object_files import ObjectFiles
from node.store.artefacts_store import FileArtefactStore
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.encoded import a_picture
from tests.builders.index import FakeClock, digest
from tests.builders.results import assessed_result, not_evaluable_result

SPEC = CtSpec()
NO_SUITABLE = NoSuitableSeries(
    rejected=(RejectedSeries(series_uid=Uid("1.2"), reasons=(Reason(code=ReasonCode.SLICES_TOO_THICK),)),)
)


@dataclass
class Images:
    """The study's images as the index has them."""

    study_of: Study
    paths: tuple[Path, ...]
    decided: SeriesChoice | NoSuitableSeries | None = None

    def study(self, study_uid: Uid, revision: int) -> Study | None:
        return self.study_of

    def choice(self, study_uid: Uid, revision: int, pipeline: str) -> SeriesChoice | NoSuitableSeries | None:
        return self.decided

    def files(self, study_uid: Uid, revision: int, series_uid: Uid) -> tuple[Path, ...]:
        assert series_uid == SPEC.uid("series")
        return self.paths


@dataclass
class Left:
    """A ledger that only knows what the stages before left."""

    left: tuple[Artefact, ...] = ()

    def artefacts(self, item: WorkItem) -> tuple[Artefact, ...]:
        return self.left

    def claim(self, work_id: int, *, worker: str) -> Lease | NotClaimed:
        raise NotImplementedError

    def heartbeat(self, lease: Lease) -> Lease:
        raise NotImplementedError

    def complete(self, lease: Lease, outcome: StageOutcome) -> None:
        raise NotImplementedError

    def fail(self, lease: Lease, failure: Failure) -> None:
        raise NotImplementedError


@dataclass
class Made:
    """The objects that were made before."""

    objects: dict[str, OutgoingObject] = field(default_factory=dict)
    previous: OutgoingObject | None = None

    def object(self, object_uid: Uid) -> OutgoingObject:
        return self.objects[object_uid]

    def existing(self, object_uid: Uid) -> OutgoingObject | None:
        return self.objects.get(object_uid)

    def previous_report(self, study_uid: Uid, *, before_revision: int, pipeline: str) -> OutgoingObject | None:
        return self.previous


@dataclass
class Bench:
    """An encoding stage over a folder."""

    root: Path
    images: Images
    ledger: Left = field(default_factory=Left)
    outbox: Made = field(default_factory=Made)
    triage: TriagePolicy = field(default_factory=TriagePolicy)

    def leave(self, result: Result) -> None:
        """Put down what the workers leave of a result."""
        analysed = AnalysedSeries(
            findings=result.findings, provenance=result.provenance, input_digest=result.input_digest
        )
        store, lease = FileArtefactStore(self.root), a_lease(Stage.SEGMENT)
        left = [store.write(lease, FINDINGS, findings_to_bytes(analysed))]
        if result.label_map is not None:
            left.append(store.write(lease, LABEL_MAP, label_map_to_bytes(result.label_map)))
        if result.cores is not None:
            left.append(store.write(lease, CORES, label_map_to_bytes(result.cores)))
        self.ledger.left = tuple(left)

    def encode(self, *, series_uid: str | None = SPEC.uid("series"), token: int = 1) -> StageOutcome:
        """Run the stage."""
        return self.encoding().encode(a_lease(Stage.ENCODE, series_uid=series_uid, token=token))

    def encoding(self) -> Encoding:
        """The stage functions."""
        return Encoding(
            ledger=self.ledger,
            artefacts=FileArtefactStore(self.root),
            studies=self.images,
            outbox=self.outbox,
            objects=ObjectFiles(self.root),
            settings=EncodingSettings(
                station="OSTEONODE",
                triage_policy=self.triage,
                code_version="0.1.0",
                configuration_sha256="cd" * 32,
            ),
            pseudonyms=Pseudonymizer(b"the key of a site"),
            clock=FakeClock(),
        )


def a_lease(stage: Stage, *, series_uid: str | None = None, token: int = 1) -> Lease:
    """A lease of a stage of the study."""
    item = WorkItem(
        work_id=5,
        study_uid=Uid(SPEC.study_uid),
        revision=1,
        pipeline=CT_BONE,
        stage=stage,
        priority=Priority.ROUTINE,
        series_uid=None if series_uid is None else Uid(series_uid),
    )
    return Lease(item=item, token=token, worker="w", expires_at=datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC))


def an_image(name: str, *, patient: str = "patient", own: bool = False) -> Instance:
    """One image of the study as the index has it."""
    return Instance(
        sop_instance_uid=Uid(SPEC.uid(name)),
        sop_class_uid=Uid("1.2.840.10008.5.1.4.1.1.2"),
        series_uid=Uid(SPEC.uid("own series" if own else "series")),
        study_uid=Uid(SPEC.study_uid),
        transfer_syntax=Uid("1.2.840.10008.1.2.1"),
        file=f"instances/{name}.dcm",
        size=1000,
        digest=digest(name),
        patient=digest(patient),
        received_at=datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC),
        facts=ImageFacts(modality="SR" if own else "CT", made_by_node=own),
    )


def a_study(*instances: Instance) -> Study:
    """The study of the instances."""
    by_series: dict[Uid, list[Instance]] = {}
    for each in instances:
        by_series.setdefault(each.series_uid, []).append(each)
    series = tuple(Series(series_uid=uid, instances=tuple(found)) for uid, found in by_series.items())
    return Study(study_uid=Uid(SPEC.study_uid), revision=1, series=series)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A study of one CT series."""
    paths = write_series(ct_series(SPEC), tmp_path / "images")
    return Bench(root=tmp_path, images=Images(study_of=a_study(an_image("a"), an_image("b")), paths=paths))


def test_an_assessed_study_gives_a_segmentation_and_a_report(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))

    outcome = bench.encode()

    assert outcome.assessable
    assert [made.kind for made in outcome.objects] == [ObjectKind.SEG, ObjectKind.SR]
    assert set(outcome.timings_s) == {"encode"}


def test_cores_that_were_left_are_segments_and_a_study_without_them_is_encoded_too(bench: Bench) -> None:
    def labels(result: Result, token: int) -> list[str]:
        bench.leave(result)
        made = next(each for each in bench.encode(token=token).objects if each.kind is ObjectKind.SEG)
        return [segment.SegmentLabel for segment in dcmread(bench.root / made.file).SegmentSequence]

    drawn = assessed_result(SPEC)

    assert labels(drawn, token=1) == ["L1", "L2", "L1 trabecular core"]
    assert labels(replace(drawn, cores=None), token=2) == ["L1", "L2"]


def test_each_object_lies_in_the_store_as_it_is_described(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))

    for made in bench.encode().objects:
        content = (bench.root / made.file).read_bytes()
        dataset = dcmread(bench.root / made.file)
        assert blake3(content).hexdigest() == made.digest
        assert (dataset.SOPInstanceUID, dataset.SOPClassUID) == (made.sop_instance_uid, made.sop_class_uid)
        assert dataset.SeriesInstanceUID == made.series_uid
        assert dataset.StudyInstanceUID == SPEC.study_uid


def test_each_object_carries_the_mark_by_which_the_node_knows_its_own(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))

    for made in bench.encode().objects:
        assert is_mark(dcmread(bench.root / made.file).Manufacturer)


def test_the_first_object_under_a_uid_is_kept_and_no_second_file_is_written(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))
    first = bench.encode(token=1)
    bench.outbox.objects = {made.sop_instance_uid: made for made in first.objects}

    second = bench.encode(token=2)

    assert second.objects == first.objects
    assert len(list((bench.root / "objects").rglob("*.dcm"))) == len(first.objects)


def test_a_worker_that_lost_its_lease_leaves_the_successor_s_files_alone(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))

    first, second = bench.encode(token=1), bench.encode(token=2)

    assert [made.sop_instance_uid for made in first.objects] == [made.sop_instance_uid for made in second.objects]
    assert {made.file for made in first.objects}.isdisjoint(made.file for made in second.objects)


def test_a_series_that_could_not_be_assessed_gives_a_report_that_says_so(bench: Bench) -> None:
    bench.leave(not_evaluable_result(SPEC))

    outcome = bench.encode()

    (made,) = outcome.objects
    assert not outcome.assessable
    assert (made.kind, made.not_evaluable) == (ObjectKind.SR, True)


def test_a_study_without_a_suitable_series_gives_a_report_that_says_why(bench: Bench) -> None:
    bench.images.decided = NO_SUITABLE

    outcome = bench.encode(series_uid=None)

    (made,) = outcome.objects
    assert made.not_evaluable
    assert b"thicker than the limit" in (bench.root / made.file).read_bytes()


def test_own_objects_that_came_back_do_not_change_the_name_of_a_report(bench: Bench) -> None:
    bench.images.decided = NO_SUITABLE
    before = bench.encode(series_uid=None, token=1)
    bench.images.study_of = a_study(an_image("a"), an_image("b"), an_image("report", own=True))

    after = bench.encode(series_uid=None, token=2)

    assert [made.sop_instance_uid for made in after.objects] == [made.sop_instance_uid for made in before.objects]


def test_other_images_give_the_report_another_name(bench: Bench) -> None:
    bench.images.decided = NO_SUITABLE
    before = bench.encode(series_uid=None, token=1)
    bench.images.study_of = a_study(an_image("a"), an_image("b"), an_image("c"))

    after = bench.encode(series_uid=None, token=2)

    assert after.objects[0].sop_instance_uid != before.objects[0].sop_instance_uid


def test_images_of_two_patients_give_no_object_that_could_be_filed_under_the_wrong_one(bench: Bench) -> None:
    bench.images.decided = NO_SUITABLE
    bench.images.study_of = a_study(an_image("a"), an_image("b", patient="another"))

    outcome = bench.encode(series_uid=None)

    assert outcome.objects == ()
    assert "more than one patient" in outcome.note


def test_an_urgent_finding_adds_a_key_object_selection(bench: Bench) -> None:
    bench.triage = TriagePolicy(l1_hu_below=100.0)
    bench.leave(assessed_result(SPEC))

    kinds = {made.kind: made.urgent for made in bench.encode().objects}

    assert kinds == {ObjectKind.SEG: False, ObjectKind.SR: False, ObjectKind.KOS: True}


def test_a_report_names_the_one_that_it_supersedes(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))
    (report,) = [made for made in bench.encode(token=1).objects if made.kind is ObjectKind.SR]
    bench.outbox.previous = replace(report, sop_instance_uid=Uid("2.25.99"))

    (newer,) = [made for made in bench.encode(token=2).objects if made.kind is ObjectKind.SR]

    assert "2.25.99" in str(dcmread(bench.root / newer.file).PredecessorDocumentsSequence)


def test_of_two_findings_files_the_later_stage_s_counts(bench: Bench) -> None:
    bench.leave(not_evaluable_result(SPEC))
    earlier = bench.ledger.left
    store = FileArtefactStore(bench.root)
    result = assessed_result(SPEC)
    analysed = AnalysedSeries(findings=result.findings, provenance=result.provenance, input_digest=result.input_digest)
    later = store.write(a_lease(Stage.SCREEN_BMD, token=2), FINDINGS, findings_to_bytes(analysed))
    bench.ledger.left = (*earlier, later)

    assert bench.encode().assessable


def test_a_picture_that_was_drawn_becomes_an_object_of_the_same_work(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))
    drawn = FileArtefactStore(bench.root).write(a_lease(Stage.PICTURE), MEASUREMENT_PICTURE, a_picture())
    bench.ledger.left = (*bench.ledger.left, drawn)
    report = next(made for made in bench.encode().objects if made.kind is ObjectKind.SR)

    outcome = bench.encoding().encode_picture(a_lease(Stage.ENCODE_PICTURE, series_uid=SPEC.uid("series")))

    (made,) = outcome.objects
    dataset = dcmread(bench.root / made.file)
    assert (made.kind, made.intended_use, made.not_evaluable) == (ObjectKind.SC, report.intended_use, False)
    assert (dataset.SOPInstanceUID, dataset.StudyInstanceUID) == (made.sop_instance_uid, SPEC.study_uid)
    assert is_mark(dataset.Manufacturer)
    assert set(outcome.timings_s) == {"encode_picture"}


def test_a_picture_that_nobody_drew_is_a_fault_of_the_program(bench: Bench) -> None:
    bench.leave(assessed_result(SPEC))

    with pytest.raises(Bug, match=MEASUREMENT_PICTURE):
        bench.encoding().encode_picture(a_lease(Stage.ENCODE_PICTURE, series_uid=SPEC.uid("series")))


def test_an_analysis_that_left_nothing_is_a_fault_of_the_program(bench: Bench) -> None:
    with pytest.raises(Bug, match=FINDINGS):
        bench.encode()


def test_the_reasons_of_the_series_follow_the_study_s_each_once() -> None:
    thick = Reason(code=ReasonCode.SLICES_TOO_THICK, detail="8 mm")
    choice = NoSuitableSeries(
        rejected=(
            RejectedSeries(series_uid=Uid("1.2"), reasons=(thick,)),
            RejectedSeries(series_uid=Uid("1.3"), reasons=(Reason(code=ReasonCode.MODALITY),)),
            RejectedSeries(series_uid=Uid("1.4"), reasons=(thick,)),
        )
    )

    codes = [reason.code for reason in reasons_of(choice)]

    assert codes == [ReasonCode.NO_SERIES, ReasonCode.SLICES_TOO_THICK, ReasonCode.MODALITY]
