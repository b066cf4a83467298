"""The stages `encode` and `encode_picture`: from what an analysis left to DICOM objects, ready to be delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from node.artefacts import (
    CORES,
    FINDINGS,
    LABEL_MAP,
    MEASUREMENT_PICTURE,
    AnalysedSeries,
    findings_from_bytes,
    label_map_from_bytes,
)
from node.domain.errors import Bug
from node.domain.finding import CtBoneFindings, Status
from node.domain.identifiers import Uid
from node.domain.outgoing import OutgoingObject
from node.domain.ports import ArtefactStore, Clock, Outbox, SystemClock, WorkLedger
from node.domain.provenance import Provenance
from node.domain.pseudonym import Pseudonymizer
from node.domain.reasons import Reason
from node.domain.result import Result
from node.domain.selection import NoSuitableSeries, SeriesChoice
from node.domain.study import Series, Study, input_digest
from node.domain.triage import TriagePolicy, triage
from node.domain.volume import LabelMap
from node.domain.work import Artefact, Lease, StageOutcome, WorkItem
from node.encode.context import EncodingContext
from node.encode.encoder import EncodedObject, encode_picture, encode_result
from node.object_files import ObjectFiles

#: Device of a result for which nothing was computed.
NO_DEVICE = "none"

_MIXED = "images of more than one patient: no report is made"


class StudyIndex(Protocol):
    """What encoding asks of the index about the images."""

    def study(self, study_uid: Uid, revision: int) -> Study | None:
        """All that had arrived of a study by a revision."""
        ...

    def choice(self, study_uid: Uid, revision: int, pipeline: str) -> SeriesChoice | NoSuitableSeries | None:
        """What selection decided for a pipeline."""
        ...

    def files(self, study_uid: Uid, revision: int, series_uid: Uid) -> tuple[Path, ...]:
        """The DICOM files of a series as of a revision."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingSettings:
    """What of the configuration shapes the objects.

    Parameters
    ----------
    station
        The node's AE title.
    code_version, configuration_sha256
        Provenance of results for which no worker ran.
    """

    station: str
    triage_policy: TriagePolicy
    code_version: str
    configuration_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What encoding needs; `encode` and `encode_picture` are the stage functions."""

    ledger: WorkLedger
    artefacts: ArtefactStore
    studies: StudyIndex
    outbox: Outbox
    objects: ObjectFiles
    settings: EncodingSettings
    pseudonyms: Pseudonymizer
    clock: Clock = field(default_factory=SystemClock)
    monotonic: Callable[[], float] = time.monotonic

    def encode(self, lease: Lease) -> StageOutcome:
        """Make the objects of the lease's analysis and keep them.

        Where an object of the same UID was made before, that one stays and is the one that is sent. A study of more
        than one patient gives no object: it would be filed under one of them.

        Raises
        ------
        TransientFailure
            Where images or artefacts cannot be reached now.
        Bug
            Where the index knows nothing of the analysis.
        """
        started = self.monotonic()
        item = lease.item
        study = self._study(item)
        if len(study.patients) > 1:
            return StageOutcome(assessable=False, note=_MIXED)
        result = self._chosen(item) if item.series_uid is not None else self._not_chosen(item, study)
        source = _source_series(study, item.series_uid)
        made = self._make(lease, result, source)
        return StageOutcome(
            assessable=result.findings.status is Status.ASSESSED,
            objects=made,
            timings_s={"encode": self.monotonic() - started},
        )

    def encode_picture(self, lease: Lease) -> StageOutcome:
        """Make the object of the picture that was drawn of the lease's analysis, and keep it as `encode` does.

        Raises
        ------
        TransientFailure, Bug
            As for `encode`.
        """
        started = self.monotonic()
        item = lease.item
        left = _by_name(self.ledger.artefacts(item))
        if MEASUREMENT_PICTURE not in left:
            raise Bug(f"the analysis left no {MEASUREMENT_PICTURE}")
        study, result = self._study(item), self._chosen(item)
        if len(study.patients) > 1:
            return StageOutcome(assessable=False, note=_MIXED)
        paths = self._paths(item, _source_series(study, item.series_uid))
        context = self._context(item, result)
        made = encode_picture(result, self.artefacts.read(left[MEASUREMENT_PICTURE]), paths, context)
        return StageOutcome(
            assessable=result.findings.status is Status.ASSESSED,
            objects=(self._keep(lease, made),),
            timings_s={"encode_picture": self.monotonic() - started},
        )

    def _study(self, item: WorkItem) -> Study:
        study = self.studies.study(item.study_uid, item.revision)
        if study is None:
            raise Bug(f"the index knows no images of revision {item.revision}")
        return study

    def _chosen(self, item: WorkItem) -> Result:
        """The result that the workers left."""
        left = _by_name(self.ledger.artefacts(item))
        if FINDINGS not in left:
            raise Bug(f"the analysis left no {FINDINGS}")
        analysed = findings_from_bytes(self.artefacts.read(left[FINDINGS]))
        label_map, cores = (
            label_map_from_bytes(self.artefacts.read(left[name])) if name in left else None
            for name in (LABEL_MAP, CORES)
        )
        return _result(item, analysed, label_map, cores)

    def _not_chosen(self, item: WorkItem, study: Study) -> Result:
        """A result that says why no series was analysed."""
        choice = self.studies.choice(item.study_uid, item.revision, item.pipeline)
        if not isinstance(choice, NoSuitableSeries):
            raise Bug("a study without a chosen series must have the reasons why")
        now = self.clock.now()
        provenance = Provenance(
            models=(),
            code_version=self.settings.code_version,
            configuration_sha256=self.settings.configuration_sha256,
            device=NO_DEVICE,
            started_at=now,
            ended_at=now,
        )
        findings = CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=reasons_of(choice))
        # our own objects may come back after the revision was closed: they must not change the name of this work
        received = [each for series in study.series for each in series.instances if not each.facts.made_by_node]
        digest = input_digest(each.digest for each in received)
        analysed = AnalysedSeries(findings=findings, provenance=provenance, input_digest=digest)
        return _result(item, analysed, None, None)

    def _make(self, lease: Lease, result: Result, source: Series) -> tuple[OutgoingObject, ...]:
        item = lease.item
        context = self._context(item, result)
        return tuple(self._keep(lease, each) for each in encode_result(result, self._paths(item, source), context))

    def _paths(self, item: WorkItem, source: Series) -> tuple[Path, ...]:
        return self.studies.files(item.study_uid, item.revision, source.series_uid)

    def _context(self, item: WorkItem, result: Result) -> EncodingContext:
        return EncodingContext(
            now=self.clock.now().astimezone(),
            pseudonyms=self.pseudonyms,
            station=self.settings.station,
            triage=triage(result.findings, self.settings.triage_policy),
            previous_report=self.outbox.previous_report(
                item.study_uid, before_revision=item.revision, pipeline=item.pipeline
            ),
        )

    def _keep(self, lease: Lease, encoded: EncodedObject) -> OutgoingObject:
        """The object that counts under the encoded one's UID: the first that was made."""
        first = self.outbox.existing(encoded.sop_instance_uid)
        if first is not None:
            return first
        kept = self.objects.write(lease, encoded.sop_instance_uid, encoded.content)
        return OutgoingObject(
            kind=encoded.kind,
            sop_class_uid=encoded.sop_class_uid,
            sop_instance_uid=encoded.sop_instance_uid,
            series_uid=encoded.series_uid,
            file=kept.file,
            digest=kept.digest,
            intended_use=encoded.intended_use,
            not_evaluable=encoded.not_evaluable,
            urgent=encoded.urgent,
        )


