"""What the objects of one result share beside the result itself."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from pydicom import Dataset

from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse
from node.domain.pseudonym import Pseudonymizer
from node.domain.result import Result
from node.domain.triage import Triage
from node.domain.volume import Structure
from node.encode.tracking import tracked_patient
from node.encode.uids import Named, derived_uid, level_tracking_uid, object_uid, unnamed_tracking_uid, work_digest

#: High numbers, behind the scanner's own series in every list.
_SERIES_NUMBER = {ObjectKind.SEG: 9101, ObjectKind.SR: 9102, ObjectKind.KOS: 9103, ObjectKind.SC: 9104}
_DESCRIPTION = {
    ObjectKind.SEG: "OsteoNode vertebral bodies",
    ObjectKind.SR: "OsteoNode bone report",
    ObjectKind.KOS: "OsteoNode urgent finding",
    ObjectKind.SC: "OsteoNode bone picture",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingContext:
    """The circumstances of an encoding.

    Parameters
    ----------
    now
        When the objects are made, in the site's time zone.
    pseudonyms
        What makes keyed digests: tracking UIDs follow from the patient's.
    station
        The node's AE title, which names the observer in the report.
    previous_report
        The report of an earlier revision that the new one supersedes.
    """

    now: datetime.datetime
    pseudonyms: Pseudonymizer
    station: str
    triage: Triage
    previous_report: OutgoingObject | None = None

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("the time of encoding must carry a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The UIDs and texts of the objects that one result makes."""

    work: str
    pipeline: str
    patient: str
    is_research: bool

    @classmethod
    def of(cls, result: Result, header: Dataset, context: EncodingContext) -> Names:
        """The names of a result's objects on images with this header."""
        return cls(
            work=work_digest(result),
            pipeline=result.pipeline,
            patient=tracked_patient(header, result.study_uid, context.pseudonyms),
            is_research=result.provenance.intended_use is IntendedUse.RESEARCH,
        )

    def instance_uid(self, kind: ObjectKind) -> Uid:
        """SOP Instance UID."""
        return object_uid(self.work, kind, Named.INSTANCE)

    def series_uid(self, kind: ObjectKind) -> Uid:
        """Series Instance UID."""
        return object_uid(self.work, kind, Named.SERIES)

    def dimensions_uid(self) -> Uid:
        """Dimension Organization UID of the segmentation."""
        return object_uid(self.work, ObjectKind.SEG, Named.DIMENSIONS)

    def series_number(self, kind: ObjectKind) -> int:
        """Series Number."""
        return _SERIES_NUMBER[kind]

    def description(self, kind: ObjectKind) -> str:
        """Series Description; says RESEARCH where that is the intended use."""
        return f"{_DESCRIPTION[kind]} RESEARCH" if self.is_research else _DESCRIPTION[kind]

    def tracking_uid(self, level: VertebralLevel | None, ordinal: int, structure: Structure = Structure.BODY) -> Uid:
        """What follows one structure of one vertebra through the patient's studies."""
        if level is None:
            return unnamed_tracking_uid(self.work, ordinal, structure)
        return level_tracking_uid(self.patient, self.pipeline, level, structure)

    def screening_uid(self) -> Uid:
        """What follows the screening statement through the patient's studies."""
        return derived_uid("tracking-screening", self.patient, self.pipeline)
