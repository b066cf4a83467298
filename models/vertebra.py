"""What segmentation found: vertebrae with their names, and the label map that shows their bodies."""

from __future__ import annotations

import math
from dataclasses import dataclass

from node.domain.confidence import LevelConfidence
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import LabelMap

#: Segment value of the first vertebra without a name; named ones have their VerSe number, which is below.
FIRST_UNNAMED_VALUE = 101

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertebra:
    """One vertebra that was found, and what speaks against measuring it.

    Parameters
    ----------
    level
        Its name; `None` where the level is uncertain, and then `reasons` says why.
    ordinal
        Counts the vertebrae found from the head, from 1.
    confidence
        How sure the likeliest name is, also where it was not given; `None` where no landmark was seen.
    centroid_lps_mm
        Of the body's mask, in the volume's frame of reference.
    up_lps
        Unit vector along the spine at this body, towards the head.
    segment_value
        The body's value in the label map.
    reasons
        Why no number may be taken from it; empty where it can be measured.
    likeliest
        The name that would be given if it were sure: to judge levels by, and for no report.
    """

    level: VertebralLevel | None
    ordinal: int
    confidence: LevelConfidence | None
    centroid_lps_mm: Vector
    up_lps: Vector
    segment_value: int
    reasons: tuple[Reason, ...] = ()
    likeliest: VertebralLevel | None = None

    def __post_init__(self) -> None:
        if self.ordinal < 1:
            raise ValueError(f"vertebrae are counted from 1, got {self.ordinal}")
        if abs(math.hypot(*self.up_lps) - 1.0) > 1e-3:
            raise ValueError(f"up_lps must have length 1, got {self.up_lps}")
        if self.level is None and not self.reasons:
            raise ValueError("a vertebra without a level must say why")

    @property
    def is_measurable(self) -> bool:
        """Whether it has a name and nothing speaks against measuring it."""
        return self.level is not None and not self.reasons

    @property
    def is_truncated(self) -> bool:
        """Whether the scan ends inside the body."""
        return any(reason.code is ReasonCode.LEVEL_TRUNCATED for reason in self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpineSegmentation:
    """The vertebral bodies in a volume.

    Parameters
    ----------
    label_map
        One segment a body, on voxels of the volume in the box that holds the bodies; its value is the VerSe number of
        the level, or `FIRST_UNNAMED_VALUE` and up for bodies without a name, counted from the head.
    vertebrae
        From head to foot, one a segment.
    limitations
        What could not be checked, in sentences for the report.
    """

    label_map: LabelMap
    vertebrae: tuple[Vertebra, ...]
    limitations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = sorted(vertebra.segment_value for vertebra in self.vertebrae)
        if values != [segment.value for segment in self.label_map.segments]:
            raise ValueError(f"every vertebra must have one segment, got vertebrae with {values}")
