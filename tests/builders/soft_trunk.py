"""A trunk of ellipses whose tissues have known CT numbers: fat, muscle, spine, aorta and vena cava."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.resample import to_network_grid
from models.vertebra import Vertebra
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.volume import Volume

#: Middles of the bodies along the spine, mm, from head to foot.
BODIES_MM = {VertebralLevel.T12: 80.0, VertebralLevel.L1: 48.0, VertebralLevel.L2: 14.0}


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """CT numbers in HU, lengths in mm; the spine's middle is at x = 0, y = 0."""

    air_hu: float = -1000.0
    fat_hu: float = -104.0
    muscle_hu: float = 54.0
    blood_hu: float | None = 43.0
    vein_hu: float = 43.0
    wall_hu: float | None = None
    aorta_mm: tuple[float, float, float] = (-32.0, 8.0, 11.0)  # behind, to the left, radius
    noise_hu: float = 10.0
    spacing_mm: tuple[float, float, float] = (2.5, 1.0, 1.0)


def trunk_volume(trunk: Trunk) -> Volume:
    """The scan of the trunk, 100 mm long, with white noise."""
    k, j, i = (
        np.arange(low, high, step, dtype=np.float32)
        for (low, high), step in zip(((0.0, 100.0), (-190.0, 110.0), (-190.0, 190.0)), trunk.spacing_mm, strict=True)
    )
    back, left = j[:, None], i[None, :]
    plane = np.full((len(j), len(i)), trunk.air_hu, dtype=np.float32)
    plane[_ellipse(back, left, (-40.0, 0.0), (110.0, 160.0))] = trunk.fat_hu
    plane[_ellipse(back, left, (-40.0, 0.0), (90.0, 138.0))] = trunk.muscle_hu
    plane[_ellipse(back, left, (-60.0, 0.0), (62.0, 110.0)) & (back < 12.0)] = trunk.fat_hu
    for side in (-1.0, 1.0):
        plane[_ellipse(back, left, (34.0, side * 32.0), (20.0, 24.0))] = trunk.muscle_hu
    at_back, at_left, radius = trunk.aorta_mm
    plane[_ellipse(back, left, (-28.0, -16.0), (9.0, 11.0))] = trunk.vein_hu
    if trunk.wall_hu is not None:
        plane[_ellipse(back, left, (at_back, at_left), (radius + 1.5, radius + 1.5))] = trunk.wall_hu
    if trunk.blood_hu is not None:
        plane[_ellipse(back, left, (at_back, at_left), (radius, radius))] = trunk.blood_hu
    plane[_ellipse(back, left, (0.0, 0.0), (17.0, 22.0))] = 350.0
    plane[(np.abs(left) < 5.0) & (back > 15.0) & (back < 55.0)] = 500.0
    hu = np.broadcast_to(plane, (len(k), *plane.shape)).copy()
    hu += trunk.noise_hu * np.random.default_rng(5).standard_normal(hu.shape, dtype=np.float32)
    affine = Affine.from_spacing(trunk.spacing_mm, (float(i[0]), float(j[0]), float(k[0])))
    return Volume(hu=np.rint(hu), affine=affine, frame_of_reference=Uid("1.2.3"))


def coarse(volume: Volume) -> Volume:
    """The scan as the first network takes it."""
    return to_network_grid(volume, (2.5, 2.5, 2.5))


def trunk_vertebrae() -> tuple[Vertebra, ...]:
    """The bodies that lie in the scan."""
    return tuple(
        Vertebra(
            level=level,
            ordinal=ordinal,
            confidence=None,
            centroid_lps_mm=(0.0, 0.0, height),
            up_lps=(0.0, 0.0, 1.0),
            segment_value=level.number,
        )
        for ordinal, (level, height) in enumerate(BODIES_MM.items(), start=1)
    )


def _ellipse(
    back: NDArray[np.float32], left: NDArray[np.float32], centre: tuple[float, float], half: tuple[float, float]
) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.hypot((back - centre[0]) / half[0], (left - centre[1]) / half[1]) <= 1.0
    return inside
