"""The trunk without its vertebrae, from coarse labels to smooth CT numbers on fine slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from node.domain.volume import Float32, UInt8
from training.anatomy.labels import BODIES, OTHER_BONES, PELVIS, POSTERIORS, RIBS, Part
from training.phantom.scene import TISSUE_STREAM, Grid, Scene
from training.phantom.spec import PhantomSpec
from training.phantom.tissues import (
    AIR_HU,
    LUNG_HU,
    LUNG_VESSEL_HU,
    RIB_CORTEX_HU,
    RIB_MARROW_HU,
    mineral_gain,
    soft_table,
)

Mask = NDArray[np.bool_]

# Smoothing that turns steps of the canvas into smooth surfaces, voxels, and the width that an edge has afterwards, mm.
_SMOOTH, _EDGE_MM = 0.87, 0.9
# Thickness of the cortex of ribs and flat bones, mm (plausible choice).
_CORTEX_MM = 1.1
_TILE = 72


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """Fields on the canvas that a slice is mixed from, each shape (k, j, i).

    Parameters
    ----------
    soft, lung
        CT numbers where there is soft tissue, or lung, HU; each goes on a little beyond its own border.
    lung_share, bone_share, outside_share
        Smoothed masks; 0.5 is the surface.
    corner_mm
        Position along j and i of the fields' first voxels: they hold no more than the body and a margin of air.
    gain
        Brightness of mineral at the tube voltage over that at 120 kV.
    """

    soft: Float32
    lung: Float32
    lung_share: Float32
    bone_share: Float32
    outside_share: Float32
    spacing_mm: float
    corner_mm: tuple[float, float]
    gain: float


def build_background(scene: Scene, spec: PhantomSpec) -> Background:
    """Smooth the canvas of a scene."""
    spacing = scene.canvas.spacing_mm
    box = _body_box(scene.canvas.labels)
    labels = scene.canvas.labels[box]
    rng = np.random.default_rng((spec.seed, TISSUE_STREAM))
    bone = _bones(labels)
    lung = labels == Part.LUNG
    return Background(
        soft=_soft_tissue(labels, soft_table(rng, spec.kvp), rng),
        lung=_lung_tissue(lung, rng),
        lung_share=_smooth(lung),
        bone_share=_smooth(bone),
        outside_share=_smooth(labels == Part.AIR),
        spacing_mm=spacing,
        corner_mm=(box[1].start * spacing, box[2].start * spacing),
        gain=mineral_gain(spec.kvp),
    )


def background_slice(background: Background, grid: Grid, height_mm: float) -> Float32:
    """CT numbers of the plane at a height, shape (rows, columns) of the grid, HU; air is where nobody is."""
    names = ("soft", "lung", "lung_share", "outside_share", "bone_share")
    soft, lung, lung_share, outside, bone = (
        _plane(getattr(background, name), background, grid, height_mm) for name in names
    )
    smooth_mm = _SMOOTH * background.spacing_mm
    steep = np.float32(smooth_mm * np.sqrt(2.0 * np.pi) / _EDGE_MM)
    hu = soft + (lung - soft) * _steepened(lung_share, steep)
    _mix_bone(hu, bone, smooth_mm, background.gain)
    hu += (np.float32(AIR_HU) - hu) * _steepened(outside, steep)
    return hu


def _steepened(share: Float32, steep: np.float32) -> Float32:
    result: Float32 = np.clip((share - np.float32(0.5)) * steep + np.float32(0.5), 0.0, 1.0)
    return result


def _mix_bone(hu: Float32, share: Float32, smooth_mm: float, gain: float) -> None:
    """Put bone over what is there: for a flat surface the smoothed mask is the normal distribution of the depth."""
    near = share > 0.2
    depth = (smooth_mm * special.ndtri(np.clip(share[near], 1e-3, 0.999))).astype(np.float32)
    cortex = np.clip((_CORTEX_MM - depth) / 0.8 + 0.5, 0.0, 1.0)
    bone = gain * (RIB_MARROW_HU + (RIB_CORTEX_HU - RIB_MARROW_HU) * cortex)
    cover = np.clip(depth / _EDGE_MM + 0.5, 0.0, 1.0)
    hu[near] += (bone - hu[near]) * cover


def _plane(field: Float32, background: Background, grid: Grid, height_mm: float) -> Float32:
    """The field in a plane, linear between voxels; its border goes on outside."""
    spacing = np.float32(background.spacing_mm)
    at = np.clip(height_mm / background.spacing_mm, 0.0, field.shape[0] - 1.0)
    low = min(int(at), field.shape[0] - 2)
    rest = np.float32(at - low)
    coarse: Float32 = field[low] * (1 - rest) + field[low + 1] * rest
    for axis, corner in enumerate(background.corner_mm):
        first, along = _linear((grid.centres(axis + 1) - np.float32(corner)) / spacing, coarse.shape[axis])
        weight = along[:, None] if axis == 0 else along
        coarse = coarse.take(first, axis) * (1 - weight) + coarse.take(first + 1, axis) * weight
    return coarse


def _linear(places: Float32, size: int) -> tuple[NDArray[np.intp], Float32]:
    places = np.clip(places, 0.0, size - 1.0)
    first = np.minimum(places.astype(np.intp), size - 2)
    rest: Float32 = (places - first).astype(np.float32)
    return first, rest


def _body_box(labels: UInt8) -> tuple[slice, slice, slice]:
    """All slices, and of rows and columns those that hold the body, with a margin."""
    body = labels != Part.AIR
    margin = 4
    bounds = []
    for others in ((0, 2), (0, 1)):
        present = np.flatnonzero(body.any(others))
        bounds.append(slice(max(int(present[0]) - margin, 0), int(present[-1]) + 1 + margin))
    return slice(None), bounds[0], bounds[1]


def _smooth(mask: Mask) -> Float32:
    smoothed: Float32 = ndimage.gaussian_filter(mask.astype(np.float32), _SMOOTH, truncate=3.0)
    return smoothed


def _bones(labels: UInt8) -> Mask:
    """Ribs and other bones, without what touches a vertebra: there is a joint between them."""
    bone: Mask = np.isin(labels, (*RIBS, *PELVIS, *OTHER_BONES))
    vertebra = np.isin(labels, (*BODIES, *POSTERIORS))
    across = np.flatnonzero(vertebra.any((0, 1)))
    deep = np.flatnonzero(vertebra.any((0, 2)))
    box = (slice(None), slice(deep[0] - 2, deep[-1] + 3), slice(across[0] - 2, across[-1] + 3))
    bone[box] &= ~ndimage.binary_dilation(vertebra[box])
    return bone


def _soft_tissue(labels: UInt8, table: Float32, rng: np.random.Generator) -> Float32:
    """CT numbers of soft tissue, continued into what is none by the mean of what is near."""
    values = table[labels]
    known = ~np.isnan(values)
    values[~known] = 0.0
    muscle = np.isin(labels, (Part.MUSCLE, Part.ERECTOR, Part.PSOAS))
    texture = _tiled(labels.shape, rng, 1.1)
    streaks = _tiled(labels.shape, rng, 1.6)
    values += known * (5.0 * texture)
    # Fat runs between the bundles of a muscle.
    values -= muscle * (55.0 * np.clip(streaks - 1.1, 0.0, 1.0))
    weight = ndimage.gaussian_filter(known.astype(np.float32), 0.7, truncate=3.0)
    smoothed = ndimage.gaussian_filter(values, 0.7, truncate=3.0)
    soft: Float32 = np.where(weight > 1e-3, smoothed / np.maximum(weight, 1e-3), table[Part.FAT]).astype(np.float32)
    return soft


def _lung_tissue(lung: Mask, rng: np.random.Generator) -> Float32:
    """Parenchyma, denser towards the back of a lying person, with vessels where two random fields vanish together."""
    deep = np.linspace(-60.0, 70.0, lung.shape[1], dtype=np.float32)[:, None]
    parenchyma = LUNG_HU + deep + 12.0 * _tiled(lung.shape, rng, 1.5)
    middle = 0.5 * (lung.shape[2] - 1)
    # Vessels are thick where they enter the lung and thin under its surface.
    inwards = np.exp(-(((np.arange(lung.shape[2]) - middle) / (0.3 * middle)) ** 2)).astype(np.float32)
    vessel = _filaments(lung.shape, rng, 6.5, 0.07 + 0.26 * inwards)
    vessel = np.maximum(vessel, 0.8 * _filaments(lung.shape, rng, 3.5, 0.12 + 0.08 * inwards))
    tissue: Float32 = (parenchyma + (LUNG_VESSEL_HU - parenchyma) * vessel).astype(np.float32)
    return tissue


def _filaments(shape: tuple[int, ...], rng: np.random.Generator, sigma: float, wide: Float32) -> Float32:
    """1 on the curves on which two random fields vanish, falling to 0 beside them."""
    # Tiles of different size: together they do not repeat within a lung.
    first, second = _tiled(shape, rng, sigma), _tiled(shape, rng, sigma, _TILE - 11)
    filaments: Float32 = np.exp(-(first**2 + second**2) / wide**2)
    return filaments


def _tiled(shape: tuple[int, ...], rng: np.random.Generator, sigma: float, period: int = _TILE) -> Float32:
    """Smooth noise of unit variance that repeats after `period` voxels."""
    tile = ndimage.gaussian_filter(rng.standard_normal((period,) * 3, dtype=np.float32), sigma, mode="wrap")
    tile /= tile.std()
    index = [np.arange(size) % period for size in shape]
    repeated: Float32 = tile[np.ix_(*index)]
    return repeated
