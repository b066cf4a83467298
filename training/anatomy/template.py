"""A whole trunk as a label map, with what is known about its bones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK

from node.domain.geometry import Float64
from node.domain.levels import VertebralLevel
from node.domain.volume import Float32, UInt8
from training.anatomy.canvas import Canvas, Frame
from training.anatomy.labels import BONE_OF_LABEL, Part
from training.anatomy.organs import paint_organs
from training.anatomy.pelvis import canal_column, paint_pelvis
from training.anatomy.spine import Spine, draw_shapes, paint_spine, stack, usual_levels
from training.anatomy.thorax import paint_thorax
from training.anatomy.trunk import draw_trunk, paint_arms, paint_muscles, paint_table, paint_trunk
from training.anatomy.vertebra import BodyShape, VertebraShape

#: Grid of the templates that training samples are drawn from, mm.
TEMPLATE_SPACING_MM = 1.5

#: Depths are kept in these steps, mm, up to 255 of them.
DEPTH_STEP_MM = 0.05

# Room for an adult of scale 1.15 and a round back from the hips to the neck, (k, j, i) in mm; arms may be cut.
_SIZE_MM = (740.0, 360.0, 420.0)
_S1_MM: tuple[float, float, float] = (150.0, 205.0, 210.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelTruth:
    """What is known about a vertebra of a template: the frame of its body, from its centre, and the body's shape."""

    level: VertebralLevel
    frame: Frame
    body: BodyShape

    @property
    def centre_mm(self) -> Float64:
        """Centre of the body, (k, j, i) in mm."""
        return self.frame.origin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """A trunk on an isotropic grid: k towards the head, j towards the back, i towards the patient's left.

    Parameters
    ----------
    labels
        Values of `training.anatomy.labels`, shape (k, j, i); the centre of voxel (0, 0, 0) is the origin.
    depth
        How far below the surface of its bone the outer face of a voxel lies, in steps of `DEPTH_STEP_MM`, at most
        12.75 mm; 0 in the outermost voxels.
    spacing_mm
        Of the voxels.
    levels
        Thoracic and lumbar vertebrae from head to foot.
    sacrum_mm
        Position along k of the centre of the first sacral body.
    centreline_mm
        Position (j, i) of the spine in every slice, shape (k, 2).
    """

    labels: UInt8
    depth: UInt8
    spacing_mm: float
    levels: tuple[LevelTruth, ...]
    sacrum_mm: float
    centreline_mm: Float32


def build_template(
    rng: np.random.Generator,
    *,
    spacing_mm: float = TEMPLATE_SPACING_MM,
    levels: tuple[VertebralLevel, ...] | None = None,
    scale: float | None = None,
) -> Template:
    """A trunk with all its parts; the same generator state gives the same trunk at any spacing.

    Parameters
    ----------
    levels
        Names of the vertebrae from head to foot; drawn, mostly T1 to L5, where it is not given.
    scale
        Size of the person, 1 for the mean adult; drawn where it is not given.
    """
    size = scale if scale is not None else draw_size(rng)
    shapes = draw_shapes(rng, levels if levels is not None else usual_levels(rng), size)
    return template_of(rng, shapes, size=size, spacing_mm=spacing_mm)


def draw_size(rng: np.random.Generator) -> float:
    """Size of a person, 1 for the mean adult."""
    return float(np.clip(rng.normal(1.04, 0.06), 0.9, 1.16))


def template_of(rng: np.random.Generator, shapes: list[VertebraShape], *, size: float, spacing_mm: float) -> Template:
    """The trunk around these vertebrae, given from the neck down."""
    canvas = Canvas(_SIZE_MM, spacing_mm)
    spine = stack(rng, shapes, s1=np.array(_S1_MM), scale=size)
    _paint(canvas, spine, rng)
    return Template(
        labels=canvas.labels,
        depth=bone_depth(canvas.labels, spacing_mm),
        spacing_mm=spacing_mm,
        levels=tuple(
            LevelTruth(level=level, frame=placed.frame, body=placed.shape.body) for level, placed in spine.named
        ),
        sacrum_mm=float(spine.sacrum[0].frame.origin[0]),
        centreline_mm=spine.centreline(canvas.heights).astype(np.float32),
    )


