"""What a scan says about bone density: the measurement and the classifier, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.levels import VertebralLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class BoneScreening:
    """What the levels together say about bone density.

    Parameters
    ----------
    hu_band
        The uncalibrated statement, of L1 alone; `None` where its limits do not hold.
    levels
        That the two rest on.
    density
        The mean calibrated density of two lumbar vertebrae, the highest two of L1 to L3 that have one; `None` where
        fewer have one.
    """

    hu_band: HuBand | None
    levels: tuple[VertebralLevel, ...]
    density: MeanDensity | None = None

    def __post_init__(self) -> None:
        if self.hu_band is None and self.density is None:
            raise ValueError("a screening must say something")

    @property
    def category(self) -> BoneCategory | None:
        """By the mean density; `None` where there is none."""
        return None if self.density is None else self.density.category