def reasons_of(choice: NoSuitableSeries) -> tuple[Reason, ...]:
    """Why no series was chosen: the reason of the study, then every reason that a series had, each once."""
    of_series = {reason.code: Reason(code=reason.code) for each in choice.rejected for reason in each.reasons}
    of_study = choice.reasons
    said = {reason.code for reason in of_study}
    return (*of_study, *(reason for code, reason in of_series.items() if code not in said))


def _by_name(artefacts: Sequence[Artefact]) -> Mapping[str, Artefact]:
    """The artefacts by name; of several of one name the last one, which the latest stage wrote."""
    return {artefact.name: artefact for artefact in artefacts}


def _result(item: WorkItem, analysed: AnalysedSeries, label_map: LabelMap | None, cores: LabelMap | None) -> Result:
    return Result(
        study_uid=item.study_uid,
        revision=item.revision,
        pipeline=item.pipeline,
        series_uid=item.series_uid,
        findings=analysed.findings,
        label_map=label_map,
        cores=cores,
        provenance=analysed.provenance,
        input_digest=analysed.input_digest,
    )


def _source_series(study: Study, chosen: Uid | None) -> Series:
    """The series whose images the objects refer to: the chosen one, else the largest that others made."""
    candidates = [
        series
        for series in study.series
        if (series.series_uid == chosen if chosen is not None else not series.facts.made_by_node)
    ]
    if not candidates:
        raise Bug("the index knows no image that a report could refer to")
    return max(candidates, key=lambda series: (len(series.instances), series.series_uid))
