"""CT numbers of the tissues of a scan of the second family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from node.domain.levels import VertebralLevel


class Palette(Protocol):
    """What tissues of one person in one scan look like, HU; every draw may take from the generator what it needs."""

    def marrow(self, rng: np.random.Generator) -> float:
        """Of ribs and pelvis."""
        ...

    def marrow_of(self, level: VertebralLevel | None, marrow: float, rng: np.random.Generator) -> float:
        """Of one vertebra; `None` for a cervical or sacral one."""
        ...

    def skin(self, rng: np.random.Generator) -> float:
        """The outermost layer."""
        ...

    def fat(self, rng: np.random.Generator) -> float:
        """Under the skin."""
        ...

    def wall_muscle(self, rng: np.random.Generator) -> float:
        """Around the trunk."""
        ...

    def inner_fat(self, rng: np.random.Generator) -> float:
        """Between the organs."""
        ...

    def back_muscle(self, rng: np.random.Generator) -> float:
        """Beside the spine."""
        ...

    def heart(self, rng: np.random.Generator) -> float:
        """Blood and muscle of the heart."""
        ...

    def blood(self, rng: np.random.Generator) -> float:
        """In the aorta."""
        ...

    def organ_gain(self, rng: np.random.Generator) -> float:
        """By how much contrast agent makes organs brighter."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WidePalette:
    """Tissues of anybody, on any scanner.

    Parameters
    ----------
    enhanced
        Whether there is contrast agent.
    """

    enhanced: bool

    def marrow(self, rng: np.random.Generator) -> float:
        """From osteoporotic to young."""
        return float(rng.uniform(15.0, 270.0))

    def marrow_of(self, level: VertebralLevel | None, marrow: float, rng: np.random.Generator) -> float:
        """Neighbours differ a little."""
        return marrow + rng.normal(0.0, 14.0)

    def skin(self, rng: np.random.Generator) -> float:
        """Between fat and muscle."""
        return float(rng.uniform(-20.0, 40.0))

    def fat(self, rng: np.random.Generator) -> float:
        """Near -105 HU."""
        return float(rng.normal(-105.0, 8.0))

    def wall_muscle(self, rng: np.random.Generator) -> float:
        """Near 50 HU."""
        return float(rng.uniform(35.0, 65.0))

    def inner_fat(self, rng: np.random.Generator) -> float:
        """Near -98 HU."""
        return float(rng.normal(-98.0, 10.0))

    def back_muscle(self, rng: np.random.Generator) -> float:
        """Wasted to well filled."""
        return float(rng.uniform(20.0, 62.0))

    def heart(self, rng: np.random.Generator) -> float:
        """As blood, less bright with contrast agent."""
        return float(rng.uniform(90.0, 280.0)) if self.enhanced else float(rng.uniform(30.0, 55.0))

    def blood(self, rng: np.random.Generator) -> float:
        """Any phase with contrast agent."""
        return float(rng.uniform(100.0, 330.0)) if self.enhanced else float(rng.uniform(30.0, 52.0))

    def organ_gain(self, rng: np.random.Generator) -> float:
        """None without contrast agent."""
        return float(rng.uniform(20.0, 110.0)) if self.enhanced else 0.0
