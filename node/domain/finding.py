"""What the pipelines found: vertebrae, what was measured in them, and what that says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.domain.bone_screening import BoneScreening
from node.domain.confidence import LevelConfidence
from node.domain.contrast import ContrastPhase
from node.domain.height_loss import HeightLoss
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity
from node.domain.reasons import Reason
from node.domain.reference_tissues import TissueReferences


class Status(StrEnum):
    """Whether something was assessed. Not evaluable is a result; failed is the node's own fault."""

    ASSESSED = "assessed"
    NOT_EVALUABLE = "not-evaluable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class VertebraFinding:
    """One vertebra that was in the scan, or that was asked for and was not.

    Parameters
    ----------
    level
        Its name; `None` where the level is uncertain, and then `status` is not evaluable.
    ordinal
        Counts the vertebrae found from the head, from 1; 0 where none was found.
    level_confidence
        How sure the level is, or would be where it was withheld; `None` where it rests on nothing that was seen.
    centroid_lps_mm
        Of the vertebral body, in the frame of reference of the series.
    segment_value
        The body's value in the label map; `None` where it has none.
    height_loss
        Of the body; `None` where it is not known, and fractures were not looked for.
    """

    level: VertebralLevel | None
    status: Status
    reasons: tuple[Reason, ...] = ()
    ordinal: int = 0
    level_confidence: LevelConfidence | None = None
    centroid_lps_mm: tuple[float, float, float] | None = None
    segment_value: int | None = None
    measurements: tuple[Measurement | NotMeasurable, ...] = ()
    height_loss: HeightLoss | None = None

    def __post_init__(self) -> None:
        if self.status is Status.NOT_EVALUABLE and not self.reasons:
            raise ValueError("a vertebra that is not evaluable must say why")
        if self.level is None and self.status is Status.ASSESSED:
            raise ValueError("a vertebra without a level cannot be assessed")
        if self.status is Status.ASSESSED and self.height_loss is not None and self.height_loss.is_fracture:
            raise ValueError("a fractured vertebra cannot be assessed for its bone")
        if any(measurement.site is not self.level for measurement in self.measurements):
            raise ValueError("a measurement must be of the vertebra that carries it")

    def measurement(self, quantity: Quantity) -> Measurement | None:
        """The measurement of a quantity, or `None` where it was not measured."""
        for measurement in self.measurements:
            if isinstance(measurement, Measurement) and measurement.quantity is quantity:
                return measurement
        return None

    def value(self, quantity: Quantity) -> float | None:
        """The measured value of a quantity in its unit, or `None` where it was not measured."""
        measurement = self.measurement(quantity)
        return None if measurement is None else measurement.value

    def refusals(self, quantity: Quantity) -> tuple[Reason, ...]:
        """Why a quantity that was asked for was not measured."""
        return tuple(
            measurement.reason
            for measurement in self.measurements
            if isinstance(measurement, NotMeasurable) and measurement.quantity is quantity
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CtBoneFindings:
    """What the pipeline `ct-bone` found in one series.

    Parameters
    ----------
    contrast
        What blood in the aorta and the headers say; `None` where nobody asked.
    references
        What tissues around the spine read; `None` where no spine was found.
    offered
        The nearest vertebra that was measured where L1 was not: a number that no limit of L1 holds for. `None` where
        L1 was measured, and where nothing was.
    """

    status: Status
    reasons: tuple[Reason, ...] = ()
    vertebrae: tuple[VertebraFinding, ...] = ()
    screening: BoneScreening | None = None
    limitations: tuple[str, ...] = ()
    contrast: ContrastPhase | None = None
    references: TissueReferences | None = None
    offered: VertebralLevel | None = None

    def __post_init__(self) -> None:
        if self.status is Status.NOT_EVALUABLE and not self.reasons:
            raise ValueError("findings that are not evaluable must say why")
        levels = [vertebra.level for vertebra in self.vertebrae if vertebra.level is not None]
        if len(levels) != len(set(levels)):
            raise ValueError(f"every level may be there once, got {levels}")
        if self.offered is not None and self.offered not in levels:
            raise ValueError(f"only a vertebra that is there can be offered, got {self.offered}")

    @property
    def l1_hu(self) -> float | None:
        """Mean CT number of the L1 core, HU, as it is in the images; `None` where it was not measured."""
        found = (each for each in self.vertebrae if each.level is VertebralLevel.L1)
        return next((each.value(Quantity.CORE_MEAN_HU) for each in found), None)

    @property
    def offer(self) -> str:
        """What is said of the vertebra that is offered instead of L1; empty where none is."""
        if self.offered is None:
            return ""
        (found,) = (each for each in self.vertebrae if each.level is self.offered)
        hu = found.value(Quantity.CORE_MEAN_HU)
        told = "" if hu is None else f", with a core of {hu:.0f} HU"
        return (
            f"L1 was not measured. {self.offered} is the nearest vertebra that was{told}. The limits of L1 do not hold "
            "for it: CT numbers rise towards the head."
        )
