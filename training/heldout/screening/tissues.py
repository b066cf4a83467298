"""CT numbers of one person's tissues in the beam of one scanner, by what they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.photons import ADIPOSE, BLOOD, HYDROXYAPATITE, IODINE, LIPID, MUSCLE
from node.domain.levels import VertebralLevel
from training.beam import Beam
from training.heldout.screening.spec import Phase

# Plausible ranges, made without those of training. Living fat is between adipose tissue of the tables and pure lipid.
_LIPID_SHARE = (0.4, 0.9)
# Living muscle is brighter than that of the tables by some HU, and has fat between its fibres.
_MUSCLE_EXTRA_HU, _FAT_IN_MUSCLE = (3.0, 12.0), (0.0, 0.3)
# Thinner blood than that of the tables: of older and of ill people.
_BLOOD_SHARE = (0.65, 1.0)
# Iodine in the aorta, mg/ml; and how much of its brightness marrow shares, which is a fifth blood at most.
_IODINE_MG_ML = {Phase.NATIVE: (0.0, 0.0), Phase.VENOUS: (2.6, 5.5), Phase.ARTERIAL: (9.0, 14.0)}
_SHARED_BY_MARROW = {Phase.NATIVE: (0.0, 0.0), Phase.VENOUS: (0.08, 0.22), Phase.ARTERIAL: (0.02, 0.1)}
_SHARED_BY_ORGANS = {Phase.NATIVE: 0.0, Phase.VENOUS: 0.6, Phase.ARTERIAL: 0.25}

# L1 and L2 lie so far from their mean, other levels farther (mg/cm3, standard deviation); thoracic bodies are denser.
_NEIGHBOURS_MG_CM3, _OTHERS_MG_CM3, _DENSER_ABOVE_MG_CM3 = 3.0, 6.0, 3.0
_MEASURED = (VertebralLevel.L1, VertebralLevel.L2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonTissues:
    """A palette of known tissues.

    Parameters
    ----------
    densities
        True trabecular density of every level, mg/cm3.
    brightened_hu
        What contrast agent adds to marrow, HU.
    """

    beam: Beam
    densities: dict[VertebralLevel, float]
    brightened_hu: float
    fat_hu: float
    muscle_hu: float
    blood_hu: float
    organ_gain_hu: float

    def trabecular_hu(self, level: VertebralLevel) -> float:
        """CT number of the trabecular bone of a level, HU."""
        return HYDROXYAPATITE.hu_per_mg_cm3(self.beam.energy_kev) * self.densities[level] + self.brightened_hu

    def marrow(self, rng: np.random.Generator) -> float:
        """Of ribs and pelvis: as L1, and some more."""
        return self.trabecular_hu(VertebralLevel.L1) + 40.0

    def marrow_of(self, level: VertebralLevel | None, marrow: float, rng: np.random.Generator) -> float:
        """Of one vertebra."""
        return marrow if level is None else self.trabecular_hu(level)

    def skin(self, rng: np.random.Generator) -> float:
        """Between fat and muscle."""
        return float(rng.uniform(-20.0, 40.0))

    def fat(self, rng: np.random.Generator) -> float:
        """Under the skin."""
        return self.fat_hu

    def wall_muscle(self, rng: np.random.Generator) -> float:
        """Around the trunk."""
        return self.muscle_hu

    def inner_fat(self, rng: np.random.Generator) -> float:
        """Between the organs: with strands."""
        return self.fat_hu + float(rng.uniform(0.0, 12.0))

    def back_muscle(self, rng: np.random.Generator) -> float:
        """Beside the spine: wasted a little."""
        return self.muscle_hu - float(rng.uniform(0.0, 10.0))

    def heart(self, rng: np.random.Generator) -> float:
        """Blood."""
        return self.blood_hu

    def blood(self, rng: np.random.Generator) -> float:
        """In the aorta."""
        return self.blood_hu

    def organ_gain(self, rng: np.random.Generator) -> float:
        """By the phase."""
        return self.organ_gain_hu


def draw_tissues(
    rng: np.random.Generator, beam: Beam, phase: Phase, bmd_mg_cm3: float, levels: tuple[VertebralLevel, ...]
) -> PersonTissues:
    """Somebody whose L1 and L2 have this mean density."""
    energy = beam.energy_kev
    lipid, infiltrated = rng.uniform(*_LIPID_SHARE), rng.uniform(*_FAT_IN_MUSCLE)
    fat = lipid * LIPID.hounsfield(energy) + (1.0 - lipid) * ADIPOSE.hounsfield(energy)
    muscle = (1.0 - infiltrated) * (MUSCLE.hounsfield(energy) + rng.uniform(*_MUSCLE_EXTRA_HU)) + infiltrated * fat
    enhancement = IODINE.hu_per_mg_cm3(energy) * rng.uniform(*_IODINE_MG_ML[phase])
    return PersonTissues(
        beam=beam,
        densities=_densities(rng, bmd_mg_cm3, levels),
        brightened_hu=float(rng.uniform(*_SHARED_BY_MARROW[phase]) * enhancement),
        fat_hu=float(fat),
        muscle_hu=float(muscle),
        blood_hu=float(rng.uniform(*_BLOOD_SHARE) * BLOOD.hounsfield(energy) + enhancement),
        organ_gain_hu=float(_SHARED_BY_ORGANS[phase] * enhancement),
    )


def _densities(
    rng: np.random.Generator, bmd_mg_cm3: float, levels: tuple[VertebralLevel, ...]
) -> dict[VertebralLevel, float]:
    apart = float(rng.normal(0.0, _NEIGHBOURS_MG_CM3))
    known = dict(zip(_MEASURED, (bmd_mg_cm3 + apart, bmd_mg_cm3 - apart), strict=True))
    lumbar = levels.index(VertebralLevel.L1)
    for index, level in enumerate(levels):
        denser = _DENSER_ABOVE_MG_CM3 * max(0, lumbar - index)
        known.setdefault(level, bmd_mg_cm3 + denser + float(rng.normal(0.0, _OTHERS_MG_CM3)))
    return known
