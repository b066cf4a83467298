"""Ribs, their cartilage, the breastbone, and the bones of the shoulder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Float64
from training.anatomy.canvas import Canvas
from training.anatomy.labels import Part, Side, rib_label
from training.anatomy.spine import PlacedVertebra, Spine
from training.anatomy.trunk import Trunk

# How far each rib sinks from its head to its front end, mm, and where it ends on the wall of the chest: 0 is the
# back, 180 degrees the front. Ribs 1 to 13; plausible choice.
_DROP = (28, 48, 62, 72, 82, 90, 95, 98, 98, 92, 70, 40, 25)
_END_DEGREES = (165, 162, 160, 158, 156, 152, 148, 140, 130, 120, 90, 55, 40)
# The lowest ribs float; their length in mm is drawn, because a short or thin last rib is what levels are miscounted by.
_SHORT_RIBS = {11: (90.0, 210.0), 12: (18.0, 150.0), 13: (12.0, 60.0)}
_LAST_TRUE_RIB, _LAST_JOINED_RIB = 7, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RibShape:
    """What differs between ribs, mm; the length is infinite where the rib ends at its cartilage."""

    number: int
    side: Side
    half_thickness: float
    half_height: float
    length: float
    sink: float


def paint_thorax(canvas: Canvas, spine: Spine, trunk: Trunk, rng: np.random.Generator) -> None:
    """Paint both ribs of every thoracic vertebra with their cartilage, then breastbone and shoulders."""
    sink = rng.normal(1.0, 0.15)
    stout = rng.uniform(0.85, 1.25) * spine.scale
    front = _paint_sternum(canvas, spine, trunk)
    thoracic = [placed for level, placed in spine.named if level.is_thoracic]
    count = len(thoracic)
    for number, placed in enumerate(thoracic, start=1):
        # With eleven or thirteen pairs the last one is still the short one.
        kind = number if number < count else max(number, 12)
        shortness = float(rng.uniform(*_SHORT_RIBS[kind])) if kind in _SHORT_RIBS else np.inf
        for side in Side:
            thin = 1.0 if kind < 12 else rng.uniform(0.55, 0.95)
            rib = RibShape(
                number=number,
                side=side,
                half_thickness=3.4 * stout * thin,
                half_height=5.6 * stout * thin * rng.uniform(0.85, 1.1),
                length=shortness * rng.uniform(0.8, 1.2),
                sink=sink * _DROP[kind - 1] * spine.scale,
            )
            _paint_rib(canvas, placed, trunk, rib, front)
    if rng.random() < 0.9:
        _paint_shoulders(canvas, spine, trunk)


def _paint_rib(canvas: Canvas, placed: PlacedVertebra, trunk: Trunk, rib: RibShape, sternum: Float64) -> None:
    head, tubercle = _joints(placed, rib)
    wall = _along_wall(canvas, trunk, tubercle, rib)
    neck = head + np.linspace(0.0, 1.0, 40)[:, None] * (tubercle - head)
    path = np.concatenate((neck, wall))
    travelled = np.concatenate(((0.0,), np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    path = path[travelled < rib.length]
    normals = _across(path, trunk, canvas)
    halves = np.tile((rib.half_thickness, rib.half_height), (len(path), 1))
    # The head is round and slender.
    halves[:10] = min(rib.half_thickness * 1.2, rib.half_height)
    canvas.stamp(path, normals, halves, rib_label(rib.number, rib.side))
    if rib.number <= _LAST_JOINED_RIB:
        target = sternum[min(rib.number, _LAST_TRUE_RIB) - 1] + np.array((0.0, 2.0, rib.side.sign * 14.0))
        canvas.stamp_rod(path[-1], target, (1.1 * rib.half_thickness,) * 2, Part.CARTILAGE)


def _joints(placed: PlacedVertebra, rib: RibShape) -> tuple[Float64, Float64]:
    """Where the head touches the body, and where the tubercle lies before the transverse process; (k, j, i) in mm."""
    body, arch = placed.shape.body, placed.shape.arch
    # Heads 2 to 9 lie at the disc above, the others on the body of their own vertebra.
    rise = 0.5 * body.mean_height if 2 <= rib.number <= 9 else 0.2 * body.mean_height
    sign = rib.side.sign
    head = (rise, 0.32 * body.depth, sign * (0.47 * body.width + 1.5))
    rear = 0.5 * body.depth + arch.canal_depth
    tip = (
        arch.transverse[0],
        rear - 8.0 + 0.8 * arch.transverse[1],
        sign * (0.5 * arch.canal_width + arch.rib_joint),
    )
    return placed.frame.to_template(np.array(head)), placed.frame.to_template(np.array(tip))


def _along_wall(canvas: Canvas, trunk: Trunk, tubercle: Float64, rib: RibShape) -> Float64:
    """From the tubercle around the chest, on the inner wall, shape (n, 3)."""
    cavity = trunk.cavity
    start = _slice_of(canvas, tubercle[0])
    sideways = abs(tubercle[2] - cavity.left[start]) / cavity.half_width[start]
    backwards = (tubercle[1] - cavity.back[start]) / cavity.half_depth[start]
    first = float(np.arctan2(sideways, max(backwards, 0.15)))
    angle = np.linspace(first, np.deg2rad(_END_DEGREES[rib.number - 1]), 420)
    share = (angle - first) / (np.pi - first)
    height = tubercle[0] - rib.sink * np.sin(0.5 * np.pi * np.clip(1.25 * share, 0.0, 1.0))
    index = np.clip(np.round(height / canvas.spacing_mm).astype(int), 0, len(cavity.back) - 1)
    power = 2.0 / 2.3
    grow = 1.0 + rib.half_thickness / cavity.half_depth[index]
    aside = np.abs(np.sin(angle)) ** power * cavity.half_width[index] * grow
    back = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * cavity.half_depth[index] * grow
    path = np.stack((height, cavity.back[index] + back, cavity.left[index] + rib.side.sign * aside), axis=-1)
    # The first centimetres bend from the tubercle onto the wall.
    blend = np.clip(np.linspace(0.0, 9.0, len(path)), 0.0, 1.0)[:, None]
    return tubercle * (1.0 - blend) + path * blend


def _across(path: Float64, trunk: Trunk, canvas: Canvas) -> Float64:
    """Unit vectors from the middle of the chest outwards, in the axial plane, shape (n, 3)."""
    index = np.clip(np.round(path[:, 0] / canvas.spacing_mm).astype(int), 0, len(trunk.cavity.back) - 1)
    cavity = trunk.cavity
    normals = np.stack(
        (
            np.zeros(len(path)),
            (path[:, 1] - cavity.back[index]) / cavity.half_depth[index] ** 2,
            (path[:, 2] - cavity.left[index]) / cavity.half_width[index] ** 2,
        ),
        axis=-1,
    )
    unit: Float64 = normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    return unit


def _paint_sternum(canvas: Canvas, spine: Spine, trunk: Trunk) -> Float64:
    """Paint the breastbone; where ribs 1 to 7 meet it, shape (7, 3)."""
    thoracic = [placed for level, placed in spine.named if level.is_thoracic]
    top, bottom = (float(thoracic[index].frame.origin[0]) for index in (2, 8))
    heights = np.linspace(top, bottom, 7)
    index = np.array([_slice_of(canvas, height) for height in heights])
    front = trunk.cavity.back[index] - trunk.cavity.half_depth[index] - 6.0 * spine.scale
    points = np.stack((heights, front, trunk.cavity.left[index]), axis=-1)
    share = np.linspace(0.0, 6.0, 160)
    path = np.stack([np.interp(share, np.arange(7), column) for column in points.T], axis=-1)
    half_width = np.interp(share, (0, 0.8, 1.6, 5, 6), (26, 22, 15, 18, 6))
    halves = np.stack((np.full(160, 5.0), half_width), axis=-1) * spine.scale
    # Flat from front to back; across, the ellipsoid is as high as wide, so the ends are drawn in.
    canvas.stamp(path, np.tile((0.0, 1.0, 0.0), (160, 1)), halves, Part.STERNUM)
    return points


def _paint_shoulders(canvas: Canvas, spine: Spine, trunk: Trunk) -> None:
    thoracic = [placed for level, placed in spine.named if level.is_thoracic]
    scale = spine.scale
    t2, t7 = (thoracic[index].frame.origin for index in (1, 6))
    high, low = _slice_of(canvas, t2[0]), _slice_of(canvas, t7[0])
    for side in Side:
        sign = side.sign
        notch = np.array(
            (t2[0] - 10.0, trunk.cavity.back[high] - trunk.cavity.half_depth[high] - 8.0, t2[2] + sign * 22)
        )
        joint = np.array((t2[0] + 15.0, t2[1] - 10.0, t2[2] + sign * 150.0 * scale))
        canvas.stamp_rod(notch, joint, (6.5 * scale, 6.0 * scale), Part.SHOULDER)
        canvas.stamp_rod(joint, joint - np.array((30.0, 0.0, 0.0)), (24.0 * scale, 22.0 * scale), Part.SHOULDER)
        angle = np.array(
            (t7[0], trunk.cavity.back[low] + 0.82 * trunk.cavity.half_depth[low] + 22.0, t7[2] + sign * 92)
        )
        medial = np.array((t2[0], t2[1] + 62.0 * scale, t2[2] + sign * 68.0 * scale))
        lateral = np.array((t2[0] - 25.0, t2[1] + 20.0 * scale, t2[2] + sign * 128.0 * scale))
        canvas.stamp_rod(angle, medial, (3.0 * scale, 3.0 * scale), Part.SHOULDER)
        canvas.stamp_rod(angle, lateral, (4.5 * scale, 6.0 * scale), Part.SHOULDER)
        _paint_blade(canvas, np.stack((angle, medial, lateral)), 2.2 * scale)


def _paint_blade(canvas: Canvas, corners: Float64, half_thickness: float) -> None:
    """A flat triangle of bone."""
    first, second = (part.ravel() for part in np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60)))
    flip = first + second > 1.0
    first, second = np.where(flip, 1.0 - first, first), np.where(flip, 1.0 - second, second)
    sides = corners[1:] - corners[0]
    points = corners[0] + np.stack((first, second), axis=-1) @ sides
    normal = np.cross(sides[0], sides[1])
    normals = np.tile(normal / np.linalg.norm(normal), (len(points), 1))
    canvas.stamp(points, normals, np.full((len(points), 2), (half_thickness, half_thickness + 2.0)), Part.SHOULDER)


def _slice_of(canvas: Canvas, height: float) -> int:
    return int(np.clip(round(height / canvas.spacing_mm), 0, canvas.labels.shape[0] - 1))
