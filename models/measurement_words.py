"""What stands beside the picture of a measurement: numbers with their units, or why there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HU_BAND_HIGH_ABOVE, HU_BAND_LOW_BELOW, HuBand, MeanDensity
from node.domain.calibration import CalibrationMethod
from node.domain.classifier import ClassifierAnswer
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.levels import VertebralLevel
from node.domain.measurement import NotMeasurable, Quantity
from node.domain.provenance import IntendedUse, Provenance
from node.domain.reasons import Reason
from node.domain.whole_numbers import whole

#: Stands on every picture that a model made which no site has released.
RESEARCH = "RESEARCH - not for clinical use"

_CALIBRATED = {
    CalibrationMethod.PHANTOM: "calibrated by a phantom in the same scan",
    CalibrationMethod.ASYNCHRONOUS: "calibrated on this scanner, phantom on another day",
    CalibrationMethod.INTERNAL: "calibrated by the patient's own tissues",
}
_BANDS = {
    HuBand.LOW: f"low: below {HU_BAND_LOW_BELOW:.0f} HU",
    HuBand.INDETERMINATE: f"indeterminate: {HU_BAND_LOW_BELOW:.0f} to {HU_BAND_HIGH_ABOVE:.0f} HU",
    HuBand.HIGH: f"high: above {HU_BAND_HIGH_ABOVE:.0f} HU",
}


class Tone(Enum):
    """How a line is to be read."""

    NUMBER = "number"
    PLAIN = "plain"
    WARNING = "warning"
    SMALL = "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence, to be broken where it is too long."""

    text: str
    tone: Tone = Tone.PLAIN


def words_of(finding: VertebraFinding) -> tuple[Line, ...]:
    """What was measured in a vertebra and how sure its name is, or why nothing was."""
    confidence = finding.level_confidence
    sure = () if confidence is None else (Line(text=f"level {confidence}"),)
    if finding.status is not Status.ASSESSED:
        return (*sure, Line(text="Not evaluable", tone=Tone.WARNING), *_because(finding.reasons))
    return (*sure, *_attenuation(finding), *_density(finding))


def _attenuation(finding: VertebraFinding) -> tuple[Line, ...]:
    mean = finding.measurement(Quantity.CORE_MEAN_HU)
    if mean is None:
        return ()
    lines = [Line(text=f"{whole(mean.value, HuBand.of)} HU", tone=Tone.NUMBER)]
    if mean.interval_95 is not None:
        low, high = mean.interval_95
        lines.append(Line(text=f"mean of the core; {low:.0f} to {high:.0f} HU by where it lies (95 %)"))
    deviation, volume = finding.value(Quantity.CORE_SD_HU), finding.value(Quantity.CORE_VOLUME)
    if deviation is not None and volume is not None:
        lines.append(Line(text=f"standard deviation {deviation:.0f} HU, core {volume / 1000.0:.1f} cm³"))
    return tuple(lines)


def _density(finding: VertebraFinding) -> tuple[Line, ...]:
    density = finding.measurement(Quantity.BMD)
    if density is not None and density.interval_95 is not None and density.calibration is not None:
        value, low, high = (whole(each, BoneCategory.of) for each in (density.value, *density.interval_95))
        return (
            Line(text=f"{value} mg/cm³", tone=Tone.NUMBER),
            Line(text=f"{low} to {high} mg/cm³ (95 %), {_CALIBRATED[density.calibration]}"),
        )
    return tuple(
        Line(text=f"No density: {each.reason.text}", tone=Tone.WARNING)
        for each in finding.measurements
        if isinstance(each, NotMeasurable) and each.quantity is Quantity.BMD
    )


def summary_of(findings: CtBoneFindings, *, besides: Sequence[VertebralLevel]) -> tuple[Line, ...]:
    """What the levels say together, why not more, why levels that were asked for have no panel, and what stands in.

    Reasons that stand beside a panel already are not said again.

    Parameters
    ----------
    besides
        Levels that have a panel of their own.
    """
    screening = findings.screening
    lines = []
    if screening is not None and screening.density is not None:
        lines += _category(screening.density, screening.levels, is_told=screening.method == "calibrated-bmd")
    if screening is not None and screening.hu_band is not None:
        # a category says more, and two headlines could be taken for one
        tone = Tone.NUMBER if screening.density is None else Tone.PLAIN
        lines.append(Line(text=f"L1 is {_BANDS[screening.hu_band]}, uncalibrated", tone=tone))
        lines.append(Line(text="A band of CT numbers is no bone density and no diagnosis."))
        lines += [Line(text=sentence, tone=Tone.WARNING) for sentence in screening.told_of_band(findings.l1_hu)]
    if screening is not None and screening.answer is not None:
        lines += _answer(screening.answer)
    if screening is not None and screening.indeterminate is not None:
        lines.insert(0, Line(text="Indeterminate", tone=Tone.NUMBER))
    if not lines:
        lines.append(Line(text="No statement about bone density", tone=Tone.WARNING))
    if findings.offer:
        lines.append(Line(text=findings.offer))
    return (*lines, *_why_not(findings, besides))


def _why_not(findings: CtBoneFindings, besides: Sequence[VertebralLevel]) -> Iterator[Line]:
    """The reasons in their order, behind the levels that are missing for them; not those that stand beside a panel."""
    missing: dict[Reason, list[str]] = {}
    for vertebra in findings.vertebrae:
        if vertebra.segment_value is None and vertebra.level is not None and vertebra.level not in besides:
            for reason in vertebra.reasons:
                missing.setdefault(reason, []).append(vertebra.level)
    beside = {reason for vertebra in findings.vertebrae if vertebra.level in besides for reason in vertebra.reasons}
    for reason in dict.fromkeys((*findings.reasons, *missing)):
        whose = f"{' and '.join(missing[reason])}: " if reason in missing else ""
        if whose or reason not in beside:
            yield Line(text=f"{whose}{reason.text}", tone=Tone.WARNING)


def _category(density: MeanDensity, levels: Sequence[VertebralLevel], *, is_told: bool) -> list[Line]:
    """The mean; its category as a headline, unless that is indeterminate."""
    value, low, high = (whole(each, BoneCategory.of) for each in (density.value, *density.interval_95))
    reached = " and ".join(category.value for category in density.also_possible)
    mean = f"Mean of {' and '.join(levels)}: {value} mg/cm³, {low} to {high} mg/cm³ (95 %)"
    headline = [Line(text=f"{density.category.value.capitalize()} range", tone=Tone.NUMBER)] if is_told else []
    return [*headline, Line(text=f"{mean}{f'; this reaches {reached}' if reached else ''}. No diagnosis.")]


def _answer(answer: ClassifierAnswer) -> list[Line]:
    ranked = sorted(BoneCategory, key=answer.probability, reverse=True)
    told = ", ".join(f"{category} {answer.probability(category):.2f}" for category in ranked)
    return [Line(text=f"Classifier, by {' and '.join(answer.levels)}: {told} ({answer.word})")]


def _because(reasons: Sequence[Reason]) -> list[Line]:
    return [Line(text=reason.text, tone=Tone.WARNING) for reason in dict.fromkeys(reasons)]


def made_by(provenance: Provenance) -> str:
    """The networks and the program."""
    models = [f"{model.name} {model.version}" for model in provenance.models]
    return ", ".join((*models, f"OsteoNode {provenance.code_version}"))


def notice(provenance: Provenance) -> str:
    """What must stand on the picture because of what made it; empty where nothing must."""
    return RESEARCH if provenance.intended_use is IntendedUse.RESEARCH else ""
