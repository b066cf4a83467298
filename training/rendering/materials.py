"""CT numbers of tissues: wide but realistic, drawn anew for every image.

Ranges are plausible for 80 to 140 kVp with and without contrast medium; marrow follows the spread of trabecular CT
numbers from osteoporotic old to dense young adults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, from_numpy

from node.domain.volume import Float32
from training.anatomy.labels import BODIES, BOWEL_CONTENTS, DISCS, OTHER_BONES, POSTERIORS, RIBS, Part

# Share of images without contrast medium.
_NATIVE = 0.45

# Marrow of the spine of one person, HU: (low, high, share). Osteoporotic, ordinary, dense.
_MARROW = ((-30.0, 80.0, 0.3), (60.0, 200.0, 0.5), (150.0, 320.0, 0.2))

_SOFT_PARTS = tuple(range(Part.FAT, Part.RENAL_PELVIS + 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Materials:
    """Mean and graininess of every label, HU, each of shape (256,), and the cortex of bone.

    Parameters
    ----------
    cortex_hu
        CT number of dense cortex before voxels and the scanner blur it.
    cortex_mm
        Depth at which the cortex has faded to a third; shells of vertebrae are a few tenths of a millimetre thick, and
        plates thicker.
    end_plate_share
        How much of the cortex the walls of bodies show, against that of arches, 0 to 1.
    """

    mean_hu: Tensor
    grain_hu: Tensor
    cortex_hu: float
    cortex_mm: float
    end_plate_share: float


def draw_materials(rng: np.random.Generator) -> Materials:
    """CT numbers of one scan of one person."""
    mean = np.zeros(256, dtype=np.float32)
    grain = np.full(256, 8.0, dtype=np.float32)
    _draw_soft_tissue(rng, mean)
    _draw_contents(rng, mean, grain)
    marrow = _draw_marrow(rng)
    _draw_bones(rng, mean, marrow)
    for part in _SOFT_PARTS:
        # Sometimes a tissue is nothing like itself: disease, contrast, a wrong habit of the templates.
        if rng.random() < 0.06 and part != Part.LUNG:
            mean[part] = rng.uniform(-150.0, 160.0)
    return Materials(
        mean_hu=from_numpy(mean),
        grain_hu=from_numpy(grain),
        cortex_hu=rng.uniform(300.0, 1600.0),
        cortex_mm=rng.uniform(0.3, 1.6),
        end_plate_share=rng.uniform(0.15, 0.95),
    )


def _draw_soft_tissue(rng: np.random.Generator, mean: Float32) -> None:
    native = rng.random() < _NATIVE
    fat, muscle = rng.normal(-100.0, 12.0), rng.uniform(25.0, 75.0)
    enhanced = 0.0 if native else 1.0
    mean[Part.AIR] = -1000.0
    mean[Part.FAT] = fat
    mean[Part.VISCERAL_FAT] = fat + rng.uniform(-10.0, 30.0)
    mean[Part.SKIN] = rng.uniform(-30.0, 60.0)
    mean[Part.MUSCLE] = muscle
    mean[Part.PSOAS] = muscle + rng.normal(0.0, 8.0)
    mean[Part.ERECTOR] = muscle - abs(rng.normal(0.0, 25.0))
    mean[Part.AORTA] = rng.uniform(25.0, 60.0) if native else rng.uniform(60.0, 350.0)
    mean[Part.VEIN] = rng.uniform(25.0, 60.0) if native else rng.uniform(50.0, 220.0)
    mean[Part.HEART] = rng.uniform(25.0, 60.0) if native else rng.uniform(60.0, 300.0)
    mean[Part.LIVER] = rng.uniform(-10.0, 70.0) + enhanced * rng.uniform(0.0, 80.0)
    mean[Part.SPLEEN] = rng.uniform(40.0, 60.0) + enhanced * rng.uniform(0.0, 120.0)
    mean[Part.KIDNEY] = rng.uniform(20.0, 40.0) + enhanced * rng.uniform(0.0, 190.0)
    mean[Part.RENAL_PELVIS] = rng.uniform(-90.0, 250.0)
    mean[Part.LIGAMENT] = rng.uniform(30.0, 120.0)
    mean[Part.CANAL] = rng.uniform(0.0, 60.0)
    mean[Part.CORD] = rng.uniform(15.0, 70.0)


def _draw_contents(
    rng: np.random.Generator,
    mean: Float32,
    grain: Float32,
) -> None:
    mean[Part.BOWEL_WALL] = rng.uniform(20.0, 80.0)
    for content in BOWEL_CONTENTS:
        kind = rng.random()
        gas, water, contrast = rng.uniform(-1000.0, -700.0), rng.uniform(-60.0, 70.0), rng.uniform(100.0, 600.0)
        mean[content] = gas if kind < 0.25 else water if kind < 0.8 else contrast
        grain[content] = rng.uniform(5.0, 60.0)
    mean[Part.LUNG] = rng.uniform(-930.0, -650.0) if rng.random() < 0.85 else rng.uniform(-600.0, 40.0)
    grain[Part.LUNG] = rng.uniform(20.0, 90.0)
    mean[Part.AIRWAY] = rng.uniform(-1000.0, -900.0)
    mean[Part.TABLE] = rng.uniform(-500.0, 150.0)
    mean[Part.CALCIFICATION] = rng.uniform(200.0, 1000.0)
    mean[Part.CARTILAGE] = rng.uniform(40.0, 140.0) if rng.random() < 0.7 else rng.uniform(140.0, 300.0)
    mean[[*DISCS, Part.CERVICAL_DISC]] = rng.uniform(40.0, 130.0) if rng.random() < 0.88 else rng.uniform(-100.0, 40.0)


def _draw_marrow(rng: np.random.Generator) -> float:
    kind = rng.choice(len(_MARROW), p=[share for _, _, share in _MARROW])
    low, high, _ = _MARROW[kind]
    return float(rng.uniform(low, high))


def _draw_bones(rng: np.random.Generator, mean: Float32, marrow: float) -> None:
    for body, posterior in zip(BODIES, POSTERIORS, strict=True):
        dense = rng.uniform(50.0, 250.0) if rng.random() < 0.05 else 0.0
        mean[body] = marrow + rng.normal(0.0, 15.0) + dense
        mean[posterior] = marrow + rng.uniform(0.0, 150.0)
    mean[Part.S1_BODY] = marrow + rng.normal(-10.0, 25.0)
    mean[Part.SACRUM] = marrow + rng.normal(-10.0, 30.0)
    mean[[Part.HIP, Part.FEMUR]] = marrow + rng.uniform(-20.0, 80.0, 2)
    mean[list(RIBS)] = rng.uniform(50.0, 350.0)
    mean[list(OTHER_BONES)] = marrow + rng.uniform(0.0, 100.0)
