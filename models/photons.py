"""CT numbers of known materials at the energy that a scanner's beam acts like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

#: Energies of the coefficients below, keV; beams of 70 to 150 kV act like one of 50 to 85.
ENERGIES_KEV = tuple(float(energy) for energy in range(40, 125, 5))

_WATER = (
    0.2683, 0.2436, 0.2269, 0.2149, 0.2059, 0.1987, 0.1929, 0.1879, 0.1837,
    0.1799, 0.1766, 0.1735, 0.1707, 0.1681, 0.1657, 0.1635, 0.1614,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a tissue, or what is dissolved in it, does to photons.

    Coefficients are those of Elam, Ravel and Sieber (2002), which agree with the tables of NIST within 0.0001 cm2/g;
    compositions of tissues are those of ICRU report 44.

    Parameters
    ----------
    density_g_cm3
        Of the pure material.
    coefficients_cm2_g
        Mass attenuation at `ENERGIES_KEV`, coherent scattering included.
    """

    density_g_cm3: float
    coefficients_cm2_g: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.coefficients_cm2_g) != len(ENERGIES_KEV):
            raise ValueError(f"{len(ENERGIES_KEV)} coefficients are needed, got {len(self.coefficients_cm2_g)}")

    def hounsfield(self, energy_kev: float) -> float:
        """CT number of the pure material, HU.

        Raises
        ------
        ValueError
            Where the energy lies beyond `ENERGIES_KEV`.
        """
        water = _at(_WATER, energy_kev)
        return 1000.0 * (_at(self.coefficients_cm2_g, energy_kev) * self.density_g_cm3 / water - 1.0)

    def hu_per_mg_cm3(self, energy_kev: float) -> float:
        """By how much a mg/cm3 of it in water raises the CT number, HU; it takes the place of some water.

        Raises
        ------
        ValueError
            Where the energy lies beyond `ENERGIES_KEV`.
        """
        water = _at(_WATER, energy_kev)
        return (_at(self.coefficients_cm2_g, energy_kev) - water / self.density_g_cm3) / water

    @classmethod
    def of(cls, density_g_cm3: float, *coefficients_cm2_g: float) -> Self:
        """A material by its density, g/cm3, and its coefficients, cm2/g."""
        return cls(density_g_cm3=density_g_cm3, coefficients_cm2_g=coefficients_cm2_g)


def _at(coefficients: tuple[float, ...], energy_kev: float) -> float:
    if not ENERGIES_KEV[0] <= energy_kev <= ENERGIES_KEV[-1]:
        raise ValueError(f"energies are known from {ENERGIES_KEV[0]:g} to {ENERGIES_KEV[-1]:g} keV, got {energy_kev:g}")
    # nearly straight lines where both axes are logarithmic
    return float(np.exp(np.interp(np.log(energy_kev), np.log(ENERGIES_KEV), np.log(coefficients))))


# fmt: off
ADIPOSE = Material.of(
    0.95,
    0.2396, 0.2235, 0.2123, 0.2039, 0.1974, 0.1920, 0.1875, 0.1835, 0.1800,
    0.1769, 0.1740, 0.1713, 0.1688, 0.1665, 0.1643, 0.1622, 0.1602,
)
#: Fat without water or protein.
LIPID = Material.of(
    0.92,
    0.2295, 0.2166, 0.2075, 0.2004, 0.1948, 0.1901, 0.1860, 0.1824, 0.1792,
    0.1763, 0.1736, 0.1710, 0.1686, 0.1664, 0.1643, 0.1623, 0.1603,
)
MUSCLE = Material.of(
    1.05,
    0.2685, 0.2433, 0.2263, 0.2140, 0.2048, 0.1975, 0.1916, 0.1866, 0.1823,
    0.1785, 0.1751, 0.1721, 0.1693, 0.1667, 0.1643, 0.1621, 0.1599,
)
BLOOD = Material.of(
    1.06,
    0.2715, 0.2454, 0.2278, 0.2152, 0.2057, 0.1982, 0.1921, 0.1871, 0.1827,
    0.1788, 0.1754, 0.1723, 0.1695, 0.1669, 0.1645, 0.1622, 0.1601,
)
HYDROXYAPATITE = Material.of(
    3.16,
    0.9876, 0.7436, 0.5866, 0.4808, 0.4067, 0.3530, 0.3131, 0.2827, 0.2589,
    0.2401, 0.2248, 0.2123, 0.2019, 0.1931, 0.1856, 0.1791, 0.1734,
)
#: K2HPO4, what the rods of some phantoms hold.
POTASSIUM_PHOSPHATE = Material.of(
    2.44,
    0.9327, 0.7043, 0.5574, 0.4584, 0.3891, 0.3389, 0.3015, 0.2730, 0.2508,
    0.2331, 0.2188, 0.2070, 0.1972, 0.1888, 0.1817, 0.1756, 0.1702,
)
#: Contrast agent is its iodine; density of the solid, which a mg/ml of it takes the place of.
IODINE = Material.of(
    4.93,
    22.0958, 16.2613, 12.3235, 9.5629, 7.5770, 6.1157, 5.0156, 4.1706, 3.5103,
    2.9863, 2.5653, 2.2231, 1.9422, 1.7094, 1.5147, 1.3507, 1.2114,
)
# fmt: on
