"""Corrections of CT numbers, each with what it adds to their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.beam import effective_energy_kev
from models.photons import HYDROXYAPATITE

# Mean CT number of L1 in 16,747 scans at 100, 120 and 140 kV: 148.1, 140.9 and 131.3 HU (AAPM 2026, conference
# abstract). Who is scanned at which voltage differs, too.
_POPULATION_RATIO = {100.0: 148.1 / 140.9, 140.0: 131.3 / 140.9}

#: One scanner's beams differ from the mean by this at the least (2 keV, plausible choice).
_LEAST_RATIO_SD = 0.03

_USUAL_KVP = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A CT number becomes `scale` times the sum of it and `shift_hu`; both may be uncertain by a standard deviation."""

    scale: float = 1.0
    scale_sd: float = 0.0
    shift_hu: float = 0.0
    shift_sd_hu: float = 0.0

    def value(self, hu: float) -> float:
        """The corrected CT number, HU."""
        return self.scale * (hu + self.shift_hu)

    def uncertainty(self, hu: float, uncertainty_hu: float = 0.0) -> float:
        """Standard uncertainty of the corrected CT number, HU, of one that has a standard uncertainty itself."""
        shifted = self.scale * math.hypot(uncertainty_hu, self.shift_sd_hu)
        return math.hypot(shifted, self.scale_sd * (hu + self.shift_hu))

    def then(self, other: Correction) -> Correction:
        """This one's shift, then the other's scale."""
        return Correction(
            scale=other.scale, scale_sd=other.scale_sd, shift_hu=self.shift_hu, shift_sd_hu=self.shift_sd_hu
        )


NOTHING = Correction()


def as_at_120_kv(kvp: float) -> Correction:
    """What makes the CT number of trabecular bone at a tube voltage one at 120 kV.

    It lies in the middle between what large numbers of people show and what physics says of pure mineral, and is so
    uncertain that it reaches both: physics leaves out that marrow is no brighter, populations leave out who they are.

    Raises
    ------
    ValueError
        Where the tube voltage lies outside of what is assessed.
    """
    end = 100.0 if kvp < _USUAL_KVP else 140.0
    slopes = [HYDROXYAPATITE.hu_per_mg_cm3(effective_energy_kev(each)) for each in (end, _USUAL_KVP)]
    physics, population = slopes[0] / slopes[1], _POPULATION_RATIO[end]
    part = abs(effective_energy_kev(kvp) - effective_energy_kev(_USUAL_KVP)) / abs(
        effective_energy_kev(end) - effective_energy_kev(_USUAL_KVP)
    )
    ratio = 1.0 + part * (0.5 * (physics + population) - 1.0)
    sd = part * max(0.5 * abs(physics - population), _LEAST_RATIO_SD)
    return Correction(scale=1.0 / ratio, scale_sd=sd / ratio**2)