def _paint(canvas: Canvas, spine: Spine, rng: np.random.Generator) -> None:
    trunk = draw_trunk(rng, spine, canvas.heights)
    paint_trunk(canvas, trunk)
    if rng.random() < 0.3:
        paint_arms(canvas, trunk, spine, rng)
    paint_organs(canvas, spine, trunk, rng)
    paint_muscles(canvas, spine, rng)
    paint_thorax(canvas, spine, trunk, rng)
    paint_pelvis(canvas, spine, rng)
    canal = canal_column(spine, canvas.heights)
    canvas.paint_column(canal, Part.CANAL)
    paint_spine(canvas, spine, rng)
    paint_table(canvas, trunk, rng)


def bone_depth(labels: UInt8, spacing_mm: float) -> UInt8:
    """How far below the surface of its bone the outer face of a voxel lies, shape of the labels, `DEPTH_STEP_MM`.

    Arch and body of a vertebra are one bone; bones that touch have a surface between them.
    """
    bones = BONE_OF_LABEL[labels]
    inner = bones > 0
    for axis in range(3):
        differs = np.diff(bones, axis=axis) != 0
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        inner[tuple(low)] &= ~differs
        inner[tuple(high)] &= ~differs
    # Inside is positive, and 0 in the outermost voxels that are inside, which lie one voxel below the surface.
    below = SimpleITK.GetArrayFromImage(
        SimpleITK.SignedMaurerDistanceMap(
            SimpleITK.GetImageFromArray(inner.view(np.uint8)), insideIsPositive=True, squaredDistance=False
        )
    )
    steps = np.where(inner, (below + 1.0) * (spacing_mm / DEPTH_STEP_MM), 0.0)
    depth: UInt8 = np.clip(np.round(steps), 0, 255).astype(np.uint8)
    return depth


def save_template(template: Template, path: Path) -> None:
    """Write a template to an `.npz` file."""
    with path.open("wb") as stream:
        np.savez(
            stream,
            labels=template.labels,
            depth=template.depth,
            spacing_mm=template.spacing_mm,
            levels=[truth.level.number for truth in template.levels],
            centres=np.array([truth.frame.origin for truth in template.levels]),
            axes=np.array([truth.frame.axes for truth in template.levels]),
            bodies=np.array([_body_row(truth.body) for truth in template.levels]),
            sacrum_mm=template.sacrum_mm,
            centreline_mm=template.centreline_mm,
        )


def load_template(path: Path) -> Template:
    """The template that `save_template` wrote."""
    with np.load(path, allow_pickle=False) as data:
        rows = zip(data["levels"].tolist(), data["centres"], data["axes"], data["bodies"].tolist(), strict=True)
        levels = tuple(
            LevelTruth(
                level=VertebralLevel.from_number(number), frame=Frame(origin=centre, axes=axes), body=_body_of_row(body)
            )
            for number, centre, axes, body in rows
        )
        return Template(
            labels=data["labels"],
            depth=data["depth"],
            spacing_mm=float(data["spacing_mm"]),
            levels=levels,
            sacrum_mm=float(data["sacrum_mm"]),
            centreline_mm=data["centreline_mm"],
        )


def _body_row(body: BodyShape) -> tuple[float, ...]:
    return body.width, body.depth, body.anterior, body.middle, body.posterior, body.waist, body.lip


def _body_of_row(row: list[float]) -> BodyShape:
    width, depth, anterior, middle, posterior, waist, lip = row
    return BodyShape(
        width=width, depth=depth, anterior=anterior, middle=middle, posterior=posterior, waist=waist, lip=lip
    )
