"""CT numbers of what is painted on the canvas, without contrast agent."""

from __future__ import annotations

import numpy as np

from node.domain.volume import Float32
from training.anatomy.labels import BOWEL_CONTENTS, DISCS, Part

#: Mean CT numbers at 120 kV, HU. Plausible values for unenhanced scans; every person's differ by some HU.
SOFT_TISSUE_HU: dict[Part, float] = {
    Part.SKIN: 10.0,
    Part.FAT: -104.0,
    Part.VISCERAL_FAT: -98.0,
    Part.MUSCLE: 52.0,
    Part.PSOAS: 54.0,
    Part.ERECTOR: 48.0,
    Part.HEART: 42.0,
    Part.AORTA: 44.0,
    Part.VEIN: 42.0,
    Part.LIVER: 57.0,
    Part.SPLEEN: 47.0,
    Part.KIDNEY: 33.0,
    Part.RENAL_PELVIS: 4.0,
    Part.BOWEL_WALL: 38.0,
    Part.CANAL: 12.0,
    Part.CORD: 36.0,
    Part.CARTILAGE: 95.0,
    Part.CALCIFICATION: 480.0,
    Part.AIRWAY: -985.0,
    Part.LIGAMENT: 60.0,
}
DISC_HU = 78.0
#: Contents of the bowel: food, water, gas, stool with gas, food, dense food.
BOWEL_HU: tuple[float, ...] = (28.0, 8.0, -880.0, -120.0, 40.0, 70.0)

#: Compact bone of ribs, of arch and processes, the thin shell of a body, and marrow of ribs and breastbone, HU.
RIB_CORTEX_HU, ARCH_CORTEX_HU, SHELL_HU, RIB_MARROW_HU = 1050.0, 820.0, 900.0, 140.0
#: The arch has coarser and denser trabeculae than the body: its marrow is this much brighter, HU.
ARCH_MARROW_EXTRA_HU = 130.0

#: Air-filled lung between its vessels, and the vessels, HU.
LUNG_HU, LUNG_VESSEL_HU = -880.0, 20.0
AIR_HU = -1000.0

# Mean CT number of L1 in 16,747 scans at 100, 120 and 140 kV was 148.1, 140.9 and 131.3 HU (conference abstract, AAPM
# 2026): the ratios are how much brighter or darker mineral is than at 120 kV.
_KVP, _MINERAL = (100.0, 120.0, 140.0), (148.1 / 140.9, 1.0, 131.3 / 140.9)

_SPREAD_HU = 3.0


def mineral_gain(kvp: float) -> float:
    """Brightness of mineral at a tube voltage over that at 120 kV, from 100 to 140 kV; the nearest of both beyond."""
    return float(np.interp(kvp, _KVP, _MINERAL))


def soft_table(rng: np.random.Generator, kvp: float) -> Float32:
    """CT number of every label of soft tissue, shape (256,), HU; NaN where a label is none."""
    table = np.full(256, np.nan, dtype=np.float32)
    for part, mean in SOFT_TISSUE_HU.items():
        table[part] = mean + rng.normal(0.0, _SPREAD_HU)
    table[list(DISCS)] = DISC_HU + rng.normal(0.0, 4.0, len(DISCS))
    table[Part.CERVICAL_DISC] = DISC_HU
    table[list(BOWEL_CONTENTS)] = BOWEL_HU
    table[Part.CALCIFICATION] *= mineral_gain(kvp)
    return table
