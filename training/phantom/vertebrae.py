"""Vertebrae drawn on the scan's own grid, with partial volume, from their shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from node.domain.levels import VertebralLevel
from node.domain.volume import Float32
from training.anatomy.marks import Mark, with_marks
from training.anatomy.spine import PlacedVertebra
from training.anatomy.vertebra import arch_distance, body_distance
from training.phantom.broken_bone import compacted_hu, marks_of, rims_hu
from training.phantom.scene import BONE_STREAM, Grid, Scene
from training.phantom.spec import PhantomSpec
from training.phantom.tissues import ARCH_CORTEX_HU, ARCH_MARROW_EXTRA_HU, SHELL_HU, mineral_gain

Box = tuple[slice, slice, slice]

# Thickness of the shell of a body and of the cortex of arch and processes, mm (plausible choices).
_SHELL_MM, _ARCH_CORTEX_MM = 0.55, 1.1
# Slices are drawn in layers at most this thick, mm, and edges at least this wide.
_LAYER_MM, _EDGE_MM = 0.7, 0.5
# What is left of the joint between two vertebrae, mm.
_JOINT_MM = 1.2
# Struts of the trabecular core run along the body: size along and across, mm, and their contrast, HU.
_STRUT_MM, _STRUT_HU = (1.6, 0.8), 16.0
# The vein that leaves a body behind: half sizes, mm, and what it is darker by, HU.
_VEIN_MM, _VEIN_HU = (2.2, 3.0), 70.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnVertebra:
    """One vertebra in a box of the scan's grid, every array of the shape of the box.

    Parameters
    ----------
    bone
        Share of the voxel that is this vertebra's bone, 0 to 1.
    hu
        CT number of that share times the share, HU.
    body
        Share of the voxel inside the body.
    trabecular
        Share of the voxel that is trabecular bone of the body.
    """

    level: VertebralLevel | None
    box: Box
    bone: Float32
    hu: Float32
    body: Float32
    trabecular: Float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Surface:
    """Distance from the surfaces of one vertebra, mm, negative inside, in a box that counts layers along k."""

    placed: PlacedVertebra
    box: Box
    body: Float32
    whole: Float32
    marks: tuple[Mark, ...]


def draw_vertebrae(scene: Scene, spec: PhantomSpec) -> Iterator[DrawnVertebra]:
    """The vertebrae that the scan touches, from foot to head."""
    layers = int(np.ceil(spec.slice_mm / _LAYER_MM))
    below: _Surface | None = None
    for placed in reversed(scene.spine.vertebrae):
        box = _box(placed, scene.grid, layers)
        if box is None:
            continue
        surface = _surface(placed, box, scene.grid, layers=layers, spec=spec)
        if below is not None:
            _leave_joint(surface, below)
        yield _drawn(surface, scene.grid, layers, spec)
        below = surface


def _box(placed: PlacedVertebra, grid: Grid, layers: int) -> Box | None:
    """The box of whole slices around a vertebra, counted in layers along k, or `None` where the scan misses it."""
    body, arch = placed.shape.body, placed.shape.arch
    rear = 0.5 * body.depth + arch.canal_depth + arch.spinous[1] + 8.0
    side = 0.5 * arch.canal_width + arch.pedicle_width + max(arch.transverse[2], 0.0) + 10.0
    side = max(side, 0.5 * body.width + body.lip + 2.0)
    low = (-1.6 * body.mean_height - arch.lamina_height + min(arch.spinous[0], 0.0), -0.55 * body.depth - 3.0, -side)
    high = (1.2 * body.mean_height + 6.0, rear, side)
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), -1).reshape(-1, 3)
    points = (placed.frame.to_template(corners) - grid.origin_mm) / grid.spacing_mm
    first = np.clip(np.floor(points.min(0)).astype(int), 0, grid.shape)
    last = np.clip(np.ceil(points.max(0)).astype(int) + 1, first, grid.shape)
    if (first == last).any():
        return None
    k, j, i = (slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))
    return slice(k.start * layers, k.stop * layers), j, i


def _surface(placed: PlacedVertebra, box: Box, grid: Grid, *, layers: int, spec: PhantomSpec) -> _Surface:
    up, back, left = _local(placed, box, grid, layers)
    marks = marks_of(placed.shape, spec)
    body = with_marks(body_distance(placed.shape.body, up, back, left), marks, (up, back, left))
    whole = np.minimum(body, arch_distance(placed.shape, up, back, left))
    return _Surface(placed=placed, box=box, body=body, whole=whole, marks=marks)


def _local(placed: PlacedVertebra, box: Box, grid: Grid, layers: int) -> tuple[Float32, Float32, Float32]:
    """Local coordinates up, back and left, mm, that broadcast to the layers of the box; vertebrae lean forward only."""
    layer_mm = grid.spacing_mm[0] / layers
    lowest = grid.origin_mm[0] - 0.5 * grid.spacing_mm[0] + 0.5 * layer_mm
    k = (lowest + np.arange(box[0].start, box[0].stop) * layer_mm - placed.frame.origin[0])[:, None]
    j = grid.centres(1)[box[1]] - placed.frame.origin[1]
    i = grid.centres(2)[box[2]] - placed.frame.origin[2]
    axes = placed.frame.axes
    up, back = (k * axes[row, 0] + j * axes[row, 1] for row in (0, 1))
    return up[..., None].astype(np.float32), back[..., None].astype(np.float32), i[None, None].astype(np.float32)


def _leave_joint(upper: _Surface, lower: _Surface) -> None:
    """Take from the upper vertebra what is nearer to the lower one than a joint is wide."""
    common = [
        slice(max(one.start, two.start), min(one.stop, two.stop)) for one, two in zip(upper.box, lower.box, strict=True)
    ]
    if any(part.start >= part.stop for part in common):
        return
    mine, other = (
        tuple(
            slice(part.start - own.start, part.stop - own.start) for part, own in zip(common, surface.box, strict=True)
        )
        for surface in (upper, lower)
    )
    np.maximum(upper.whole[mine], np.float32(_JOINT_MM) - lower.whole[other], out=upper.whole[mine])


def _drawn(surface: _Surface, grid: Grid, layers: int, spec: PhantomSpec) -> DrawnVertebra:
    edge = np.float32(max(grid.spacing_mm[1], _EDGE_MM))
    body = _cover(surface.body, edge)
    bone = np.maximum(_cover(surface.whole, edge), body)
    in_body = np.clip(0.5 - surface.body / np.float32(3.0), 0.0, 1.0)
    gain = np.float32(mineral_gain(spec.kvp))
    thickness = _ARCH_CORTEX_MM + (_SHELL_MM - _ARCH_CORTEX_MM) * in_body
    # Between layers an edge is as wide as in the plane, and the shell is spread over it.
    depth = -np.minimum(surface.whole, surface.body)
    cortex = np.clip((thickness - depth) / edge + 0.5, 0.0, 1.0)
    compact = gain * (ARCH_CORTEX_HU + (SHELL_HU - ARCH_CORTEX_HU) * in_body)
    marrow = _marrow(surface, grid, layers, spec) + np.float32(ARCH_MARROW_EXTRA_HU) * (1.0 - in_body)
    hu = (marrow + (compact - marrow) * cortex) * bone
    shares = (bone, hu, body, body * (1.0 - cortex))
    bone, hu, body, trabecular = (_slices(share, layers) for share in shares)
    k = slice(surface.box[0].start // layers, surface.box[0].stop // layers)
    return DrawnVertebra(
        level=surface.placed.shape.level,
        box=(k, surface.box[1], surface.box[2]),
        bone=bone,
        hu=hu,
        body=body,
        trabecular=trabecular,
    )


def _marrow(surface: _Surface, grid: Grid, layers: int, spec: PhantomSpec) -> Float32:
    """Trabecular bone with its struts and the vein of the body, HU."""
    up, back, left = _local(surface.placed, surface.box, grid, layers)
    body = surface.placed.shape.body
    vein = np.exp(-((up / _VEIN_MM[0]) ** 2) - (left / _VEIN_MM[1]) ** 2) * np.clip(back / (0.4 * body.depth), 0.0, 1.0)
    struts = _struts(surface, grid, layers, spec)
    changed = compacted_hu(surface.placed.shape, spec, (up, back, left)) + rims_hu(surface.marks, (up, back, left))
    marrow: Float32 = np.float32(spec.trabecular_hu) + struts - np.float32(_VEIN_HU) * vein + changed
    return marrow.astype(np.float32)


def _struts(surface: _Surface, grid: Grid, layers: int, spec: PhantomSpec) -> Float32:
    level = surface.placed.shape.level
    rng = np.random.default_rng((spec.seed, BONE_STREAM, 0 if level is None else level.number))
    layer_mm = grid.spacing_mm[0] / layers
    sigmas = (_STRUT_MM[0] / layer_mm, _STRUT_MM[1] / grid.spacing_mm[1], _STRUT_MM[1] / grid.spacing_mm[2])
    noise = ndimage.gaussian_filter(rng.standard_normal(surface.body.shape, dtype=np.float32), sigmas, truncate=3.0)
    struts: Float32 = noise * np.float32(_STRUT_HU / max(float(noise.std()), 1e-6))
    return struts


def _cover(distance: Float32, edge: np.float32) -> Float32:
    cover: Float32 = np.clip(np.float32(0.5) - distance / edge, 0.0, 1.0)
    return cover


def _slices(layered: Float32, layers: int) -> Float32:
    """Means over the layers of each slice."""
    shape = layered.shape
    means: Float32 = layered.reshape(shape[0] // layers, layers, *shape[1:]).mean(1, dtype=np.float32)
    return means
