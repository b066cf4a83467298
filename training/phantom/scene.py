"""One person in the scanner: the spine, the labelled trunk around it, and what part of both the scan covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Affine, Float64
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.volume import Float32
from training.anatomy.canvas import Canvas
from training.anatomy.labels import Part, body_label, disc_label
from training.anatomy.organs import paint_organs
from training.anatomy.pelvis import canal_column, paint_pelvis
from training.anatomy.spine import PlacedVertebra, Spine, draw_shapes, paint_spine, stack
from training.anatomy.template import TEMPLATE_SPACING_MM
from training.anatomy.thorax import paint_thorax
from training.anatomy.trunk import Trunk, draw_trunk, paint_muscles, paint_trunk
from training.anatomy.vertebra import VertebraShape
from training.phantom.broken_bone import marks_of
from training.phantom.build import fill_chest, reshape_trunk
from training.phantom.heights import broken
from training.phantom.spec import PhantomSpec

# Room for a large adult, mm; the spine stands where the belly has room in front of it.
_DEPTH_MM, _WIDTH_MM = 420.0, 500.0
_SPINE_BACK_MM = 275.0
# What is painted above and below the scan, so that its ends look like its middle.
_MARGIN_MM = 24.0
# The scan starts a little above the first whole body and ends a little below the last.
_ABOVE_MM, _BELOW_MM = 14.0, 5.0
# The wings of the pelvis end this far above the first sacral body, mm.
_PELVIS_MM = 110.0
# Fields of view are whole centimetres, from a slim to the widest that a scanner reconstructs.
_FIELD_MM = (340.0, 500.0)

# The canvas is as fine as the templates, but no finer than large pixels need.
_USUAL_FIELD_MM, _COARSEST_MM = 400.0, 3.0

#: A generator of its own for each part, so that one part's settings do not change another part.
SPINE_STREAM, TRUNK_STREAM, TISSUE_STREAM, BONE_STREAM, NOISE_STREAM = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The voxels of the scan in the coordinates of the scene: k towards the head, j towards the back, i to the left.

    `origin_mm` is the centre of voxel (0, 0, 0).
    """

    origin_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]

    def centres(self, axis: int) -> Float32:
        """Positions of the voxels along an axis, mm."""
        steps = self.origin_mm[axis] + np.arange(self.shape[axis]) * self.spacing_mm[axis]
        return steps.astype(np.float32)

    @property
    def ends_mm(self) -> tuple[float, float]:
        """Lower and upper face of the scan, mm."""
        low = self.origin_mm[0] - 0.5 * self.spacing_mm[0]
        return low, low + self.shape[0] * self.spacing_mm[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What the scanner sees, and with which grid.

    Parameters
    ----------
    canvas
        Labels of the trunk, coarser than the scan; the vertebrae in it only keep their place free.
    intact
        The vertebrae as they were before any fracture, by level.
    """

    spine: Spine
    trunk: Trunk
    canvas: Canvas
    grid: Grid
    intact: dict[VertebralLevel, VertebraShape]

    @property
    def affine(self) -> Affine:
        """From voxels of the scan to LPS: x and y are 0 in the middle of the image."""
        k, j, i = self.grid.spacing_mm
        half_j, half_i = (0.5 * (size - 1) * step for size, step in zip(self.grid.shape[1:], (j, i), strict=True))
        return Affine.from_spacing((k, j, i), (-half_i, -half_j, -float(self.grid.shape[0]) * k))


def build_scene(spec: PhantomSpec) -> Scene:
    """Draw the person and place the scan."""
    intact: dict[VertebralLevel, VertebraShape] = {}
    spine = _place_spine(spec, intact)
    low, high = _scan_range(spine, spec)
    size = (high - low + 2 * _MARGIN_MM, _DEPTH_MM, _WIDTH_MM)
    canvas = Canvas(size, float(np.clip(_USUAL_FIELD_MM / spec.size, TEMPLATE_SPACING_MM, _COARSEST_MM)))
    rng = np.random.default_rng((spec.seed, TRUNK_STREAM))
    trunk = draw_trunk(rng, spine, canvas.heights)
    _paint(canvas, spine, trunk, rng)
    _fill_holes(canvas, spine, spec)
    grid = _grid(trunk, (low, high), spec)
    return Scene(spine=spine, trunk=trunk, canvas=canvas, grid=grid, intact=intact)


def _place_spine(spec: PhantomSpec, intact: dict[VertebralLevel, VertebraShape]) -> Spine:
    """The spine at a height where the scan begins one margin above the canvas's floor."""
    rng = np.random.default_rng((spec.seed, SPINE_STREAM))
    scale = float(np.clip(rng.normal(1.02, 0.04), 0.94, 1.1))
    shapes = draw_shapes(rng, USUAL_LEVELS, scale)
    intact.update({shape.level: shape for shape in shapes if shape.level is not None})
    shapes = [_changed(shape, spec) for shape in shapes]
    state = rng.bit_generator.state
    place = np.array((0.0, _SPINE_BACK_MM, 0.5 * _WIDTH_MM))
    low, _ = _scan_range(stack(rng, shapes, s1=place, scale=scale), spec)
    rng.bit_generator.state = state
    return stack(rng, shapes, s1=place + np.array((_MARGIN_MM - low, 0.0, 0.0)), scale=scale)


def _changed(shape: VertebraShape, spec: PhantomSpec) -> VertebraShape:
    fracture = spec.fracture_of(shape.level)
    return shape if fracture is None else broken(shape, fracture)


def body_range(placed: PlacedVertebra) -> tuple[float, float]:
    """Lowest and highest point of a body along k, mm."""
    body = placed.shape.body
    half = 0.5 * body.depth
    corners = np.array(
        [
            (sign * 0.5 * height, back, 0.0)
            for sign in (-1, 1)
            for height, back in ((body.anterior, -half), (body.posterior, half))
        ]
    )
    heights = placed.frame.to_template(corners)[:, 0]
    return float(heights.min()), float(heights.max())


def _scan_range(spine: Spine, spec: PhantomSpec) -> tuple[float, float]:
    placed = dict(spine.named)
    high = body_range(placed[spec.first])[1] + _ABOVE_MM
    if spec.cut_at is not None:
        return float(placed[spec.cut_at].frame.origin[0]), high
    return body_range(placed[spec.last])[0] - _BELOW_MM, high


def _paint(canvas: Canvas, spine: Spine, trunk: Trunk, rng: np.random.Generator) -> None:
    """A chest CT is taken with raised arms, so there are none."""
    paint_trunk(canvas, trunk)
    paint_organs(canvas, spine, trunk, rng)
    paint_muscles(canvas, spine, rng)
    fill_chest(canvas, spine)
    paint_thorax(canvas, spine, trunk, rng)
    if spine.sacrum[0].frame.origin[0] + _PELVIS_MM * spine.scale > 0.0:
        paint_pelvis(canvas, spine, rng)
    reshape_trunk(canvas, spine, rng)
    canvas.paint_column(canal_column(spine, canvas.heights), Part.CANAL)
    paint_spine(canvas, spine, rng.spawn(1)[0])


def _fill_holes(canvas: Canvas, spine: Spine, spec: PhantomSpec) -> None:
    """What is missing from a body is filled by the disc."""
    for level, placed in spine.named:
        for hole in (mark for mark in marks_of(placed.shape, spec) if not mark.adds):
            middle, half = np.array(hole.centre), np.array(hole.half) + canvas.spacing_mm
            (up, back, left), (top, rear, side) = (middle - half).tolist(), (middle + half).tolist()
            region = canvas.region(placed.frame, (up, back, left), (top, rear, side))
            inside = hole.distance((region.up, region.back, region.left)) < canvas.spacing_mm
            canvas.paint(region, inside, disc_label(level), over=(body_label(level),))


def _grid(trunk: Trunk, scan: tuple[float, float], spec: PhantomSpec) -> Grid:
    """Slices from the scan's floor to its roof, and the field of view around the skin."""
    skin = trunk.skin
    widest = 2.0 * float(skin.half_width.max())
    field = float(np.clip(10.0 * np.ceil((widest + 24.0) / 10.0), *_FIELD_MM))
    low, high = scan
    count = int(np.ceil((high - low) / spec.slice_mm))
    pixel = field / spec.size
    centre = np.array((_middle(skin.back, skin.half_depth) + 12.0, float(np.mean(skin.left))))
    first: Float64 = centre - 0.5 * (spec.size - 1) * pixel
    return Grid(
        origin_mm=(low + 0.5 * spec.slice_mm, float(first[0]), float(first[1])),
        spacing_mm=(spec.slice_mm, pixel, pixel),
        shape=(count, spec.size, spec.size),
    )


def _middle(centre: Float64, half: Float64) -> float:
    return 0.5 * float((centre - half).min() + (centre + half).max())
