"""Whether the measurement and the classifier of bone density say the same."""

from __future__ import annotations

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.classifier import DECIDED_FROM, ClassifierAnswer
from node.domain.reasons import Reason, ReasonCode
from node.domain.whole_numbers import whole

#: The uncalibrated statement speaks of osteoporosis by DXA alone: it contradicts the other end of the categories.
_CONTRADICTED = {HuBand.LOW: BoneCategory.NORMAL, HuBand.HIGH: BoneCategory.OSTEOPOROSIS}


def contradicts(band: HuBand | None, category: BoneCategory | None) -> bool:
    """Whether a band and a category are at opposite ends; without either nothing is."""
    return band is not None and category is not None and _CONTRADICTED.get(band) is category


def why_they_disagree(
    band: HuBand | None, density: MeanDensity | None, answer: ClassifierAnswer | None
) -> Reason | None:
    """Why the two answers cannot both be right; `None` where they can, or where there is only one.

    A density agrees where the category is one that its interval reaches; where there is none, the most probable one may
    lie beyond as long as those that it reaches have half of the probability. Without a density the band is asked: a low
    one contradicts normal bone, a high one osteoporosis.
    """
    if answer is None:
        return None
    first = answer.most_probable
    told = f"the classifier {first} ({answer.word} {answer.probability(first):.2f})"
    if density is not None:
        reached = {density.category, *density.also_possible}
        if first in reached or sum(map(answer.probability, reached)) >= DECIDED_FROM:
            return None
        value, low, high = (whole(each, BoneCategory.of) for each in (density.value, *density.interval_95))
        measured = f"The measurement says {density.category} ({value} mg/cm3, {low} to {high})"
        return Reason(code=ReasonCode.ANSWERS_DISAGREE, detail=f"{measured}, {told}.")
    if contradicts(band, answer.category):
        return Reason(code=ReasonCode.ANSWERS_DISAGREE, detail=f"The CT number band of L1 is {band}, {told}.")
    return None
