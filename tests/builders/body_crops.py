"""One vertebral body made of a cylinder: cortex, marrow and a vein behind, of known CT numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.crops import BodyCrop
from models.vertebra import Vertebra
from node.domain.confidence import LevelConfidence
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason

UP = (0.0, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Body:
    """Half axes of the ellipse (back, left) and the height, mm, and CT numbers in HU."""

    spacing_mm: tuple[float, float, float] = (1.0, 0.8, 0.8)
    half_mm: tuple[float, float] = (16.0, 21.0)
    height_mm: float = 26.0
    marrow_hu: float = 150.0
    cortex_hu: float = 500.0
    vein_hu: float | None = None
    noise_hu: float = 0.0
    level: VertebralLevel | None = VertebralLevel.L1
    reasons: tuple[Reason, ...] = ()


def crop_of(body: Body) -> BodyCrop:
    """The crop of the body, centred at the origin, 10 mm of soft tissue (50 HU) around it."""
    halves = (body.height_mm / 2.0, *body.half_mm)
    counts = [2 * int(np.ceil((half + 10.0) / step)) + 1 for half, step in zip(halves, body.spacing_mm, strict=True)]
    first = [-(count - 1) / 2.0 * step for count, step in zip(counts, body.spacing_mm, strict=True)]
    affine = Affine.from_spacing(body.spacing_mm, (first[2], first[1], first[0]))
    index = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).astype(np.float64)
    x, y, z = np.moveaxis(affine.to_lps(index), -1, 0)
    inside = (np.hypot(y / halves[1], x / halves[2]) <= 1.0) & (np.abs(z) <= halves[0])
    marrow = (np.hypot(y / (halves[1] - 1.5), x / (halves[2] - 1.5)) <= 1.0) & (np.abs(z) <= halves[0] - 1.5)
    hu = np.where(marrow, body.marrow_hu, np.where(inside, body.cortex_hu, 50.0))
    if body.vein_hu is not None:
        hu[marrow & (y > halves[1] / 2.0) & (np.abs(x) < 6.0) & (np.abs(z) < 5.0)] = body.vein_hu
    hu = hu + body.noise_hu * np.random.default_rng(1).standard_normal(hu.shape)
    vertebra = Vertebra(
        level=body.level,
        ordinal=1,
        confidence=LevelConfidence(value=0.98, calibrated=True),
        centroid_lps_mm=(0.0, 0.0, 0.0),
        up_lps=UP,
        segment_value=body.level.number if body.level is not None else 101,
        reasons=body.reasons,
    )
    return BodyCrop(hu=np.rint(hu).astype(np.int16), body=inside, affine=affine, vertebra=vertebra)
