"""Sacrum, hip bones and the upper ends of the femora."""

from __future__ import annotations

import numpy as np

from node.domain.geometry import Float64
from training.anatomy.canvas import Canvas, Column, Region
from training.anatomy.labels import Part, Side
from training.anatomy.spine import PlacedVertebra, Spine, paint_body

# All sizes of this file in mm, for an adult of scale 1; plausible choices. Points are (up, back, left) from S1.
_ALAE = (((-4, 6, 38), (17, 15, 24)), ((-2, 5, 30), (16, 13, 20)), ((0, 4, 23), (13, 10, 14)))
_ILIUM_LOW = np.array(((-48, 20, 44), (-62, -8, 66), (-84, -28, 84)), dtype=np.float64)
_ILIUM_TOP = np.array(((2, 42, 44), (78, -4, 126), (-12, -66, 122)), dtype=np.float64)
_ACETABULUM: Float64 = np.array((-96.0, -28.0, 90.0))
_PUBIS: Float64 = np.array((-118.0, -62.0, 8.0))
_ISCHIUM: Float64 = np.array((-140.0, 12.0, 66.0))
_TROCHANTER: Float64 = np.array((-112.0, -6.0, 142.0))
_FEMORAL_HEAD = 23.0


def paint_pelvis(canvas: Canvas, spine: Spine, rng: np.random.Generator) -> None:
    """Paint hip bones, femora and the sacrum, whose first body keeps a label of its own."""
    for side in Side:
        _paint_ilium(canvas, spine, side, rng)
        _paint_hip_joint(canvas, spine, side, rng)
    for placed, ala in zip(spine.sacrum, (*_ALAE, None, None), strict=True):
        if ala is not None:
            _paint_ala(canvas, placed, ala, spine.scale * rng.normal(1.0, 0.05))
        _paint_crest(canvas, placed)
    _paint_foramina(canvas, spine)
    for placed, label in zip(spine.sacrum, (Part.S1_BODY, *(4 * [Part.SACRUM])), strict=True):
        paint_body(canvas, placed, label)
    _paint_sacral_canal(canvas, spine)


def _paint_ala(
    canvas: Canvas, placed: PlacedVertebra, ala: tuple[tuple[int, ...], tuple[int, ...]], scale: float
) -> None:
    (up, back, left), radii = ala
    reach = scale * (left + radii[2])
    region = canvas.region(placed.frame, (-30.0, -20.0, -reach), (30.0, 40.0, reach))
    terms = (
        (region.up - scale * up) / (scale * radii[0]),
        (region.back - scale * back) / (scale * radii[1]),
        (np.abs(region.left) - scale * left) / (scale * radii[2]),
    )
    distance = np.abs(terms[0]) ** 2.5 + np.abs(terms[1]) ** 2.5 + np.abs(terms[2]) ** 2.5
    canvas.paint(region, distance < 1.0, Part.SACRUM)


def _paint_crest(canvas: Canvas, placed: PlacedVertebra) -> None:
    """Laminae behind the sacral canal and the median crest."""
    body = placed.shape.body
    rear = 0.5 * body.depth + 0.34 * body.width
    region = canvas.region(placed.frame, (-16.0, 0.0, -0.5 * body.width), (16.0, rear + 16.0, 0.5 * body.width))
    height = 0.5 * body.mean_height + 1.0
    roof = np.abs(region.back - rear + 0.02 * region.left**2) < 3.0
    ridge = (np.abs(region.left) < 3.0) & (region.back > rear) & (region.back < rear + 0.2 * body.width)
    canvas.paint(
        region, (roof | (ridge & (np.abs(region.up) < 0.6 * height))) & (np.abs(region.up) < height), Part.SACRUM
    )


def _paint_foramina(canvas: Canvas, spine: Spine) -> None:
    for placed in spine.sacrum[:4]:
        body = placed.shape.body
        floor = -0.5 * body.mean_height
        region = canvas.region(placed.frame, (floor - 5.0, -20.0, -40.0), (floor + 5.0, 30.0, 40.0))
        away = (np.abs(region.left) - 0.42 * body.width - 2.0) ** 2 + (region.up - floor) ** 2
        canvas.paint(region, away < (0.085 * body.width) ** 2, Part.VISCERAL_FAT, over=(Part.SACRUM,))


def _paint_sacral_canal(canvas: Canvas, spine: Spine) -> None:
    for placed in spine.sacrum[:4]:
        body = placed.shape.body
        region = canvas.region(placed.frame, (-18.0, 0.0, -20.0), (18.0, 40.0, 20.0))
        centre = 0.5 * body.depth + 0.17 * body.width - 1.0
        canvas.paint(region, _in_canal(region, centre, body.width), Part.CANAL)


