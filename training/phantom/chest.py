"""A chest CT whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from node.domain.levels import VertebralLevel
from node.domain.volume import Float32, LabelMap, Segment, UInt8, Volume
from training.dicom_series import derived_uid
from training.phantom.background import Background, background_slice, build_background
from training.phantom.noise import NoiseSource
from training.phantom.scene import NOISE_STREAM, Grid, Scene, build_scene
from training.phantom.spec import PhantomSpec
from training.phantom.table import draw_table
from training.phantom.tissues import AIR_HU
from training.phantom.truth import PhantomTruth, box_around, core_mask, true_vertebra
from training.phantom.vertebrae import Box, draw_vertebrae

#: What a scanner stores: 12 bits from -1024.
STORED_HU = (-1024.0, 3071.0)

# The soft background is drawn in layers at most this thick, mm.
_LAYER_MM = 1.25

#: Is told the share of the work that is done, 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A synthetic CT: image, true bodies on the same grid (VerSe numbers), and truth."""

    spec: PhantomSpec
    volume: Volume
    labels: LabelMap
    truth: PhantomTruth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trabecular:
    """Where a body's trabecular bone is in the image: a box, and the share of each voxel after blurring."""

    level: VertebralLevel
    box: Box
    share: Float32


def make_chest_ct(spec: PhantomSpec, progress: Progress = lambda share: None) -> Phantom:
    """Draw a chest CT.

    The CT numbers of every body's trabecular bone are shifted so that, before noise is added, their mean in the core
    (see `core_mask`) is what the specification asks for; but for bone that a fracture has pressed together.
    """
    scene = build_scene(spec)
    progress(0.15)
    background = build_background(scene, spec)
    progress(0.3)
    hu = _draw_background(background, scene, lambda share: progress(0.3 + 0.3 * share))
    labels, trabecular = _add_vertebrae(hu, scene, spec)
    progress(0.8)
    _blur(hu, scene.grid, spec)
    for part in trabecular:
        if not _is_compacted(part.level, spec):
            _set_core(hu, labels, part, scene.grid, spec)
    truth = tuple(
        true_vertebra(hu, labels, scene, placed=placed, spec=spec)
        for level, placed in scene.spine.named
        if (labels == level.number).any()
    )
    progress(0.85)
    _add_noise(hu, scene.grid, spec)
    progress(1.0)
    return _phantom(spec, scene, hu, labels, PhantomTruth(vertebrae=truth))


def _phantom(spec: PhantomSpec, scene: Scene, hu: Float32, labels: UInt8, truth: PhantomTruth) -> Phantom:
    frame = derived_uid(repr(spec), labels.tobytes(), what="frame of reference")
    values = sorted(vertebra.level.number for vertebra in truth.vertebrae)
    segments = tuple(Segment(value=value, level=VertebralLevel.from_number(value)) for value in values)
    return Phantom(
        spec=spec,
        volume=Volume(hu=hu, affine=scene.affine, frame_of_reference=frame),
        labels=LabelMap(labels=labels, affine=scene.affine, frame_of_reference=frame, segments=segments),
        truth=truth,
    )


def _draw_background(background: Background, scene: Scene, progress: Progress) -> Float32:
    grid = scene.grid
    hu = np.zeros(grid.shape, dtype=np.float32)
    layers = int(np.ceil(grid.spacing_mm[0] / _LAYER_MM))
    offsets = ((np.arange(layers) + 0.5) / layers - 0.5) * grid.spacing_mm[0]
    table = draw_table(scene) - np.float32(AIR_HU)
    for k, height in enumerate(grid.centres(0).tolist()):
        for offset in offsets.tolist():
            hu[k] += background_slice(background, grid, height + offset)
        hu[k] /= layers
        # Nobody is where it is air.
        hu[k] += table * (hu[k] < -950.0)
        progress((k + 1) / grid.shape[0])
    return hu


def _add_vertebrae(hu: Float32, scene: Scene, spec: PhantomSpec) -> tuple[UInt8, list[_Trabecular]]:
    labels = np.zeros(hu.shape, dtype=np.uint8)
    parts = []
    for drawn in draw_vertebrae(scene, spec):
        view = hu[drawn.box]
        view *= 1.0 - drawn.bone
        view += drawn.hu
        if drawn.level is not None:
            labels[drawn.box][drawn.body >= 0.5] = drawn.level.number
            share = ndimage.gaussian_filter(drawn.trabecular, _sigmas(scene.grid, spec), truncate=3.0)
            parts.append(_Trabecular(level=drawn.level, box=drawn.box, share=share))
    return labels, parts


def _set_core(hu: Float32, labels: UInt8, part: _Trabecular, grid: Grid, spec: PhantomSpec) -> None:
    body = labels[part.box] == part.level.number
    if not body.any():
        return
    inner = box_around(body)
    core = core_mask(body[inner], grid.spacing_mm)
    if not core.any():
        return
    view = hu[part.box]
    missing = spec.trabecular_hu - float(view[inner][core].mean(dtype=np.float64))
    view += part.share * np.float32(missing / float(part.share[inner][core].mean(dtype=np.float64)))


def _is_compacted(level: VertebralLevel, spec: PhantomSpec) -> bool:
    fracture = spec.fracture_of(level)
    return fracture is not None and fracture.compacted_hu > 0.0


def _sigmas(grid: Grid, spec: PhantomSpec) -> tuple[float, float, float]:
    return 0.0, spec.blur_mm / grid.spacing_mm[1], spec.blur_mm / grid.spacing_mm[2]


def _blur(hu: Float32, grid: Grid, spec: PhantomSpec) -> None:
    sigmas = _sigmas(grid, spec)[1:]
    for plane in hu:
        plane[...] = ndimage.gaussian_filter(plane, sigmas, truncate=3.0)


def _add_noise(hu: Float32, grid: Grid, spec: PhantomSpec) -> None:
    """Add noise, and round to what can be stored."""
    rng = np.random.default_rng((spec.seed, NOISE_STREAM))
    source = NoiseSource(grid, spec.noise_hu, rng, blur_mm=spec.blur_mm)
    for plane in hu:
        noisy = plane + source.draw() if spec.noise_hu > 0.0 else plane
        plane[...] = np.clip(np.round(noisy), *STORED_HU)
