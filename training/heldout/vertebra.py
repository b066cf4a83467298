"""One vertebra of the second family: a body lofted between two uneven plates, and an arch of melted rods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Float64
from node.domain.volume import Float32
from training.heldout.posture import Placed
from training.heldout.solids import Points, capsule, common, union
from training.true_heights import Heights, heights_along

_HARMONICS = 5
_EDGE_MM, _MELT_MM = 1.6, 2.4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyForm:
    """What makes a body this one's; lengths in mm.

    Parameters
    ----------
    outline
        Cosine and sine shares of the plates' outline, shape (2, harmonics), of the radius.
    hollow
        How far the rear wall stands in.
    waist
        Share by which the body is narrower at half height.
    dish
        Depth of the upper and the lower plate.
    wedge
        Height in front over that behind.
    loss
        Shares of the height that are lost in front, in the middle and behind: a fracture.
    spur
        How far the rims stand out.
    """

    outline: Float64
    hollow: float
    waist: float
    dish: tuple[float, float]
    wedge: float
    loss: tuple[float, float, float]
    spur: float


def draw_form(rng: np.random.Generator, placed: Placed, loss: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> BodyForm:
    """A form for a vertebra."""
    low = float(np.clip((placed.place - 0.65) / 0.35, 0.0, 1.0))
    sizes = np.array((0.0, 0.03, 0.025, 0.015, 0.01))
    return BodyForm(
        outline=rng.normal(0.0, 1.0, (2, _HARMONICS)) * sizes * np.array((1.0, 0.35))[:, None],
        hollow=placed.depth * rng.uniform(0.06, 0.13),
        waist=rng.uniform(0.04, 0.14),
        dish=(rng.uniform(0.6, 2.2), rng.uniform(0.6, 2.6)),
        wedge=float(rng.normal(0.96 + 0.14 * low**2, 0.035)),
        loss=loss,
        spur=max(0.0, rng.normal(0.0, 1.3)),
    )


def body_distance(placed: Placed, form: BodyForm, points: Points) -> Float32:
    """From the surface of the body."""
    up, back, left = points
    half_width, half_depth = np.float32(0.5 * placed.width), np.float32(0.5 * placed.depth)
    angle = np.arctan2(left / half_width, back / half_depth)
    wobble = np.zeros(np.broadcast_shapes(back.shape, left.shape), dtype=np.float32)
    for order in range(1, _HARMONICS):
        cosine, sine = form.outline[:, order]
        wobble += np.float32(cosine) * np.cos(order * angle) + np.float32(sine) * np.sin(order * angle)
    across = np.hypot(back / half_depth, left / half_width) / (1.0 + wobble)
    dent = np.float32(form.hollow) / half_depth * np.exp(-((angle / np.float32(0.75)) ** 2))
    plate = half_height(placed, form, back)
    level = np.clip(np.abs(up) / plate, 0.0, 1.0)
    radius = 1.0 - dent - form.waist * (1.0 - level**2) + form.spur / half_width * level**6
    side = (across - radius) * np.float32(0.5 * (half_width + half_depth))
    inside = np.clip(1.0 - across**2, 0.0, 1.0)
    dish = np.where(up > 0, np.float32(form.dish[0]), np.float32(form.dish[1])) * inside
    return common(side.astype(np.float32), (np.abs(up) - plate + dish).astype(np.float32), _EDGE_MM)


def heights_of(placed: Placed, form: BodyForm) -> Heights:
    """The heights of a body, read off its surface to about 0.01 mm."""
    middle = np.zeros(1, dtype=np.float32)
    edges = np.array((-0.5, 0.0, 0.5), dtype=np.float32) * np.float32(placed.depth)
    highest = float(half_height(placed, form, edges).max())
    return heights_along(
        lambda up, back: body_distance(placed, form, (up, back, middle)),
        rims_mm=highest,
        up_mm=highest + 5.0,
        back_mm=0.5 * placed.depth + form.spur + 5.0,
    )


def half_height(placed: Placed, form: BodyForm, back: Float32) -> Float32:
    """Half of the height at a place from front to back, mm, without the hollows of the endplates."""
    share = np.clip(0.5 - back / np.float32(placed.depth), 0.0, 1.0)  # 1 in front
    mean = 0.5 * (1.0 + form.wedge)
    whole = (1.0 + (form.wedge - 1.0) * share) / mean
    front, middle, rear = form.loss
    lost = np.where(share > 0.5, middle + (front - middle) * (2.0 * share - 1.0), rear + (middle - rear) * 2.0 * share)
    half: Float32 = (0.5 * placed.height * whole * (1.0 - lost)).astype(np.float32)
    return half


def arch_distance(placed: Placed, points: Points, rng: np.random.Generator) -> Float32:
    """From the surface of arch and processes; both sides alike."""
    up, back, left = points
    aside = (up, back, np.abs(left))
    low = float(np.clip((placed.place - 0.62) / 0.15, 0.0, 1.0))
    rear = 0.5 * placed.depth
    canal = 15.0 + 3.0 * low
    girth = placed.height / 24.0
    thick = (2.6 + 2.4 * low) * girth * rng.normal(1.0, 0.08)
    hilt = 0.5 * (17.0 + 7.0 * low) * rng.normal(1.0, 0.05)
    root, corner = (0.18 * placed.height, 0.75 * rear, hilt), (0.15 * placed.height, rear + 0.55 * canal, hilt + 1.5)
    roof = (-0.2 * placed.height, rear + canal + 4.0, 0.0)
    drop = (1.0 - low) * placed.height * rng.uniform(0.5, 1.1) * (0.5 + np.sin(np.pi * min(placed.place / 0.65, 1.0)))
    tip = (roof[0] - drop, roof[1] + rng.uniform(20.0, 29.0) * girth, 0.0)
    reach = (15.0 + 3.0 * rng.normal()) * (1.0 - low) + (22.0 + 4.0 * rng.normal()) * low
    if 0.55 < placed.place < 0.68:
        reach *= 0.45
    side = (corner[0] + rng.normal(0.0, 2.0), corner[1] + (9.0 * (1.0 - low) + 1.0), hilt + max(reach, 4.0))
    facet = 0.55 * placed.height + 0.5 * placed.disc
    parts = (
        capsule(aside, root, corner, (1.25 * thick, 1.15 * thick)),
        capsule(aside, corner, roof, (1.2 * thick, 0.9 * thick)),
        capsule(aside, roof, tip, (1.1 * thick + 2.0 * low, 0.9 * thick + 1.5 * low)),
        capsule(aside, corner, side, (thick, 0.95 * thick)),
        capsule(aside, corner, (facet, corner[1] + 2.0, corner[2]), (1.15 * thick, thick)),
        capsule(aside, corner, (-facet, corner[1] + 6.0, 0.8 * corner[2]), (1.15 * thick, 1.05 * thick)),
    )
    return union(parts, _MELT_MM)