def _in_canal(region: Region, centre: float, width: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    across = ((region.back - centre) / (0.12 * width)) ** 2 + (region.left / (0.22 * width)) ** 2
    return across < 1.0


def _paint_ilium(canvas: Canvas, spine: Spine, side: Side, rng: np.random.Generator) -> None:
    """A wing: a sheet between a low and a high curve, thick along the crest and above the hip joint."""
    scale = spine.scale * rng.normal(1.0, 0.03)
    rise, along = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 64), indexing="ij")
    low, top = _bezier(_ILIUM_LOW, along), _bezier(_ILIUM_TOP, along)
    points = low + rise[..., None] * (top - low)
    # The inner face is hollow: the sheet bends outwards between its edges.
    points[..., 2] += 9.0 * np.sin(np.pi * rise) * np.sin(np.pi * along)
    thin = 2.2 + rng.uniform(0.0, 1.0)
    half = thin + 4.0 * np.clip((rise - 0.85) / 0.15, 0, 1) + 6.0 * (1.0 - rise) ** 3 + 4.0 * (1.0 - along) ** 2
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[..., 2] *= side.sign
    halves = scale * np.stack((half, half + 2.0), -1).reshape(-1, 2)
    canvas.stamp(_at(spine, points.reshape(-1, 3), side, scale), normals.reshape(-1, 3), halves, Part.HIP)


def _paint_hip_joint(canvas: Canvas, spine: Spine, side: Side, rng: np.random.Generator) -> None:
    scale = spine.scale * rng.normal(1.0, 0.04)
    cup, pubis, ischium, trochanter = (
        _at(spine, point, side, scale) for point in (_ACETABULUM, _PUBIS, _ISCHIUM, _TROCHANTER)
    )
    head = scale * _FEMORAL_HEAD
    up = np.array(((1.0, 0.0, 0.0),))
    shaft = trochanter + scale * np.array((-60.0, 4.0, -6.0 * side.sign))
    canvas.stamp(cup[None], up, np.full((1, 2), head + 9.0 * scale), Part.HIP)
    canvas.stamp_rod(cup, pubis, (14.0 * scale, 8.0 * scale), Part.HIP)
    canvas.stamp_rod(cup, ischium, (17.0 * scale, 14.0 * scale), Part.HIP)
    canvas.stamp_rod(ischium, pubis, (9.0 * scale, 6.0 * scale), Part.HIP)
    # The lateral half of the socket is open: a ball of joint space, then the head.
    opening = cup + scale * np.array((-6.0, -2.0, 14.0 * side.sign))
    canvas.stamp(opening[None], up, np.full((1, 2), head + 6.0 * scale), Part.MUSCLE)
    canvas.stamp(cup[None], up, np.full((1, 2), head + 2.5 * scale), Part.CARTILAGE)
    canvas.stamp(cup[None], up, np.full((1, 2), head), Part.FEMUR)
    canvas.stamp_rod(cup, trochanter, (17.0 * scale, 17.0 * scale), Part.FEMUR)
    canvas.stamp_rod(trochanter, shaft, (17.0 * scale, 15.0 * scale), Part.FEMUR)


def _bezier(points: Float64, share: Float64) -> Float64:
    rest = 1.0 - share
    weights = np.stack((rest**2, 2 * rest * share, share**2), -1)
    curve: Float64 = weights @ points
    return curve


def _at(spine: Spine, points: Float64, side: Side, scale: float) -> Float64:
    mirrored = points * np.array((1.0, 1.0, side.sign))
    place: Float64 = spine.sacrum[0].frame.origin + scale * mirrored
    return place


def canal_column(spine: Spine, heights: Float64) -> Column:
    """The vertebral canal from the neck to S1, for the slices at the heights, mm."""
    placed = (*spine.vertebrae, spine.sacrum[0])[::-1]
    centres = np.array(
        [
            item.frame.to_template(
                np.array((0.0, 0.5 * item.shape.body.depth + 0.5 * item.shape.arch.canal_depth, 0.0))
            )
            for item in placed
        ]
    )
    depth, width = (
        np.array([getattr(item.shape.arch, name) for item in placed]) for name in ("canal_depth", "canal_width")
    )
    order = np.argsort(centres[:, 0])
    at = centres[order, 0]
    present = (heights > at[0] - 5.0).astype(np.float64)
    return Column(
        back=np.interp(heights, at, centres[order, 1]),
        left=np.interp(heights, at, centres[order, 2]),
        half_depth=0.42 * np.interp(heights, at, depth[order]) * present,
        half_width=0.42 * np.interp(heights, at, width[order]) * present,
    )
