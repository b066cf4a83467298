"""From crops of vertebral bodies to findings about bone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from models.attenuation import measure_attenuation
from models.crops import BodyCrop, SpineCrops
from models.density import DensityRule
from models.fracture_words import told_of_fractures
from models.heights import height_measurements
from models.mean_density import density_alone, mean_density
from models.next_level import LUMBAR, SCREENED, levels_of_category, offered_instead, one_alone
from models.parallel import for_each
from models.soundness import UNSOUND, Soundness, judge_soundness
from models.withheld import why_withheld, withheld_from_classifier
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.bone_screening import BoneScreening
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierAnswer
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity
from node.domain.reasons import Reason, ReasonCode

#: Vertebrae that a report always speaks of, found or not.
ASKED_FOR = (VertebralLevel.L1, VertebralLevel.L2)

FOR_WHOM = "The limits of 80 and 120 mg/cm3 are those of women after the menopause and of older men, and of no others."
BY_OWN_TISSUES = (
    "Densities are calibrated by the patient's own tissues and by no phantom: they were off by 12.6 mg/cm3 with a "
    "standard deviation of 13.2 where this was studied (JBMR 2023)."
)
UNCALIBRATED = "CT numbers are not calibrated to bone mineral density; tube voltage and contrast agent change them."


#: Asks the classifier about a scan of which some vertebrae must not be shown to it.
Ask = Callable[[Mapping[VertebralLevel, Reason]], ClassifierAnswer | Reason]


def measure_bone(spine: SpineCrops, rule: DensityRule, ask: Ask | None = None) -> CtBoneFindings:
    """CT numbers, and densities where they are calibrated, of every vertebra that has a certain level and is whole.

    L1 gives the uncalibrated statement about bone density, the highest two of L1 to L3 together the category. Whatever
    is uncertain, cut, missing or not sound carries its reason instead of a number. What speaks against a density in the
    whole scan is told first, whether its vertebrae have names or not.

    Parameters
    ----------
    ask
        The classifier of the same scan; `None` where there is none.
    """
    judged = zip(spine.crops, judge_soundness(spine.crops), strict=True)
    found = tuple(for_each(partial(_finding, rule=rule), judged))
    named = {finding.level for finding in found}
    missing = tuple(_missing(level, found) for level in ASKED_FOR if level not in named)
    vertebrae = (*found, *missing)
    screened = next(finding for finding in vertebrae if finding.level is SCREENED)
    assessed = any(finding.status is Status.ASSESSED for finding in vertebrae)
    hu = screened.value(Quantity.CORE_MEAN_HU)
    band = None if hu is None else why_withheld(screened) or rule.band(hu)
    density = mean_density(vertebrae)
    answer = None if ask is None or hu is None else _answer(ask, rule, vertebrae)
    screening = _screening(
        None if isinstance(band, Reason) else band, density, None if isinstance(answer, Reason) else answer, vertebrae
    )
    unsaid = (*_unsaid(band, screened, vertebrae, density), *_unanswered(answer, screening))
    # first what no other image of this scan and no name would mend
    reasons = (*rule.against_any_density, *(unsaid if assessed else _of_all(vertebrae)))
    limitations = (*rule.limitations, *_limitations(vertebrae), *_of_classifier(answer), *spine.limitations)
    return CtBoneFindings(
        status=Status.ASSESSED if assessed else Status.NOT_EVALUABLE,
        reasons=tuple(dict.fromkeys(reasons)),
        vertebrae=vertebrae,
        screening=screening,
        limitations=tuple(dict.fromkeys(limitations)),
        contrast=rule.contrast.phase,
        references=spine.references,
        offered=offered_instead(vertebrae),
    )


def not_evaluable(reason: Reason) -> CtBoneFindings:
    """The findings of a scan in which nothing could be evaluated: L1 and L2 carry the reason."""
    vertebrae = tuple(
        VertebraFinding(level=level, status=Status.NOT_EVALUABLE, reasons=(reason,)) for level in ASKED_FOR
    )
    return CtBoneFindings(
        status=Status.NOT_EVALUABLE, reasons=(reason,), vertebrae=vertebrae, limitations=_limitations(())
    )


def _limitations(vertebrae: Sequence[VertebraFinding]) -> tuple[str, ...]:
    densities = [density for vertebra in vertebrae if (density := vertebra.measurement(Quantity.BMD)) is not None]
    internal = any(density.calibration is CalibrationMethod.INTERNAL for density in densities)
    calibrated = (FOR_WHOM, BY_OWN_TISSUES) if internal else (FOR_WHOM,)
    alone = one_alone(vertebrae)
    return (
        *told_of_fractures(vertebrae),
        *(calibrated if densities else (UNCALIBRATED,)),
        *(() if alone is None else (alone,)),
    )


def _of_classifier(answer: ClassifierAnswer | Reason | None) -> tuple[str, ...]:
    """For whom its categories are, and what it has learned from: how far it can be trusted begins there."""
    if not isinstance(answer, ClassifierAnswer):
        return ()
    return (FOR_WHOM, *((f"The classifier has learned from: {answer.learned_from}",) if answer.learned_from else ()))


def _unsaid(
    band: HuBand | Reason | None,
    screened: VertebraFinding,
    vertebrae: Sequence[VertebraFinding],
    density: MeanDensity | Reason | None,
) -> tuple[Reason, ...]:
    """Why there is no uncalibrated statement, and why no density and no category where these were asked for."""
    refused = [reason for vertebra in vertebrae for reason in vertebra.refusals(Quantity.BMD)]
    asked = any(_is_asked_for(vertebra) for vertebra in vertebrae)
    if asked and not isinstance(density, MeanDensity):
        refused += [reason for vertebra in vertebrae if vertebra.level in LUMBAR for reason in vertebra.reasons]
    if isinstance(density, Reason):
        refused.append(density)
    return (
        *((band,) if isinstance(band, Reason) else (*screened.reasons, *_beside_a_name(screened, vertebrae))),
        *refused,
    )


def _beside_a_name(screened: VertebraFinding, vertebrae: Sequence[VertebraFinding]) -> tuple[Reason, ...]:
    """What else speaks against vertebrae without names, where L1 may be one of them: metal, cement, lesions."""
    if not any(reason.code is ReasonCode.LEVEL_UNCERTAIN for reason in screened.reasons):
        return ()
    unnamed = (vertebra for vertebra in vertebrae if vertebra.level is None)
    return tuple(reason for vertebra in unnamed for reason in vertebra.reasons if reason.code in UNSOUND)


def _is_asked_for(vertebra: VertebraFinding) -> bool:
    return any(measurement.quantity is Quantity.BMD for measurement in vertebra.measurements)


def _answer(ask: Ask, rule: DensityRule, vertebrae: Sequence[VertebraFinding]) -> ClassifierAnswer | Reason:
    """Of the classifier, or why it was not asked."""
    withheld = withheld_from_classifier(rule, vertebrae)
    return withheld if isinstance(withheld, Reason) else ask(withheld)


def _unanswered(answer: ClassifierAnswer | Reason | None, screening: BoneScreening | None) -> tuple[Reason, ...]:
    """Why the classifier says nothing, and why nothing can be said although it did."""
    indeterminate = None if screening is None else screening.indeterminate
    undecided = answer.undecided if isinstance(answer, ClassifierAnswer) else answer
    return tuple(reason for reason in (indeterminate, undecided) if reason is not None)


def _screening(
    band: HuBand | None,
    density: MeanDensity | Reason | None,
    answer: ClassifierAnswer | None,
    vertebrae: Sequence[VertebraFinding],
) -> BoneScreening | None:
    if isinstance(density, MeanDensity):
        return BoneScreening(hu_band=band, density=density, answer=answer, levels=levels_of_category(vertebrae))
    if band is None and answer is None:
        return None
    return BoneScreening(
        hu_band=band,
        answer=answer,
        levels=(SCREENED,) if band is not None or answer is None else answer.levels,
        alone=density_alone(vertebrae),
        apart=density,
    )


def _finding(judged: tuple[BodyCrop, Soundness], *, rule: DensityRule) -> VertebraFinding:
    crop, sound = judged
    vertebra = crop.vertebra
    heights: tuple[Measurement | NotMeasurable, ...] = ()
    attenuation: tuple[Measurement | NotMeasurable, ...] = ()
    densities: tuple[Measurement | NotMeasurable, ...] = ()
    if vertebra.is_measurable and vertebra.level is not None:
        heights = height_measurements(sound.heights, vertebra.level)
    against = sound.reasons or _off_scale(rule)
    if heights and vertebra.level is not None and not against:
        attenuation = measure_attenuation(crop, vertebra.level)
        cores = (measurement for measurement in attenuation if measurement.quantity is Quantity.CORE_MEAN_HU)
        densities = tuple(density for core in cores if (density := rule.density(core)) is not None)
    # a height or a density that is refused leaves a vertebra measured in HU
    refused = [measurement.reason for measurement in attenuation if isinstance(measurement, NotMeasurable)]
    own = (*vertebra.reasons, *sound.reasons)
    reasons = own if vertebra.reasons else against or tuple(refused)
    return VertebraFinding(
        level=vertebra.level,
        status=Status.NOT_EVALUABLE if reasons else Status.ASSESSED,
        reasons=tuple(dict.fromkeys(reasons)),
        ordinal=vertebra.ordinal,
        level_confidence=vertebra.confidence,
        centroid_lps_mm=vertebra.centroid_lps_mm,
        segment_value=vertebra.segment_value,
        measurements=(*attenuation, *densities, *heights),
        height_loss=sound.loss if heights else None,
    )


def _off_scale(rule: DensityRule) -> tuple[Reason, ...]:
    """Why no CT number of the scan is one: heights hold on any scale."""
    return () if rule.off_scale is None else (rule.off_scale,)


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


def _of_all(vertebrae: Sequence[VertebraFinding]) -> tuple[Reason, ...]:
    """The reasons of all vertebrae, those of the levels that were asked for first."""
    ordered = sorted(vertebrae, key=lambda vertebra: vertebra.level not in ASKED_FOR)
    return tuple(reason for vertebra in ordered for reason in vertebra.reasons)
