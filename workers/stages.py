"""The stages of the pipeline `ct-bone` that GPU workers do: `segment`, `screen_bmd` and `picture`."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from models.bodies import FoundBodies
from models.bone import measure_bone, not_evaluable
from models.chain import Chain, chain_of
from models.core_map import map_cores
from models.crops import SpineCrops, crop_bodies, crops_from_bytes, crops_to_bytes
from models.density import DensityRule
from models.measurement_picture import draw_measurement
from models.own_ribs import look_at_ribs
from models.pictures import draw_refused, draw_spine
from models.references import read_references
from models.refine import FineBody
from models.scan import PreparedScan
from models.screening.answer import classify
from models.spine import draw_bodies, find_bodies, prepare_scan, see_bodies
from models.vertebra import SpineSegmentation
from node.artefacts import (
    CORES,
    CROPS,
    FINDINGS,
    LABEL_MAP,
    MEASUREMENT_PICTURE,
    PICTURE,
    AnalysedSeries,
    findings_from_bytes,
    findings_to_bytes,
    label_map_from_bytes,
    label_map_to_bytes,
)
from node.domain.errors import Bug
from node.domain.finding import Status
from node.domain.identifiers import Uid
from node.domain.provenance import ModelIdentity, Provenance
from node.domain.reasons import Reason
from node.domain.reference_tissues import TissueReferences
from node.domain.volume import Float32
from node.domain.work import Artefact, Lease, StageOutcome, WorkItem
from workers.handover import SEGMENTATION, Segmentation, segmentation_from_bytes, segmentation_to_bytes
from workers.parts import WorkerParts
from workers.pipeline import Step, run_steps
from workers.resident import ResidentModel
from workers.timed import Timed
from workers.volume_io import LoadedSeries, load_series
from workers.voxel_memory import VoxelMemory

#: More threads than this do not read a series faster.
MOST_READERS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentContext:
    """What the steps of `segment` hand on.

    `series`, the largest, and `scan` are there until the crops are cut and the tissues around are read; `classes`, what
    the first network says, until `bodies` are found in it, and these until they are named; `chain` and
    `seen`, what the network of one body says, until bodies are drawn; `models` as soon as one had a say.
    """

    lease: Lease
    series: LoadedSeries | None = None
    scan: PreparedScan | None = None
    classes: Float32 | None = None
    bodies: FoundBodies | None = None
    chain: Chain | None = None
    seen: Mapping[int, FineBody] | None = None
    spine: SpineSegmentation | None = None
    crops: SpineCrops | None = None
    models: tuple[ModelIdentity, ...] = ()
    reason: Reason | None = None
    artefacts: tuple[Artefact, ...] = ()


class CtBoneStages:
    """The stage functions, with their adapters, the model that stays loaded, and memory for one volume."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        self._voxels = VoxelMemory()
        self._model = ResidentModel(parts.networks, parts.classifier, device=parts.device, threads=parts.threads)

    def segment(self, lease: Lease) -> StageOutcome:
        """Find the vertebral bodies of the chosen series; leaves label map and crops.

        Where nothing can be assessed it leaves findings that say why, with a picture of what could be loaded, and the
        pipeline goes straight to encoding.
        """
        started_at = self._parts.clock.now()
        steps = (
            Step("load", self._load),
            Step("segment", self._prepare),
            Step("segment", self._infer, part="infer"),
            Step("segment", self._find),
            Step("segment", self._look, part="infer"),
            Step("segment", self._name),
            Step("segment", self._see, part="infer"),
            Step("segment", self._draw),
            Step("segment", self._cut),
            Step("segment", partial(self._leave, started_at=started_at)),
        )
        context, timings = run_steps(steps, SegmentContext(lease=lease))
        if context.reason is None:
            return StageOutcome(assessable=True, artefacts=context.artefacts, timings_s=timings)
        provenance = self._provenance(
            context.models,
            device=self._device_of(context.models),
            configuration_sha256=self._parts.configuration_sha256,
            started_at=started_at,
        )
        analysed = AnalysedSeries(
            findings=not_evaluable(context.reason), provenance=provenance, input_digest=self._digest(lease.item)
        )
        findings = self._write(lease, ((FINDINGS, findings_to_bytes(analysed)),))
        left = (*findings, *self._leave_picture_of_refused(context))
        return StageOutcome(assessable=False, artefacts=left, timings_s=timings, note=context.reason.code)

    def screen_bmd(self, lease: Lease) -> StageOutcome:
        """Measure the bodies that `segment` left; leaves the findings, and where they were measured."""
        started = time.monotonic()
        left = {artefact.name: artefact for artefact in self._parts.ledger.artefacts(lease.item)}
        crops = crops_from_bytes(self._read(left, CROPS))
        origin = segmentation_from_bytes(self._read(left, SEGMENTATION))
        rule = self._density_rule(lease.item, crops.references)
        classifier = self._model.classifier
        ask = None if classifier is None else Timed(partial(classify, classifier, crops, kvp=rule.acquisition.kvp))
        findings = measure_bone(crops, rule, ask)
        answer = None if findings.screening is None else findings.screening.answer
        provenance = self._provenance(
            origin.models if answer is None else (*origin.models, answer.model),
            device=origin.device,
            configuration_sha256=_of_both(origin.configuration_sha256, self._parts.configuration_sha256),
            started_at=origin.started_at,
        )
        cores = map_cores(crops, findings, label_map_from_bytes(self._read(left, LABEL_MAP)))
        analysed = AnalysedSeries(findings=findings, provenance=provenance, input_digest=origin.input_digest)
        contents = ((FINDINGS, findings_to_bytes(analysed)), (CORES, label_map_to_bytes(cores)))
        return StageOutcome(
            assessable=findings.status is Status.ASSESSED,
            artefacts=self._write(lease, contents),
            timings_s=_with_classifier(time.monotonic() - started, None if ask is None else ask.seconds),
        )

    def picture(self, lease: Lease) -> StageOutcome:
        """Draw what was found and measured into the scan, which is read again: no result waits for it."""
        started = time.monotonic()
        left = {artefact.name: artefact for artefact in self._parts.ledger.artefacts(lease.item)}
        crops = crops_from_bytes(self._read(left, CROPS)).crops
        vertebrae = tuple(crop.vertebra for crop in crops)
        spine = SpineSegmentation(label_map=label_map_from_bytes(self._read(left, LABEL_MAP)), vertebrae=vertebrae)
        analysed = findings_from_bytes(self._read(left, FINDINGS))
        cores = label_map_from_bytes(self._read(left, CORES)) if CORES in left else None
        loaded = self._load_chosen(lease.item)
        if isinstance(loaded, Reason):
            raise Bug(f"a series that was segmented must be readable again, got {loaded.code}")
        measured = draw_measurement(loaded.volume, crops, cores, analysed.findings, analysed.provenance)
        contents = ((PICTURE, draw_spine(loaded.volume, spine)), (MEASUREMENT_PICTURE, measured))
        return StageOutcome(
            assessable=True,
            artefacts=self._write(lease, contents),
            timings_s={"picture": time.monotonic() - started},
        )

    def _load_chosen(self, item: WorkItem) -> LoadedSeries | Reason:
        files = self._parts.reader.files(item.study_uid, item.revision, _chosen(item))
        return load_series(files, threads=min(self._model.threads, MOST_READERS), allocate=self._voxels)

    def _load(self, context: SegmentContext) -> SegmentContext:
        loaded = self._load_chosen(context.lease.item)
        if isinstance(loaded, Reason):
            return replace(context, reason=loaded)
        return replace(context, series=loaded)

    def _prepare(self, context: SegmentContext) -> SegmentContext:
        if context.series is None:
            raise Bug("a series must be loaded before it is segmented")
        scan = prepare_scan(context.series.volume, self._model.networks.tissue)
        context = replace(context, models=self._model.identities)
        return replace(context, reason=scan) if isinstance(scan, Reason) else replace(context, scan=scan)

    def _infer(self, context: SegmentContext) -> SegmentContext:
        if context.scan is None:
            raise Bug("a scan must be prepared before the network sees it")
        return replace(context, classes=self._model.networks.tissue.classify(context.scan))

    def _find(self, context: SegmentContext) -> SegmentContext:
        if context.scan is None or context.classes is None:
            raise Bug("the network must have seen a scan before bodies are found in it")
        bodies = find_bodies(context.scan, context.classes, self._model.networks.tissue)
        context = replace(context, classes=None)
        return replace(context, reason=bodies) if isinstance(bodies, Reason) else replace(context, bodies=bodies)

    def _look(self, context: SegmentContext) -> SegmentContext:
        if context.scan is None or context.bodies is None:
            raise Bug("bodies must be found before their ribs are looked at")
        return replace(context, bodies=look_at_ribs(context.scan.volume, context.bodies, self._model.networks.ribs))

    def _name(self, context: SegmentContext) -> SegmentContext:
        if context.bodies is None:
            raise Bug("bodies must be found before they are named")
        return replace(context, bodies=None, chain=chain_of(context.bodies, self._model.networks.levels))

    def _see(self, context: SegmentContext) -> SegmentContext:
        if context.scan is None or context.chain is None:
            raise Bug("bodies must be found before each is seen finely")
        return replace(context, seen=see_bodies(context.scan, context.chain, self._model.networks.body))

    def _draw(self, context: SegmentContext) -> SegmentContext:
        if context.scan is None or context.chain is None or context.seen is None:
            raise Bug("bodies must be seen before they are drawn")
        spine = draw_bodies(context.scan, context.chain, context.seen)
        context = replace(context, chain=None, seen=None)
        return replace(context, reason=spine) if isinstance(spine, Reason) else replace(context, spine=spine)

    def _cut(self, context: SegmentContext) -> SegmentContext:
        if context.series is None or context.scan is None or context.spine is None:
            raise Bug("a series must be segmented before its bodies are cut out")
        volume = context.series.volume
        crops = crop_bodies(volume, context.spine)
        crops = replace(
            crops,
            limitations=(*crops.limitations, *context.series.notes),
            references=read_references(volume, context.scan.grid, context.spine.vertebrae),
        )
        return replace(context, series=None, scan=None, crops=crops)

    def _leave(self, context: SegmentContext, *, started_at: datetime.datetime) -> SegmentContext:
        if context.spine is None or context.crops is None or not context.models:
            raise Bug("bodies must be cut out before they are handed over")
        origin = Segmentation(
            models=context.models,
            input_digest=self._digest(context.lease.item),
            device=self._model.device_name,
            configuration_sha256=self._parts.configuration_sha256,
            started_at=started_at,
        )
        contents = (
            (LABEL_MAP, label_map_to_bytes(context.spine.label_map)),
            (CROPS, crops_to_bytes(context.crops)),
            (SEGMENTATION, segmentation_to_bytes(origin)),
        )
        return replace(context, artefacts=self._write(context.lease, contents))

    def _leave_picture_of_refused(self, context: SegmentContext) -> tuple[Artefact, ...]:
        """The scan and why it was refused, where it could be loaded: it is in memory, and nothing urgent waits."""
        if context.series is None or context.reason is None:
            return ()
        drawn = draw_refused(context.series.volume, context.reason)
        return self._write(context.lease, ((PICTURE, drawn),))

    def _write(self, lease: Lease, contents: Sequence[tuple[str, bytes]]) -> tuple[Artefact, ...]:
        """Keep files by name, all at the same time: each waits for the disk several times."""
        with ThreadPoolExecutor(len(contents)) as writers:
            return tuple(writers.map(lambda each: self._parts.artefacts.write(lease, *each), contents))

    def _provenance(
        self,
        models: tuple[ModelIdentity, ...],
        *,
        device: str,
        configuration_sha256: str,
        started_at: datetime.datetime,
    ) -> Provenance:
        return Provenance(
            models=models,
            code_version=self._parts.code_version,
            configuration_sha256=configuration_sha256,
            device=device,
            started_at=started_at,
            ended_at=self._parts.clock.now(),
        )

    def _device_of(self, models: tuple[ModelIdentity, ...]) -> str:
        """Where no model ran, the device that was configured; it is not touched for that."""
        return self._model.device_name if models else self._parts.device

    def _digest(self, item: WorkItem) -> str:
        return self._parts.reader.input_digest(item.study_uid, item.revision, _chosen(item))

    def _density_rule(self, item: WorkItem, references: TissueReferences | None) -> DensityRule:
        acquisition = self._parts.reader.acquisition(item.study_uid, item.revision, _chosen(item))
        return DensityRule(
            acquisition=acquisition,
            scanners=self._parts.calibrations,
            references=references,
            internal_calibration=self._parts.internal_calibration,
        )

    def _read(self, left: Mapping[str, Artefact], name: str) -> bytes:
        if name not in left:
            raise Bug(f"the stage before must have left {name}, got {sorted(left)}")
        return self._parts.artefacts.read(left[name])


def _with_classifier(whole_s: float, classifier_s: float | None) -> dict[str, float]:
    """Seconds by phase, of which the classifier is one where it was asked."""
    if classifier_s is None:
        return {"measure": whole_s}
    return {"measure": whole_s - classifier_s, "classify": classifier_s}


def _of_both(first: str, second: str) -> str:
    """One digest for two stages: calibrations may have changed since the bodies were found."""
    return first if first == second else hashlib.sha256(f"{first}{second}".encode()).hexdigest()


def _chosen(item: WorkItem) -> Uid:
    if item.series_uid is None:
        raise Bug("without a chosen series nothing is segmented: the work goes straight to encoding")
    return item.series_uid
