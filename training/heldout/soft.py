"""Soft tissue of the second family: ellipsoids and tubes on a coarse grid, bent by a smooth field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.domain.geometry import Float64
from node.domain.volume import Float32
from training.heldout.cage import chest_size
from training.heldout.palette import Palette
from training.heldout.posture import Posture

#: Grid of the soft tissue, mm.
SOFT_MM = 4.0

_AIR_HU = -1000.0
_BEND_MM, _BEND_CELL_MM = 5.0, 45.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trunk:
    """Coordinates of the voxels (bent), mm, and the spine's place in every slice."""

    up: Float32
    back: Float32
    left: Float32
    posture: Posture
    palette: Palette


def soft_tissue(
    posture: Posture, origin: Float64, shape: tuple[int, int, int], rng: np.random.Generator, *, palette: Palette
) -> Float32:
    """CT numbers without bone on a grid of `SOFT_MM` whose first voxel's centre is the origin, shape (k, j, i), HU."""
    grids = np.meshgrid(
        *(at + SOFT_MM * np.arange(count) for at, count in zip(origin, shape, strict=True)), indexing="ij"
    )
    bend = [_BEND_MM * rng.uniform(0.2, 1.0) * _smooth(rng, shape, _BEND_CELL_MM / SOFT_MM) for _ in range(3)]
    up, back, left = (grid.astype(np.float32) + shift for grid, shift in zip(grids, bend, strict=True))
    middle = posture.middle(origin[0] + SOFT_MM * np.arange(shape[0]))
    to_back, to_left = middle.astype(np.float32).T[:, :, None, None]
    trunk = _Trunk(up=up, back=back - to_back, left=left - to_left, posture=posture, palette=palette)
    hu = np.full(shape, _AIR_HU, dtype=np.float32)
    _paint_walls(hu, trunk, rng)
    _paint_chest(hu, trunk, rng)
    _paint_belly(hu, trunk, rng)
    _paint_beside_spine(hu, trunk, rng)
    return hu


def _smooth(rng: np.random.Generator, shape: tuple[int, int, int], cell: float) -> Float32:
    coarse = rng.standard_normal([int(np.ceil(size / cell)) + 3 for size in shape]).astype(np.float32)
    zoomed = ndimage.zoom(coarse, cell, order=1)
    field: Float32 = zoomed[: shape[0], : shape[1], : shape[2]]
    return field


def _share(trunk: _Trunk) -> Float64:
    """0 at the first thoracic to 1 at the last thoracic vertebra, by slice; beyond below 0 and above 1."""
    thoracic = trunk.posture.thoracic
    high, low = float(thoracic[0].centre[0]), float(thoracic[-1].centre[0])
    return ((high - trunk.up[:, 0, 0]) / (high - low)).astype(np.float64)


def _cage(trunk: _Trunk) -> tuple[Float32, Float32]:
    """Half width and half depth of the chest or belly in every slice, shape (k, 1, 1)."""
    sizes = np.array([chest_size(float(np.clip(share, 0.0, 1.0)), trunk.posture.scale) for share in _share(trunk)])
    neck = np.clip(1.0 + 1.6 * _share(trunk), 0.55, 1.0)
    width, depth = (sizes * neck[:, None]).T.astype(np.float32)
    return width[:, None, None], depth[:, None, None]


def _paint_walls(hu: Float32, trunk: _Trunk, rng: np.random.Generator) -> None:
    width, depth = _cage(trunk)
    scale = trunk.posture.scale
    fat, muscle = float(rng.uniform(4.0, 38.0)), float(rng.uniform(12.0, 22.0))
    centre = 22.0 * scale - depth
    for thickness, value in (
        (muscle + fat + 2.0, trunk.palette.skin(rng)),
        (muscle + fat, trunk.palette.fat(rng)),
        (muscle, trunk.palette.wall_muscle(rng)),
        (4.0, trunk.palette.inner_fat(rng)),
    ):
        # the back is thicker than the flanks: muscles lie beside the arches
        rear = np.where(trunk.back > centre, 36.0 * scale if thickness > 4.0 else 4.0, 0.0)
        inside = (
            np.abs((trunk.back - centre) / (depth + thickness + rear)) ** 2.3
            + np.abs(trunk.left / (width + thickness)) ** 2.3
            < 1.0
        )
        hu[inside] = value


