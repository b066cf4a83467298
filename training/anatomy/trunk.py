"""The outline of the trunk: cavity, wall of ribs and muscle, fat, skin; arms and the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Float64
from training.anatomy.canvas import Canvas, Column, wobble
from training.anatomy.labels import Part, Side
from training.anatomy.spine import Spine

# Rows: neck, 45 mm above T1; height of T1, T4, T8, the last thoracic vertebra, mid-lumbar, S1, hips. Columns, mm from
# the centre of the spine: half width of the cavity, its reach to the front, its reach to the back. Plausible for an
# adult of scale 1.
_CAVITY = (
    (24.0, 30.0, 4.0),
    (50.0, 42.0, 24.0),
    (98.0, 78.0, 38.0),
    (124.0, 118.0, 46.0),
    (130.0, 126.0, 42.0),
    (122.0, 98.0, 22.0),
    (118.0, 96.0, 20.0),
    (92.0, 92.0, 34.0),
)
# Thickness of the wall at the same heights: sideways, in front, behind (from the cavity's end to below the back's fat).
_WALL = (
    (44.0, 20.0, 62.0),
    (90.0, 22.0, 44.0),
    (66.0, 24.0, 32.0),
    (22.0, 16.0, 24.0),
    (16.0, 13.0, 30.0),
    (18.0, 12.0, 52.0),
    (34.0, 12.0, 56.0),
    (80.0, 24.0, 62.0),
)
_EXPONENT = 2.3
_SKIN_MM = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One closed surface around the trunk, a superellipse a slice, mm, each array of shape (k,)."""

    back: Float64
    left: Float64
    half_depth: Float64
    half_width: Float64

    def column(self, inset_mm: float = 0.0) -> Column:
        """The tube inside the surface, made smaller all round."""
        return Column(
            back=self.back,
            left=self.left,
            half_depth=np.maximum(self.half_depth - inset_mm, 1.0),
            half_width=np.maximum(self.half_width - inset_mm, 1.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """The surfaces of one person: cavity of chest and belly, muscle around it, and skin."""

    cavity: Layer
    muscle: Layer
    skin: Layer


def draw_trunk(rng: np.random.Generator, spine: Spine, heights: Float64) -> Trunk:
    """Surfaces for the slices at the heights, mm, around a spine."""
    anchors, centre = _anchors(spine), spine.centreline(heights)
    width, depth = spine.scale * rng.uniform(0.88, 1.14), spine.scale * rng.uniform(0.8, 1.2)
    scales = np.array((width, depth, spine.scale))
    cavity = np.array(_CAVITY) * scales
    wall = np.array(_WALL) * np.array((rng.uniform(0.75, 1.25), rng.uniform(0.75, 1.25), rng.uniform(0.85, 1.2)))
    fat = rng.uniform(3.0, 34.0)
    # In front and at the sides of the belly there is more of it than at the back.
    fats = fat * np.array((0.8, 1.0, rng.uniform(0.4, 0.9))) + 2.0
    rows = [cavity, cavity + wall, cavity + wall + fats]
    layers = [_layer(centre, np.stack([np.interp(heights, anchors, row[::-1]) for row in table.T])) for table in rows]
    shift = wobble(rng, len(heights), 2.0)
    cavity_layer, muscle, skin = layers
    return Trunk(
        cavity=cavity_layer,
        muscle=muscle,
        skin=Layer(
            back=skin.back, left=skin.left + shift, half_depth=skin.half_depth, half_width=skin.half_width + shift
        ),
    )


def paint_trunk(canvas: Canvas, trunk: Trunk) -> None:
    """Paint skin, fat, the wall and the fat of the cavity, from outside inwards."""
    canvas.paint_column(trunk.skin.column(), Part.SKIN, exponent=_EXPONENT)
    canvas.paint_column(trunk.skin.column(_SKIN_MM), Part.FAT, exponent=_EXPONENT)
    canvas.paint_column(trunk.muscle.column(), Part.MUSCLE, exponent=_EXPONENT)
    canvas.paint_column(trunk.cavity.column(), Part.VISCERAL_FAT, exponent=_EXPONENT)


def paint_muscles(canvas: Canvas, spine: Spine, rng: np.random.Generator) -> None:
    """Paint psoas, quadratus and the erectors beside the spine, with fat between them."""
    heights = canvas.heights
    centre = spine.centreline(heights)
    last_thoracic = next(placed for name, placed in reversed(spine.named) if name.is_thoracic)
    top, sacrum = last_thoracic.frame.origin[0], spine.sacrum[0].frame.origin[0]
    descent = np.clip((top - 5.0 - heights) / (top - sacrum), 0.0, 1.6)
    strength = spine.scale * rng.uniform(0.75, 1.2)
    psoas = strength * np.where(heights < top - 5.0, 7.0 + 16.0 * np.minimum(descent, 1.0), 0.0)
    rise = np.interp(heights, (sacrum, top, heights[-1]), (24.0, 21.0, 13.0)) * strength
    back = np.interp(heights, (sacrum, top, heights[-1]), (48.0, 44.0, 34.0)) * spine.scale
    for side in Side:
        at = side.sign * spine.scale
        canvas.paint_column(_column(centre, (back, at * 26.0), (rise + 4.0, rise + 8.0)), Part.VISCERAL_FAT, over=_SOFT)
        canvas.paint_column(
            _column(centre, (back, at * 26.0), (rise, rise + 3.0)), Part.ERECTOR, over=_SOFT, exponent=2.5
        )
        quadratus = np.where((heights < top - 14.0) & (heights > sacrum), strength * 9.0, 0.0)
        canvas.paint_column(_column(centre, (18.0 + 0 * back, at * 62.0), (quadratus, 2.0 * quadratus)), Part.MUSCLE)
        aside = at * (24.0 + 13.0 * np.minimum(descent, 1.0) + 26.0 * np.maximum(descent - 1.0, 0.0))
        forward = -2.0 - 44.0 * np.maximum(descent - 0.9, 0.0)
        canvas.paint_column(_column(centre, (forward, aside), (psoas * 1.1, psoas)), Part.PSOAS, over=_SOFT)


def paint_arms(canvas: Canvas, trunk: Trunk, spine: Spine, rng: np.random.Generator) -> None:
    """Paint arms that lie beside the trunk; they are often cut by the field of view."""
    heights = canvas.heights
    shoulder = float(spine.vertebrae[0].frame.origin[0]) - 20.0
    present = heights < shoulder
    for side in Side:
        aside = side.sign * (np.minimum(trunk.skin.half_width, 200.0) + rng.uniform(32.0, 60.0))
        back = trunk.skin.back + rng.uniform(0.0, 50.0)
        for radius, label in ((40.0, Part.SKIN), (38.0, Part.FAT), (33.0, Part.MUSCLE), (11.0, Part.ARM_BONE)):
            half = np.where(present, radius * rng.normal(1.0, 0.05), 0.0)
            column = Column(back=back, left=trunk.skin.left + aside, half_depth=half, half_width=half)
            canvas.paint_column(column, label, over=() if label is not Part.SKIN else (Part.AIR,))


def paint_table(canvas: Canvas, trunk: Trunk, rng: np.random.Generator) -> None:
    """Paint the shell of a table that the back lies on, hollow in the middle."""
    lowest = float((trunk.skin.back + trunk.skin.half_depth).max()) + rng.uniform(0.0, 10.0)
    j = np.arange(canvas.labels.shape[1])[:, None] * canvas.spacing_mm
    i = np.arange(canvas.labels.shape[2]) * canvas.spacing_mm - float(trunk.skin.left.mean())
    top = lowest - rng.uniform(2e-4, 8e-4) * i**2
    shell = (np.abs(j - top) < 2.0) | (np.abs(j - top - rng.uniform(14.0, 30.0)) < 2.0)
    plane = np.broadcast_to(shell, canvas.labels.shape)
    canvas.labels[plane & (canvas.labels == Part.AIR)] = Part.TABLE


_SOFT = (Part.MUSCLE, Part.VISCERAL_FAT, Part.FAT, Part.ERECTOR)


def _anchors(spine: Spine) -> Float64:
    named = [float(placed.frame.origin[0]) for _, placed in spine.named]
    thoracic = [height for (name, _), height in zip(spine.named, named, strict=True) if name.is_thoracic]
    s1 = float(spine.sacrum[0].frame.origin[0])
    knots = (
        thoracic[0] + 45.0,
        thoracic[0],
        thoracic[3],
        thoracic[7],
        thoracic[-1],
        0.5 * (thoracic[-1] + s1),
        s1,
        s1 - 100.0,
    )
    return np.array(knots)[::-1]


def _layer(centre: Float64, reaches: Float64) -> Layer:
    """From half width, reach to the front and reach to the back, shape (3, k)."""
    half_width, front, behind = reaches
    return Layer(
        back=centre[:, 0] + 0.5 * (behind - front),
        left=centre[:, 1],
        half_depth=0.5 * (behind + front),
        half_width=half_width,
    )


def _column(centre: Float64, offset: tuple[Float64 | float, Float64 | float], half: tuple[Float64, Float64]) -> Column:
    back, left = (centre[:, axis] + offset[axis] for axis in (0, 1))
    return Column(back=back, left=left, half_depth=half[0], half_width=half[1])
