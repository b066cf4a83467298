"""The beams of synthetic scanners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.errors import ConfigurationError

# Energy of one colour that the beam acts like inside a trunk, keV, by tube voltage, kV. Plausible values: they give
# 120 kV the slope of published calibrations, and scanners differ by their filters.
_ENERGY_KEV = {80.0: 57.0, 100.0: 64.0, 120.0: 70.0, 140.0: 75.0}
_SCANNERS_KEV = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """What CT numbers of materials depend on.

    Parameters
    ----------
    kvp
        Tube voltage, kV.
    energy_kev
        Energy of one colour that the beam acts like, keV.
    """

    kvp: float
    energy_kev: float


def draw_beam(rng: np.random.Generator, kvp: float) -> Beam:
    """The beam of some scanner in some person.

    Raises
    ------
    ConfigurationError
        Where no energy is known for the tube voltage.
    """
    if kvp not in _ENERGY_KEV:
        known = ", ".join(f"{each:g}" for each in _ENERGY_KEV)
        raise ConfigurationError(f"beams are known at {known} kV, got {kvp:g}")
    return Beam(kvp=kvp, energy_kev=_ENERGY_KEV[kvp] + _SCANNERS_KEV * float(rng.standard_normal()))
