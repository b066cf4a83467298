"""From crops of vertebral bodies to findings about bone."""

from __future__ import annotations

from collections.abc import Sequence

from models.attenuation import measure_attenuation
from models.crops import BodyCrop, SpineCrops
from models.parallel import for_each
from node.domain.finding import BoneScreening, CtBoneFindings, HuBand, Status, VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import NotMeasurable, Quantity
from node.domain.reasons import Reason, ReasonCode

#: Vertebrae that a report always speaks of, found or not.
ASKED_FOR = (VertebralLevel.L1, VertebralLevel.L2)

#: The statement about bone density rests on this one alone: its limits in HU hold for no other.
SCREENED = VertebralLevel.L1

LIMITATIONS = (
    "CT numbers are not calibrated to bone mineral density; tube voltage and contrast agent change them.",
    "Fractures, implants and bone lesions are not looked for; a fractured vertebra reads too dense.",
)


def measure_bone(spine: SpineCrops) -> CtBoneFindings:
    """CT numbers of every vertebra that has a certain level and is whole, and what L1 says about bone density.

    Whatever is uncertain, cut or missing carries its reason instead of a number.
    """
    found = tuple(for_each(_finding, spine.crops))
    named = {finding.level for finding in found}
    missing = tuple(_missing(level, found) for level in ASKED_FOR if level not in named)
    vertebrae = (*found, *missing)
    screened = next(finding for finding in vertebrae if finding.level is SCREENED)
    assessed = any(finding.status is Status.ASSESSED for finding in vertebrae)
    reasons = screened.reasons if assessed else _distinct(vertebrae)
    hu = screened.value(Quantity.CORE_MEAN_HU)
    return CtBoneFindings(
        status=Status.ASSESSED if assessed else Status.NOT_EVALUABLE,
        reasons=reasons,
        vertebrae=vertebrae,
        screening=None if hu is None else BoneScreening(hu_band=HuBand.of(hu), levels=(SCREENED,)),
        limitations=(*LIMITATIONS, *spine.limitations),
    )


def not_evaluable(reason: Reason) -> CtBoneFindings:
    """The findings of a scan in which nothing could be evaluated: L1 and L2 carry the reason."""
    vertebrae = tuple(
        VertebraFinding(level=level, status=Status.NOT_EVALUABLE, reasons=(reason,)) for level in ASKED_FOR
    )
    return CtBoneFindings(status=Status.NOT_EVALUABLE, reasons=(reason,), vertebrae=vertebrae, limitations=LIMITATIONS)


def _finding(crop: BodyCrop) -> VertebraFinding:
    vertebra = crop.vertebra
    measurements = (
        measure_attenuation(crop, vertebra.level) if vertebra.is_measurable and vertebra.level is not None else ()
    )
    refused = [measurement.reason for measurement in measurements if isinstance(measurement, NotMeasurable)]
    reasons = vertebra.reasons or tuple(dict.fromkeys(refused))
    return VertebraFinding(
        level=vertebra.level,
        status=Status.NOT_EVALUABLE if reasons else Status.ASSESSED,
        reasons=reasons,
        ordinal=vertebra.ordinal,
        level_confidence=vertebra.confidence,
        centroid_lps_mm=vertebra.centroid_lps_mm,
        segment_value=vertebra.segment_value,
        measurements=measurements,
    )


def _missing(level: VertebralLevel, found: Sequence[VertebraFinding]) -> VertebraFinding:
    """The entry of a level that was asked for and has no vertebra."""
    if any(finding.level is None for finding in found):
        detail = "It may be among the vertebrae that could not be named."
        reason = Reason(code=ReasonCode.LEVEL_UNCERTAIN, detail=detail)
        return VertebraFinding(level=level, status=Status.NOT_EVALUABLE, reasons=(reason,))
    seen = [finding.level for finding in found if finding.level is not None]
    order = list(VertebralLevel)
    if seen and order.index(seen[0]) < order.index(level) < order.index(seen[-1]):
        detail = f"{level} lies between {seen[0]} and {seen[-1]}, which were found, and could not be drawn."
        reason = Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=detail)
    else:
        detail = f"The scan shows {seen[0]} to {seen[-1]}." if seen else ""
        reason = Reason(code=ReasonCode.LEVEL_NOT_COVERED, detail=detail)
    return VertebraFinding(level=level, status=Status.NOT_EVALUABLE, reasons=(reason,))


def _distinct(vertebrae: Sequence[VertebraFinding]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for vertebra in vertebrae for reason in vertebra.reasons))
