"""What makes a trunk a person's: an uneven outline, a back that the table flattens, and a well filled chest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from node.domain.geometry import Float64
from node.domain.volume import Float32
from training.anatomy.canvas import Canvas, Column, Frame
from training.anatomy.labels import Part
from training.anatomy.spine import Spine

# Uneven outline: size of the bumps and how far they move the surface, mm (plausible choices).
_BUMP_MM, _SHIFT_MM = 75.0, 3.5
# Where the back is flattened: how far it is pushed back, and the distance from the spine at which that is complete, mm.
_FLATTEN_MM, _FLAT_FROM_MM, _FLAT_TO_MM = 11.0, 55.0, 120.0
# Nothing moves within the first radius around the spine, so that ribs keep their joints, and all beyond the second, mm.
_STILL_MM, _FREE_MM = 62.0, 105.0
# Lungs have no corners; radius of what is rounded off, mm.
_ROUND_MM = 4.5
# Lung or heart above the dome of the diaphragm is at least this high, mm.
_DEEP_MM = 30.0
# How near lungs come to the sides of a body, how far behind its front that is, mm, and the slope of both borders there.
_CLOSE_MM, _BEHIND_FRONT_MM, _FALL = 3.0, 9.0, 0.55


def reshape_trunk(canvas: Canvas, spine: Spine, rng: np.random.Generator) -> None:
    """Move what is painted sideways and back by some mm, least around the spine."""
    labels, step = canvas.labels, canvas.spacing_mm
    centre = spine.centreline(canvas.heights)
    shape = labels.shape
    j, i = (np.arange(size) * step for size in shape[1:])
    bumps = (_bumps(shape, step, generator) for generator in rng.spawn(2))
    for index, (down, across) in enumerate(zip(*bumps, strict=True)):
        behind, aside = (j - centre[index, 0])[:, None], i - centre[index, 1]
        free = _rise(np.hypot(behind - 20.0, aside), _STILL_MM, _FREE_MM)
        flat = _FLATTEN_MM * _rise(np.abs(aside), _FLAT_FROM_MM, _FLAT_TO_MM) * _rise(behind, -60.0, 40.0)
        back = j[:, None] - free * _SHIFT_MM * down - flat
        left = i - free * _SHIFT_MM * across
        rows, columns = (
            np.clip(np.round(place / step), 0, size - 1).astype(np.intp)
            for place, size in zip((back, left), shape[1:], strict=True)
        )
        labels[index] = labels[index][rows, columns]


def _rise(values: Float64, start: float, end: float) -> Float64:
    """0 up to the start, 1 from the end, smooth between."""
    share = np.clip((values - start) / (end - start), 0.0, 1.0)
    smooth: Float64 = share * share * (3.0 - 2.0 * share)
    return smooth


def _bumps(shape: tuple[int, ...], step: float, rng: np.random.Generator) -> Iterator[Float32]:
    """A smooth random plane of about unit size for every slice, each shape (j, i)."""
    knots = [int(np.ceil(size * step / _BUMP_MM)) + 2 for size in shape]
    coarse = rng.standard_normal(knots, dtype=np.float32)
    along, down, across = (_blend(size, count) for size, count in zip(shape, knots, strict=True))
    for weights in along:
        yield down @ np.tensordot(weights, coarse, 1) @ across.T


def _blend(size: int, knots: int) -> Float32:
    """Weights that go smoothly from knot to knot, shape (size, knots); each row sums to 1."""
    places = np.linspace(0.0, knots - 1.0, size)[:, None]
    share = 1.0 - np.minimum(np.abs(places - np.arange(knots)), 1.0)
    weights: Float32 = (share * share * (3.0 - 2.0 * share)).astype(np.float32)
    return weights


def fill_chest(canvas: Canvas, spine: Spine) -> None:
    """Shape the lungs, and add the right heart, the oesophagus, and the stomach under the left dome."""
    _nestle_lungs(canvas, spine)
    _round_lungs(canvas)
    heights = canvas.heights
    centre = spine.centreline(heights)
    scale = spine.scale
    last = next(placed for level, placed in reversed(spine.named) if level.is_thoracic).frame.origin
    gullet = Column(
        back=centre[:, 0] - 31.0 * scale,
        left=centre[:, 1] + 5.0 * scale,
        half_depth=np.where(heights > last[0] + 25.0, 6.0 * scale, 0.0),
        half_width=np.where(heights > last[0] + 25.0, 8.0 * scale, 0.0),
    )
    canvas.paint_column(gullet, Part.BOWEL_WALL, over=(Part.VISCERAL_FAT, Part.LUNG))
    _paint_ball(
        canvas, last + scale * np.array((112.0, -88.0, -26.0)), scale * np.array((44.0, 36.0, 34.0)), Part.HEART
    )
    dome = _dome(canvas, last + scale * np.array((0.0, -38.0, 60.0)))
    if dome is not None:
        _paint_ball(canvas, dome - (39.0 * scale, 0.0, 0.0), scale * np.array((38.0, 54.0, 46.0)), Part.BOWEL_WALL)


def _nestle_lungs(canvas: Canvas, spine: Spine) -> None:
    """Let the lungs lie against the sides of the bodies, where the anatomy leaves a straight strip of fat."""
    centre = spine.centreline(canvas.heights)
    placed = [each for _, each in reversed(spine.named)]
    at = [float(each.frame.origin[0]) for each in placed]
    widths, depths = (
        np.interp(canvas.heights, at, [getattr(each.shape.body, name) for each in placed])
        for name in ("width", "depth")
    )
    j, i = (np.arange(size) * canvas.spacing_mm for size in canvas.labels.shape[1:])
    for index, plane in enumerate(canvas.labels):
        aside = i - centre[index, 1]
        near = np.abs(j - centre[index, 0] + 0.5 * depths[index] - _BEHIND_FRONT_MM)[:, None]
        free = np.abs(aside) > 0.5 * widths[index] + _CLOSE_MM + _FALL * np.maximum(near - 7.0, 0.0)
        for side in (aside > 0, aside < 0):
            strip = side & (np.abs(aside) < 0.5 * widths[index] + 22.0)
            beside = (plane[:, strip] == Part.LUNG).any(1)[:, None]
            plane[free & strip & beside & (plane == Part.VISCERAL_FAT)] = Part.LUNG


def _round_lungs(canvas: Canvas) -> None:
    lung = canvas.labels == Part.LUNG
    if not lung.any():
        return
    (box,) = ndimage.find_objects(lung.astype(np.uint8))
    view, lung = canvas.labels[box], lung[box]
    share = ndimage.gaussian_filter(lung.astype(np.float32), _ROUND_MM / canvas.spacing_mm, truncate=2.5)
    view[lung & (share < 0.5)] = Part.VISCERAL_FAT
    view[(view == Part.VISCERAL_FAT) & (share > 0.5)] = Part.LUNG


def _dome(canvas: Canvas, below: Float64) -> Float64 | None:
    """The lowest place of lung or heart straight above a point, or `None` where the canvas ends below it."""
    start, j, i = np.clip(np.round(below / canvas.spacing_mm).astype(int), 0, np.array(canvas.labels.shape) - 1)
    chest = np.isin(canvas.labels[start:, j, i], (Part.LUNG, Part.HEART))
    # A sliver of lung beside the diaphragm is not its dome.
    deep = np.flatnonzero(ndimage.binary_opening(chest, np.ones(max(2, int(_DEEP_MM / canvas.spacing_mm)))))
    if not deep.size:
        return None
    return np.array(((start + deep[0]) * canvas.spacing_mm, below[1], below[2]))


def _paint_ball(canvas: Canvas, centre: Float64, radii: Float64, label: int) -> None:
    up, back, left = radii.tolist()
    region = canvas.region(Frame.leaning(centre, 0.0), (-up, -back, -left), (up, back, left))
    inside = (region.up / up) ** 2 + (region.back / back) ** 2 + (region.left / left) ** 2 < 1.0
    canvas.paint(
        region, inside, label, over=(Part.VISCERAL_FAT, Part.LUNG) if label == Part.HEART else (Part.VISCERAL_FAT,)
    )
