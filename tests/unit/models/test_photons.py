"""CT numbers of known materials."""

from __future__ import annotations

import pytest
import xraydb

from models.photons import (
    ADIPOSE,
    BLOOD,
    ENERGIES_KEV,
    HYDROXYAPATITE,
    IODINE,
    LIPID,
    MUSCLE,
    POTASSIUM_PHOSPHATE,
    Material,
)

# Shares of mass. Tissues: ICRU report 44. Salts and lipid (tripalmitin's kind): by their formulas.
COMPOSITIONS = {
    "adipose": (
        ADIPOSE,
        {"H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Na": 0.001, "S": 0.001, "Cl": 0.001},
    ),
    "lipid": (LIPID, {"H": 0.118, "C": 0.773, "O": 0.109}),
    "muscle": (
        MUSCLE,
        {
            "H": 0.102,
            "C": 0.143,
            "N": 0.034,
            "O": 0.710,
            "Na": 0.001,
            "P": 0.002,
            "S": 0.003,
            "Cl": 0.001,
            "K": 0.004,
        },
    ),
    "blood": (
        BLOOD,
        {
            "H": 0.102,
            "C": 0.110,
            "N": 0.033,
            "O": 0.745,
            "Na": 0.001,
            "P": 0.001,
            "S": 0.002,
            "Cl": 0.003,
            "K": 0.002,
            "Fe": 0.001,
        },
    ),
    "hydroxyapatite": (HYDROXYAPATITE, {"H": 0.0020, "O": 0.4141, "P": 0.1850, "Ca": 0.3989}),
    "potassium phosphate": (POTASSIUM_PHOSPHATE, {"H": 0.0058, "O": 0.3674, "P": 0.1778, "K": 0.4490}),
    "iodine": (IODINE, {"I": 1.0}),
}
WATER = {"H": 0.1119, "O": 0.8881}


def attenuation(composition: dict[str, float], energy_kev: float) -> float:
    return sum(share * float(xraydb.mu_elam(element, 1000.0 * energy_kev)) for element, share in composition.items())


@pytest.mark.parametrize("name", COMPOSITIONS)
@pytest.mark.parametrize("energy_kev", [*ENERGIES_KEV[:-1:4], 57.5, 68.0, 72.3])
def test_a_material_has_the_ct_number_that_tables_of_its_elements_give(name: str, energy_kev: float) -> None:
    material, composition = COMPOSITIONS[name]
    water = attenuation(WATER, energy_kev)
    expected = 1000.0 * (attenuation(composition, energy_kev) * material.density_g_cm3 / water - 1.0)
    assert material.hounsfield(energy_kev) == pytest.approx(expected, abs=1.0, rel=0.002)


def test_water_with_a_little_of_a_salt_is_brighter_by_its_slope() -> None:
    energy_kev, mg_cm3 = 70.0, 100.0
    share_g_cm3 = mg_cm3 / 1000.0
    _, composition = COMPOSITIONS["hydroxyapatite"]
    water = attenuation(WATER, energy_kev)
    left_g_cm3 = 1.0 - share_g_cm3 / HYDROXYAPATITE.density_g_cm3
    mixed = attenuation(composition, energy_kev) * share_g_cm3 + water * left_g_cm3
    brighter = 1000.0 * (mixed / water - 1.0)
    assert HYDROXYAPATITE.hu_per_mg_cm3(energy_kev) * mg_cm3 == pytest.approx(brighter, rel=0.002)


def test_the_published_slopes_of_calibrations_are_those_of_beams_of_120_kv() -> None:
    """0.7 to 1.0 mg/cm3 a HU are published; such a beam acts like one of 65 to 75 keV in a trunk."""
    for energy_kev in (68.0, 70.0, 75.0):
        assert 0.7 < 1.0 / HYDROXYAPATITE.hu_per_mg_cm3(energy_kev) < 1.0


@pytest.mark.parametrize("energy_kev", [39.0, 121.0])
def test_energies_beyond_the_tables_are_refused(energy_kev: float) -> None:
    with pytest.raises(ValueError, match="40 to 120 keV"):
        MUSCLE.hounsfield(energy_kev)


def test_a_material_needs_a_coefficient_for_every_energy() -> None:
    with pytest.raises(ValueError, match="17 coefficients"):
        Material.of(1.0, 0.2, 0.1)
