"""A spine: vertebrae one below the other along a curve, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from node.domain.geometry import Float64
from node.domain.levels import VertebralLevel
from training.anatomy.canvas import Canvas, Frame
from training.anatomy.labels import Part, body_label, disc_label, posterior_label
from training.anatomy.proportions import LAST_LUMBAR, LAST_THORACIC
from training.anatomy.vertebra import BodyShape, VertebraShape, arch_distance, body_distance, draw_vertebra

# Forward lean of the body, degrees, at places of the table of proportions (-1 is C7) and of S1: thoracic kyphosis of
# about 40 and lumbar lordosis of about 50 degrees of a person lying on the back. Plausible choice.
_PLACES = (-2.0, 0.0, 3.0, 6.0, 9.0, 11.0, 12.0, 14.0, 15.0, 16.0, 17.0)
_LEAN = (24.0, 24.0, 15.0, 3.0, -8.0, -14.0, -14.0, -3.0, 6.0, 20.0, 38.0)

# How far persons differ from it: all curves together, as a share, and each place by itself, degrees. Sacral slopes run
# from below 20 to above 60 degrees in healthy adults. Plausible choice.
_CURVATURE_SD = 0.33
_LEAN_SD = (1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 2.0, 3.0, 4.5, 7.0)

# A back that is rounder still, as osteoporosis makes it: half of all persons lean further forward, by the upper half of
# a normal distribution, degrees, as a share of it at these places. With the curves above, one first thoracic vertebra
# of twenty leans by more than 54 degrees. Plausible choice: hyperkyphosis is common in the old.
_ROUNDING_SD = 17.0
_ROUNDED_PLACES, _ROUNDED_SHARES = (-3.0, 0.0, 3.0, 6.0, 9.0, 11.0), (0.9, 1.0, 0.85, 0.55, 0.2, 0.0)

# How often a spine has another number of rib-bearing or of lumbar vertebrae. Plausible choice, more than in life so
# that the network sees them.
_THORACIC_COUNTS, _THORACIC_SHARES = (11, 12, 13), (0.04, 0.92, 0.04)
_LUMBAR_COUNTS, _LUMBAR_SHARES = (4, 5, 6), (0.06, 0.88, 0.06)

_CERVICAL_COUNT = 3

# Discs of one person against the table: they thin with age. Plausible choice.
_DISC_SHARES = (0.55, 1.1)

# Discs reach so far into what the endplates of healthy bodies leave hollow, mm.
_DISC_INSIDE_MM = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedVertebra:
    """A vertebra and where it lies: the frame's origin is the centre of its body."""

    shape: VertebraShape
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Spine:
    """Vertebrae from head to foot, cervical ones first, then the bodies of the sacrum, S1 first."""

    vertebrae: tuple[PlacedVertebra, ...]
    sacrum: tuple[PlacedVertebra, ...]
    scale: float

    @property
    def named(self) -> tuple[tuple[VertebralLevel, PlacedVertebra], ...]:
        """The thoracic and lumbar vertebrae with their levels, from head to foot."""
        return tuple((placed.shape.level, placed) for placed in self.vertebrae if placed.shape.level is not None)

    def height_of(self, level: VertebralLevel) -> float:
        """Position along k of a body's centre, mm."""
        return next(float(placed.frame.origin[0]) for name, placed in self.named if name is level)

    def centreline(self, heights: Float64) -> Float64:
        """Position (j, i) of the spine's centre at the heights, mm, shape (n, 2)."""
        origins = np.array([placed.frame.origin for placed in (*self.vertebrae, *self.sacrum)])
        origins = origins[np.argsort(origins[:, 0])]
        columns = [np.interp(heights, origins[:, 0], origins[:, axis]) for axis in (1, 2)]
        return np.stack(columns, axis=-1)


def usual_levels(rng: np.random.Generator) -> tuple[VertebralLevel, ...]:
    """Names of the thoracic and lumbar vertebrae of one person, from head to foot; mostly twelve and five."""
    thoracic = int(rng.choice(_THORACIC_COUNTS, p=_THORACIC_SHARES))
    lumbar = int(rng.choice(_LUMBAR_COUNTS, p=_LUMBAR_SHARES))
    names = [f"T{number}" for number in range(1, thoracic + 1)] + [f"L{number}" for number in range(1, lumbar + 1)]
    return tuple(VertebralLevel(name) for name in names)


