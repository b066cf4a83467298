"""What a scan says about bone density: the measurement and the classifier, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from node.domain.agreement import contradicts, why_they_disagree
from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.whole_numbers import whole

#: What a category may rest on: a calibrated density, or one of the classifier's models.
CategoryMethod = Literal["calibrated-bmd"] | ClassifierMethod


#: What is said where the band and a density point in opposite directions, and where a band is not that of its number.
BAND_DIFFERS = (
    "The band and the density say opposite things: the density is calibrated, by a phantom or by the patient's own "
    "tissues, the band is not."
)
BAND_CORRECTED = "The CT number was corrected for tube voltage or contrast agent first, and is less sure for it."


@dataclass(frozen=True, slots=True, kw_only=True)
class BoneScreening:
    """What the levels together say about bone density.

    Parameters
    ----------
    hu_band
        The uncalibrated statement, of L1 alone; `None` where its limits do not hold.
    levels
        That band and density rest on; those of the answer where neither is there.
    density
        The mean calibrated density of two lumbar vertebrae, the highest two of L1 to L3 that have one; `None` where
        fewer have one.
    answer
        Of the classifier; `None` where it was not asked or may not answer.
    alone
        The density of L1 where no other lumbar vertebra has one: too little for a category, and enough to contradict
        the classifier.
    apart
        Why two densities have no mean: they differ more than in one person, so that nothing gives a category.
    """

    hu_band: HuBand | None
    levels: tuple[VertebralLevel, ...]
    density: MeanDensity | None = None
    answer: ClassifierAnswer | None = None
    alone: MeanDensity | None = None
    apart: Reason | None = None

    def __post_init__(self) -> None:
        if self.hu_band is None and self.density is None and self.answer is None:
            raise ValueError("a screening must say something")

    @property
    def disagreement(self) -> Reason | None:
        """Why the measurement and the classifier cannot both be right; `None` where they can."""
        return why_they_disagree(self.hu_band, self.density or self.alone, self.answer)

    @property
    def indeterminate(self) -> Reason | None:
        """Why there is no category although something was measured or answered: the two contradict each other, two
        vertebrae do, the density leaves every category open, or the classifier that is left is undecided.
        """
        if self.disagreement is not None or self.apart is not None:
            return self.disagreement or self.apart
        if self.density is not None and self.density.is_decisive:
            return None
        if self.answer is not None or self.density is None:
            return None if self.answer is None else self.answer.undecided
        low, high = (whole(end, BoneCategory.of) for end in self.density.interval_95)
        return Reason(code=ReasonCode.INTERVAL_TOO_WIDE, detail=f"It goes from {low} to {high} mg/cm3.")

    @property
    def band_differs(self) -> bool:
        """Whether the band of L1, which is not calibrated, says the opposite of a density that is."""
        density = self.density or self.alone
        return density is not None and contradicts(self.hu_band, density.category)

    def told_of_band(self, l1_hu: float | None) -> tuple[str, ...]:
        """What must be said beside the band, in sentences, so that it contradicts no number in silence.

        Parameters
        ----------
        l1_hu
            Mean CT number of the L1 core, as it is in the images.
        """
        is_other = self.hu_band is not None and l1_hu is not None and HuBand.of(l1_hu) is not self.hu_band
        return (*((BAND_CORRECTED,) if is_other else ()), *((BAND_DIFFERS,) if self.band_differs else ()))

    @property
    def method(self) -> CategoryMethod | None:
        """What the category rests on; `None` where there is none."""
        if self.indeterminate is not None:
            return None
        if self.density is not None and self.density.is_decisive:
            return "calibrated-bmd"
        return None if self.answer is None else self.answer.method

    @property
    def category(self) -> BoneCategory | None:
        """By the density where that decides, else by the classifier; `None` where neither is there, and where it is
        indeterminate.
        """
        if self.method is None:
            return None
        if self.density is not None and self.density.is_decisive:
            return self.density.category
        return None if self.answer is None else self.answer.category
