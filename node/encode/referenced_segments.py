"""The segments that a report refers to."""

from __future__ import annotations

from dataclasses import dataclass

from highdicom import sr

from node.domain.identifiers import Uid
from node.domain.volume import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedSegments:
    """A segmentation: its UIDs, its source series, and the segment of each structure of a vertebra by its value."""

    sop_class_uid: str
    sop_instance_uid: str
    source_series_uid: Uid
    segment_numbers: dict[tuple[Structure, int], int]

    def segment(self, structure: Structure, value: int | None) -> sr.ReferencedSegment | None:
        """A reference to a structure's segment, `None` where it has none.

        By hand: `from_segmentation` fails for label map segmentations and reads all frames for others.
        """
        number = None if value is None else self.segment_numbers.get((structure, value))
        if number is None:
            return None
        return sr.ReferencedSegment(
            sop_class_uid=self.sop_class_uid,
            sop_instance_uid=self.sop_instance_uid,
            segment_number=number,
            source_series=sr.SourceSeriesForSegmentation(self.source_series_uid),
        )