def draw_shapes(rng: np.random.Generator, levels: tuple[VertebralLevel, ...], scale: float) -> list[VertebraShape]:
    """The vertebrae of one person: some cervical ones, then the levels."""
    thoracic = sum(level.is_thoracic for level in levels)
    places = np.concatenate(
        (
            np.linspace(0.0, LAST_THORACIC, thoracic),
            np.linspace(LAST_THORACIC + 1, LAST_LUMBAR, len(levels) - thoracic),
        )
    )
    cervical = [draw_vertebra(rng, None, 0.0, 0.9 * scale) for _ in range(_CERVICAL_COUNT)]
    named = [draw_vertebra(rng, level, float(place), scale) for level, place in zip(levels, places, strict=True)]
    thinning = rng.uniform(*_DISC_SHARES)
    return [replace(shape, disc=thinning * shape.disc) for shape in (*cervical, *named)]


def stack(rng: np.random.Generator, shapes: list[VertebraShape], *, s1: Float64, scale: float) -> Spine:
    """Put vertebrae on top of each other, the centre of the first sacral body at `s1`, (k, j, i) in mm."""
    curvature = rng.normal(1.0, _CURVATURE_SD)
    places: Float64 = np.concatenate(
        (np.arange(-_CERVICAL_COUNT, 0, dtype=np.float64), np.linspace(0.0, LAST_LUMBAR, len(shapes) - _CERVICAL_COUNT))
    )
    own = np.interp(places, _PLACES, _LEAN_SD)
    leans = np.deg2rad(curvature * np.interp(places, _PLACES, _LEAN) + own * rng.normal(0.0, 1.0, len(places)))
    slope = float(np.deg2rad(curvature * _LEAN[-1] + rng.normal(0.0, _LEAN_SD[-1])))
    sacrum = _stack_sacrum(rng, s1, slope=slope, scale=scale)
    rounding = np.deg2rad(max(0.0, rng.normal(0.0, _ROUNDING_SD)))
    leans += rounding * np.interp(places, _ROUNDED_PLACES, _ROUNDED_SHARES)
    below, placed = sacrum[0], []
    for shape, lean in zip(reversed(shapes), reversed(leans.tolist()), strict=True):
        below = _on_top(below, shape, lean)
        placed.append(below)
    return Spine(vertebrae=tuple(reversed(placed)), sacrum=sacrum, scale=scale)


def _on_top(below: PlacedVertebra, shape: VertebraShape, lean: float) -> PlacedVertebra:
    frame = Frame.leaning(below.frame.origin, lean)
    middle = below.frame.axes[0] + frame.axes[0]
    middle /= np.linalg.norm(middle)
    origin = (
        below.frame.origin
        + 0.5 * below.shape.body.mean_height * below.frame.axes[0]
        + shape.disc * middle
        + 0.5 * shape.body.mean_height * frame.axes[0]
    )
    return PlacedVertebra(shape=shape, frame=replace(frame, origin=origin))


def _stack_sacrum(rng: np.random.Generator, s1: Float64, *, slope: float, scale: float) -> tuple[PlacedVertebra, ...]:
    """Five fused bodies that grow smaller; the lower ones turn forward (plausible sizes, mm)."""
    sizes = ((50, 31, 29), (36, 22, 25), (29, 16, 21), (24, 12, 18), (19, 9, 15))
    bends = np.deg2rad((0.0, 6.0, 20.0, 42.0, 62.0)) * rng.normal(1.0, 0.2)
    template = draw_vertebra(rng, None, LAST_LUMBAR, scale)
    placed: list[PlacedVertebra] = []
    for (width, depth, height), bend in zip(sizes, bends.tolist(), strict=True):
        body = BodyShape(
            width=scale * width * rng.normal(1.0, 0.04),
            depth=scale * depth * rng.normal(1.0, 0.05),
            anterior=scale * height * 1.08,
            middle=scale * (height - 1.0),
            posterior=scale * height * 0.92,
            waist=0.12,
        )
        frame = Frame.leaning(s1, slope - bend)
        if placed:
            last = placed[-1]
            step = 0.5 * (last.shape.body.mean_height * last.frame.axes[0] + body.mean_height * frame.axes[0])
            frame = replace(frame, origin=last.frame.origin - step - frame.axes[0])
        placed.append(PlacedVertebra(shape=replace(template, body=body, disc=1.0), frame=frame))
    return tuple(placed)


