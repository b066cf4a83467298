"""Whether the measurement and the classifier of bone density say the same."""

from __future__ import annotations

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.classifier import ClassifierAnswer
from node.domain.reasons import Reason, ReasonCode
from node.domain.whole_numbers import whole

#: The uncalibrated statement speaks of osteoporosis by DXA alone: it contradicts the other end of the categories.
_CONTRADICTED = {HuBand.LOW: BoneCategory.NORMAL, HuBand.HIGH: BoneCategory.OSTEOPOROSIS}


def contradicts(band: HuBand | None, category: BoneCategory) -> bool:
    """Whether a band and a category are at opposite ends."""
    return band is not None and _CONTRADICTED.get(band) is category


def why_they_disagree(
    band: HuBand | None, density: MeanDensity | None, answer: ClassifierAnswer | None
) -> Reason | None:
    """Why the two answers cannot both be right; `None` where they can, or where there is only one.

    A density agrees with every category that its interval reaches. Without a density the band is asked: a low one
    contradicts normal bone, a high one osteoporosis.
    """
    if answer is None:
        return None
    told = f"the classifier {answer.category} ({answer.word} {answer.probability(answer.category):.2f})"
    if density is not None:
        if answer.category in {density.category, *density.also_possible}:
            return None
        value, low, high = (whole(each, BoneCategory.of) for each in (density.value, *density.interval_95))
        measured = f"The measurement says {density.category} ({value} mg/cm3, {low} to {high})"
        return Reason(code=ReasonCode.ANSWERS_DISAGREE, detail=f"{measured}, {told}.")
    if contradicts(band, answer.category):
        return Reason(code=ReasonCode.ANSWERS_DISAGREE, detail=f"The CT number band of L1 is {band}, {told}.")
    return None
