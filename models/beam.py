"""The energy that the beam of a CT scanner acts like, by its tube voltage."""

from __future__ import annotations

import numpy as np

#: Tube voltages at which CT numbers of bone are assessed, kV. At 80 kV the bias is too large to be corrected.
KVP_RANGE = (100.0, 140.0)

# Energy, keV, of the photons that would be weakened by a trunk as much. Plausible choices: 64 to 72 keV are given for
# 120 kV, less at a lower voltage, by the filter, the bow tie and the size of the patient.
_KVP, _ENERGY_KEV = (100.0, 120.0, 140.0), (64.0, 70.0, 75.0)

#: Standard deviation between scanners and patients, keV (plausible choice).
ENERGY_SD_KEV = 4.0


def effective_energy_kev(kvp: float) -> float:
    """The likeliest effective energy in a trunk, keV.

    Raises
    ------
    ValueError
        Where the tube voltage lies outside `KVP_RANGE`.
    """
    if not KVP_RANGE[0] <= kvp <= KVP_RANGE[1]:
        raise ValueError(f"energies are known from {KVP_RANGE[0]:g} to {KVP_RANGE[1]:g} kV, got {kvp:g}")
    return float(np.interp(kvp, _KVP, _ENERGY_KEV))
