"""A spine of boxes along a curve, as the class probabilities that a perfect network would give."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.tissues import Tissue
from node.domain.geometry import Affine
from node.domain.levels import USUAL_LEVELS, VertebralLevel

Float32 = NDArray[np.float32]

SPACING_MM = (3.0, 3.0, 3.0)
_BACK_AND_LEFT = (68, 80)
_LEVEL = {level: number for number, level in enumerate(USUAL_LEVELS)}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is in view, and how it looks.

    `last_rib_mm` is the length of T12's ribs, 0 for none, and `rib_fall` how much each rib falls for each mm outwards;
    `transverse_mm` is the length of lumbar processes which were taken for ribs. `below_mm` and `above_mm` are added
    below the lowest and above the highest vertebra; where they are negative the scan cuts it. `lean` is the largest
    shift of the curve to the front and back, mm. `skipped` bodies and their discs are missing from the classes.
    """

    top: VertebralLevel = VertebralLevel.T7
    bottom: VertebralLevel = VertebralLevel.L5
    sacrum: bool = True
    last_rib_mm: float = 80.0
    rib_fall: float = 0.3
    transverse_mm: float = 0.0
    below_mm: float = 20.0
    above_mm: float = 12.0
    lean: float = 12.0
    skipped: tuple[VertebralLevel, ...] = ()
    noise: float = 0.02
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Built:
    """Probabilities, shape (class, k, j, i), their grid, and the true centre of each body in LPS mm."""

    probabilities: Float32
    affine: Affine
    centres_lps_mm: dict[VertebralLevel, NDArray[np.float64]]
    tissue: NDArray[np.uint8] = field(repr=False)


@functools.cache
def build(scene: Scene) -> Built:
    """The scene on a grid of 3 mm: k to the head, j to the back, i to the left."""
    levels = USUAL_LEVELS[_LEVEL[scene.top] : _LEVEL[scene.bottom] + 1]
    heights = {level: 17.0 + 0.7 * _LEVEL[level] for level in levels}
    gaps = {level: 4.0 + 0.35 * _LEVEL[level] for level in levels}
    sacral = 60.0 if scene.sacrum else 0.0
    length = sum(heights.values()) + sum(gaps.values()) + sacral + scene.below_mm + scene.above_mm
    shape = (round(length / SPACING_MM[0]), *_BACK_AND_LEFT)
    z, y, x = (np.arange(size) * 3.0 for size in shape)
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    middle_x = 3.0 * (_BACK_AND_LEFT[1] - 1) / 2.0
    curve = 110.0 + scene.lean * np.sin(2.0 * np.pi * z / 400.0)
    behind, left = y - curve, x - middle_x
    tissue = np.zeros(shape, dtype=np.uint8)
    foot = scene.below_mm
    if scene.sacrum:
        foot = _sacrum(tissue, z, behind, left, foot=foot)
    centres: dict[VertebralLevel, NDArray[np.float64]] = {}
    for level in reversed(levels):
        column = (np.abs(left / 20.0) ** 2.5 + np.abs(behind / 15.0) ** 2.5) < 1.0
        disc = column & (z >= foot) & (z < foot + gaps[level])
        body = column & (z >= foot + gaps[level]) & (z < foot + gaps[level] + heights[level])
        centre = foot + gaps[level] + heights[level] / 2.0
        if level not in scene.skipped:
            tissue[np.broadcast_to(disc, shape)] = Tissue.DISC
            tissue[np.broadcast_to(body, shape)] = Tissue.THORACIC_BODY if level.is_thoracic else Tissue.LUMBAR_BODY
        _arch(tissue, z - centre, behind, left)
        reach = scene.transverse_mm
        if level.is_thoracic:
            reach = scene.last_rib_mm if level is VertebralLevel.T12 else 115.0
        _ribs(tissue, z - centre - 0.3 * heights[level], behind, left, reach=reach, fall=scene.rib_fall)
        row = int(np.clip(round(centre / 3.0), 0, shape[0] - 1))
        centres[level] = np.array((middle_x, float(curve[row, 0, 0]), centre))
        foot += gaps[level] + heights[level]
    return Built(
        probabilities=_soft(tissue, scene),
        affine=Affine.from_spacing(SPACING_MM),
        centres_lps_mm=centres,
        tissue=tissue,
    )


def _sacrum(tissue, z, behind, left, *, foot: float) -> float:  # type: ignore[no-untyped-def]
    """S1 with its wings, the rest of the sacrum below it, and the hip bones beside it."""
    shape = tissue.shape
    column = (np.abs(left / 20.0) ** 2.5 + np.abs(behind / 15.0) ** 2.5) < 1.0
    rest = (np.abs(left) < 45.0) & (np.abs(behind - 5.0) < 18.0) & (z >= foot) & (z < foot + 60.0)
    tissue[np.broadcast_to(rest, shape)] = Tissue.SACRUM_OR_HIP
    tissue[np.broadcast_to((np.abs(left) >= 20.0) & rest & (z > foot + 55.0), shape)] = Tissue.BACKGROUND
    tissue[np.broadcast_to(column & (z >= foot + 32.0) & (z < foot + 60.0), shape)] = Tissue.S1_BODY
    return foot + 60.0


def _arch(tissue, z, behind, left) -> None:  # type: ignore[no-untyped-def]
    arch = (np.abs(z) < 8.0) & (behind > 24.0) & (behind < 48.0) & (np.abs(left) < 14.0)
    pedicles = (np.abs(z - 4.0) < 5.0) & (behind > 15.0) & (behind < 28.0) & (np.abs(np.abs(left) - 15.0) < 4.0)
    tissue[np.broadcast_to(arch | pedicles, tissue.shape)] = Tissue.POSTERIOR_ELEMENTS


def _ribs(tissue, z, behind, left, *, reach: float, fall: float) -> None:  # type: ignore[no-untyped-def]
    """Bars that go out from beside the body, down and to the back as ribs do."""
    away = np.abs(left) - 26.0
    bar = (away >= 0.0) & (away < reach) & (np.abs(z + fall * away) < 5.0) & (np.abs(behind - 14.0) < 6.0)
    tissue[np.broadcast_to(bar, tissue.shape)] = Tissue.RIB


def _soft(tissue: NDArray[np.uint8], scene: Scene) -> Float32:
    """One-hot classes with soft edges and noise."""
    generator = np.random.default_rng(scene.seed)
    classes = np.stack([(tissue == value).astype(np.float32) for value in range(len(Tissue))])
    classes = ndimage.gaussian_filter(classes, (0.0, 0.5, 0.5, 0.5))
    classes += scene.noise * generator.random(classes.shape, dtype=np.float32)
    soft: Float32 = classes / classes.sum(0, keepdims=True)
    return soft