def paint_spine(canvas: Canvas, spine: Spine, rng: np.random.Generator) -> None:
    """Paint discs first, then arches and bodies over them."""
    chain = (*spine.vertebrae, spine.sacrum[0])
    for upper, lower in pairwise(chain):
        level = upper.shape.level
        label = int(Part.CERVICAL_DISC) if level is None else disc_label(level)
        _paint_disc(canvas, upper, lower, label=label, bulge=rng.uniform(0.93, 1.05))
    for placed in spine.vertebrae:
        level = placed.shape.level
        posterior = int(Part.CERVICAL) if level is None else posterior_label(level)
        body = int(Part.CERVICAL_BODY) if level is None else body_label(level)
        paint_vertebra(canvas, placed, body=body, posterior=posterior)


def paint_vertebra(canvas: Canvas, placed: PlacedVertebra, *, body: int, posterior: int) -> None:
    """Paint arch and processes with one label, and the body over their roots with another."""
    shape = placed.shape
    rear = 0.5 * shape.body.depth + shape.arch.canal_depth
    side = 0.5 * shape.arch.canal_width + shape.arch.pedicle_width + shape.arch.transverse[2] + 12.0
    low = (-2.0 * shape.body.mean_height + shape.arch.spinous[0], -8.0, -side)
    high = (1.3 * shape.body.mean_height, rear + shape.arch.spinous[1] + 12.0, side)
    region = canvas.region(placed.frame, low, high)
    inside = arch_distance(shape, region.up, region.back, region.left) < 0.0
    canvas.paint(region, inside, posterior)
    paint_body(canvas, placed, body)


def paint_body(canvas: Canvas, placed: PlacedVertebra, label: int) -> None:
    """Paint a body alone."""
    body = placed.shape.body
    reach = (0.5 * max(body.anterior, body.posterior) + 4.0, 0.7 * body.depth + 4.0, 0.6 * body.width + 4.0)
    region = canvas.region(placed.frame, (-reach[0], -reach[1], -reach[2]), reach)
    canvas.paint(region, body_distance(body, region.up, region.back, region.left) < 0.0, label)


def _paint_disc(canvas: Canvas, upper: PlacedVertebra, lower: PlacedVertebra, *, label: int, bulge: float) -> None:
    above, below = upper.shape.body, lower.shape.body
    floor = upper.frame.origin - 0.5 * above.mean_height * upper.frame.axes[0]
    roof = lower.frame.origin + 0.5 * below.mean_height * lower.frame.axes[0]
    axis = upper.frame.axes[0] + lower.frame.axes[0]
    lean = float(np.arctan2(-axis[1], axis[0]))
    frame = Frame.leaning(0.5 * (floor + roof), lean)
    half_depth = 0.25 * bulge * (above.depth + below.depth)
    half_width = 0.25 * bulge * (above.width + below.width)
    # Thick enough to fill the hollows of both end plates; the bodies are painted over it.
    hollow = 0.5 * max(body.mean_height - body.middle for body in (above, below))
    half_height = 0.5 * float(np.linalg.norm(floor - roof)) + max(_DISC_INSIDE_MM, hollow + 1.0)
    region = canvas.region(
        frame, (-half_height, -half_depth - 2, -half_width - 2), (half_height, half_depth + 2, half_width + 2)
    )
    across = np.abs(region.back / half_depth) ** 2.4 + np.abs(region.left / half_width) ** 2.4
    canvas.paint(region, (across < 1.0) & (np.abs(region.up) < half_height), label)