def _paint_chest(hu: Float32, trunk: _Trunk, rng: np.random.Generator) -> None:
    width, depth = _cage(trunk)
    centre = 22.0 * trunk.posture.scale - depth
    inside = np.abs((trunk.back - centre) / (depth - 5.0)) ** 2.2 + np.abs(trunk.left / (width - 5.0)) ** 2.2 < 1.0
    thoracic = trunk.posture.thoracic
    foot = float(thoracic[-1].centre[0]) + rng.uniform(-6.0, 24.0)
    dome = foot + rng.uniform(50.0, 80.0) * np.exp(
        -(((np.abs(trunk.left) - 60.0) / 55.0) ** 2) - ((trunk.back + 75.0) / 70.0) ** 2
    )
    top = float(thoracic[0].centre[0]) - 4.0
    lung = inside & (trunk.up > dome) & (trunk.up < top)
    between = np.abs(trunk.left) < np.where(trunk.back < -45.0, 36.0, np.where(trunk.back < 12.0, 25.0, 32.0))
    air = -float(rng.uniform(680.0, 900.0)) if rng.random() < 0.9 else float(rng.uniform(-500.0, 20.0))
    vessels = _smooth(rng, (hu.shape[0], hu.shape[1], hu.shape[2]), 2.5)
    values = air + np.where(vessels > 1.5, 500.0, 25.0 * vessels)
    hu[lung & ~between] = values[lung & ~between]
    blood = trunk.palette.heart(rng)
    middle = float(thoracic[len(thoracic) // 2].centre[0]) - 30.0
    heart = _within(trunk, (middle, -82.0, 18.0), (56.0, 42.0, 50.0)) & inside
    hu[heart & (trunk.up > dome - 10.0)] = blood


def _paint_belly(hu: Float32, trunk: _Trunk, rng: np.random.Generator) -> None:
    thoracic = trunk.posture.thoracic
    last = float(thoracic[-1].centre[0])
    gain = trunk.palette.organ_gain(rng)
    below = hu > -300.0  # what is not lung
    organs = (
        ((last + 8.0, -62.0, -62.0), (66.0, 60.0, 58.0), rng.uniform(0.0, 65.0) + 0.6 * gain),
        ((last + 4.0, -28.0, 84.0), (40.0, 36.0, 24.0), rng.uniform(40.0, 58.0) + gain),
        ((last - 52.0, -16.0, -56.0), (48.0, 22.0, 26.0), rng.uniform(22.0, 38.0) + 1.4 * gain),
        ((last - 44.0, -16.0, 58.0), (50.0, 22.0, 26.0), rng.uniform(22.0, 38.0) + 1.4 * gain),
    )
    for middle, radii, value in organs:
        hu[_within(trunk, middle, radii) & below] = value
    for _ in range(int(rng.integers(8, 22))):
        centre = (last - rng.uniform(20.0, 200.0), rng.uniform(-120.0, -48.0), rng.uniform(-95.0, 95.0))
        high, deep, wide = rng.uniform(10.0, 26.0, 3).tolist()
        kind = rng.random()
        content = rng.uniform(-950.0, -600.0) if kind < 0.3 else rng.uniform(-20.0, 60.0)
        content = rng.uniform(150.0, 700.0) if kind > 0.85 else content
        hu[_within(trunk, centre, (high + 3.0, deep + 3.0, wide + 3.0)) & below] = 40.0
        hu[_within(trunk, centre, (high, deep, wide)) & below] = content


def _paint_beside_spine(hu: Float32, trunk: _Trunk, rng: np.random.Generator) -> None:
    """Back muscles, psoas, canal, and the two great vessels."""
    scale = trunk.posture.scale
    thoracic = trunk.posture.thoracic
    last = float(thoracic[-1].centre[0])
    aside = np.abs(trunk.left)
    muscle = trunk.palette.back_muscle(rng)
    erector = ((trunk.back - 50.0 * scale) / 24.0) ** 2 + ((aside - 30.0 * scale) / 28.0) ** 2 < 1.0
    streaks = _smooth(rng, (hu.shape[0], hu.shape[1], hu.shape[2]), 2.0) * float(rng.uniform(0.0, 45.0))
    hu[erector & (hu > -300.0)] = (muscle + streaks)[erector & (hu > -300.0)]
    deep = np.clip((last - trunk.up) / 110.0, 0.0, 1.2)
    psoas = ((trunk.back + 2.0) / (6.0 + 18.0 * deep)) ** 2 + (
        (aside - 32.0 - 14.0 * deep) / (6.0 + 15.0 * deep)
    ) ** 2 < 1
    hu[psoas & (trunk.up < last) & (hu > -300.0)] = muscle + 8.0
    hu[((trunk.back - 26.0 * scale) / 8.0) ** 2 + (trunk.left / 9.5) ** 2 < 1.0] = float(rng.uniform(5.0, 45.0))
    blood = trunk.palette.blood(rng)
    for left, radius, value in ((9.0, 11.0, blood), (-14.0, 11.0, 0.7 * blood)):
        hu[((trunk.back + 31.0 * scale) / radius) ** 2 + ((trunk.left - left) / radius) ** 2 < 1.0] = value


def _within(trunk: _Trunk, centre: tuple[float, float, float], radii: tuple[float, ...]) -> NDArray[np.bool_]:
    up, back, left = centre
    scale = trunk.posture.scale
    high, deep, wide = (radius * scale for radius in radii)
    inside: NDArray[np.bool_] = (
        ((trunk.up - up) / high) ** 2
        + ((trunk.back - back * scale) / deep) ** 2
        + ((trunk.left - left * scale) / wide) ** 2
    ) < 1.0
    return inside
