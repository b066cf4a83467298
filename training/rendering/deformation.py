"""How one training image differs from its template: heights, compression, bending, rotation, size and elastic warp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from node.domain.geometry import Float64
from training.anatomy.template import LevelTruth, Template
from training.rendering.texture import Shape, blurred, linear_between, seeded, smooth_noise

# Ranges are plausible choices, wide enough for scoliosis, compression fractures and a badly centred field of view.
_ROTATION_DEGREES = 15.0
_LEAN_DEGREES = 10.0
_BEND_MM = 14.0
_ELASTIC_MM = 2.5
_COMPRESSED_SHARE = 0.12
_OFF_CENTRE_SHARE = 0.22

# The field of the deformation is computed at knots this far apart and interpolated.
_KNOT_MM = 6.0
_TABLE_HALF_MM, _TABLE_STEP_MM = 260.0, 2.0
_BACK_HALF_MM, _BACK_KNOTS = 60.0, 31
_BEND_HALF_MM, _BEND_KNOTS = 200.0, 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deformation:
    """A map from an image grid to positions in a template.

    Parameters
    ----------
    anchor_mm
        Height (along k) in the template that the image is centred on.
    offset_mm
        Of the image's centre from the spine there, (k, j, i).
    matrix
        Rotation and scale, shape (3, 3).
    bends_mm
        How far the spine is pushed along j and i at every height, shape (2, knots).
    heights_mm
        Template height by distance behind the spine (rows) and output height (columns).
    elastic_mm
        Size of the elastic warp.
    seed
        Of the elastic warp.
    """

    anchor_mm: float
    offset_mm: Tensor
    matrix: Tensor
    bends_mm: Tensor
    heights_mm: Tensor
    elastic_mm: float
    seed: int

    def positions(self, template: Template, shape: Shape, spacing_mm: float) -> Tensor:
        """Voxel indices in the template, not rounded, shape (3, k, j, i), for an isotropic image grid."""
        extents = [(size - 1) * spacing_mm for size in shape]
        knots = [max(4, int(np.ceil(extent / _KNOT_MM)) + 1) for extent in extents]
        axes = [
            torch.linspace(-0.5 * extent, 0.5 * extent, count) for extent, count in zip(extents, knots, strict=True)
        ]
        points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
        points = (points + self.offset_mm) @ self.matrix.T
        up, back, left = self._bent(points)
        warp = torch.Generator().manual_seed(self.seed)
        coarse = (knots[0], knots[1], knots[2])
        up, back, left = (
            part + size * self.elastic_mm * smooth_noise(coarse, 5.0, warp)
            for part, size in ((up, 0.6), (back, 1.0), (left, 1.0))
        )
        height = self._template_height(up, back)
        slice_ = int(np.clip(self.anchor_mm / template.spacing_mm, 0, len(template.centreline_mm) - 1))
        centre_back, centre_left = template.centreline_mm[slice_].tolist()
        stacked = torch.stack((height, back + centre_back, left + centre_left)) / template.spacing_mm
        return linear_between(stacked, shape)

    def _bent(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        up, back, left = points.unbind(-1)
        where = (up / _BEND_HALF_MM).clamp(-1.0, 1.0)
        step = 2.0 * _BEND_HALF_MM / (_BEND_KNOTS - 1)
        slopes = torch.gradient(self.bends_mm, spacing=step, dim=1)[0]
        back_by, left_by = (_interpolated(bend, where) for bend in self.bends_mm)
        back_slope, left_slope = (_interpolated(slope, where) for slope in slopes)
        back, left = back - back_by, left - left_by
        # The bodies stay at right angles to the bent spine.
        return up + left_slope * left + back_slope * back, back, left

    def _template_height(self, up: Tensor, back: Tensor) -> Tensor:
        grid = torch.stack(
            (
                (up + _TABLE_HALF_MM) / (2.0 * _TABLE_HALF_MM - _TABLE_STEP_MM) * 2.0 - 1.0,
                (back / _BACK_HALF_MM).clamp(-1.0, 1.0),
            ),
            -1,
        )
        sampled = functional.grid_sample(
            self.heights_mm[None, None], grid.reshape(1, 1, -1, 2), align_corners=True, padding_mode="border"
        )
        return sampled.view(up.shape)


def draw_deformation(template: Template, rng: np.random.Generator) -> Deformation:
    """A deformation around a level of the template, mostly of the lower thoracic and the lumbar spine."""
    anchor = _draw_anchor(template, rng)
    if rng.random() < _OFF_CENTRE_SHARE:
        offset = (0.0, rng.uniform(-80.0, 40.0), rng.uniform(-110.0, 110.0))
    else:
        offset = (0.0, rng.uniform(-22.0, 38.0), rng.uniform(-25.0, 25.0))
    return deformation_around(template, rng, anchor_mm=anchor, offset_mm=offset)


def deformation_around(
    template: Template, rng: np.random.Generator, *, anchor_mm: float, offset_mm: tuple[float, float, float]
) -> Deformation:
    """A deformation whose image is centred on a height of the template, this far (k, j, i) from the spine there."""
    return Deformation(
        anchor_mm=anchor_mm,
        offset_mm=torch.tensor(offset_mm, dtype=torch.float32),
        matrix=_draw_matrix(rng),
        bends_mm=_draw_bends(rng),
        heights_mm=_draw_heights(template, anchor_mm, rng),
        elastic_mm=float(rng.uniform(0.0, _ELASTIC_MM)),
        seed=int(rng.integers(2**62)),
    )


def _draw_anchor(template: Template, rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.12:
        return template.sacrum_mm + rng.uniform(-60.0, 30.0)
    count = len(template.levels)
    weights = np.where(np.arange(count) >= 8, 2.0, 1.5)
    truth = template.levels[int(rng.choice(count, p=weights / weights.sum()))]
    return float(truth.centre_mm[0]) + rng.uniform(-15.0, 15.0)


def _draw_matrix(rng: np.random.Generator) -> Tensor:
    first, second, third = np.deg2rad(rng.uniform(-_ROTATION_DEGREES, _ROTATION_DEGREES, 3))
    # Spines lean forward and back by far more than they turn or tilt.
    third += np.deg2rad(rng.uniform(-_LEAN_DEGREES, _LEAN_DEGREES))
    rotations = []
    for angle, (row, column) in zip((first, second, third), ((1, 2), (0, 2), (0, 1)), strict=True):
        rotation = np.eye(3)
        rotation[[row, column], [row, column]] = np.cos(angle)
        rotation[row, column], rotation[column, row] = -np.sin(angle), np.sin(angle)
        rotations.append(rotation)
    scale = rng.uniform(0.84, 1.16) * rng.uniform(0.94, 1.06, 3)
    mirror = np.array((1.0, 1.0, rng.choice((-1.0, 1.0))))
    matrix = rotations[0] @ rotations[1] @ rotations[2] / scale * mirror[:, None]
    return torch.from_numpy(matrix.astype(np.float32))


def _draw_bends(rng: np.random.Generator) -> Tensor:
    generator = seeded(rng)
    bends = [
        smooth_noise((_BEND_KNOTS, 2, 2), 40.0, generator)[:, :1, :1] * rng.uniform(0.0, _BEND_MM) for _ in range(2)
    ]
    return torch.stack([blurred(bend, (8.0, 0.0, 0.0))[:, 0, 0] for bend in bends])


def _draw_heights(template: Template, anchor: float, rng: np.random.Generator) -> Tensor:
    """Every body and disc gets a height of its own; some bodies are wedged or flattened."""
    top = template.labels.shape[0] * template.spacing_mm
    heights = np.arange(-60.0, top + 60.0, 1.0)
    back = np.linspace(-_BACK_HALF_MM, _BACK_HALF_MM, _BACK_KNOTS)
    stretch = np.ones((_BACK_KNOTS, len(heights)))
    for truth, below in zip(template.levels, (*template.levels[1:], None), strict=True):
        stretch *= _body_stretch(truth, heights, back, rng)
        floor = template.sacrum_mm if below is None else float(below.centre_mm[0])
        centre, half = 0.5 * (truth.centre_mm[0] + floor), 0.13 * (truth.centre_mm[0] - floor)
        within = np.clip((half + 1.5 - np.abs(heights - centre)) / 3.0, 0.0, 1.0)
        stretch *= 1.0 + within * (rng.uniform(0.55, 1.5) - 1.0)
    travelled = np.cumsum(stretch, axis=1)
    travelled -= travelled[:, [int(np.searchsorted(heights, anchor))]]
    output = np.arange(-_TABLE_HALF_MM, _TABLE_HALF_MM, _TABLE_STEP_MM)
    table = np.stack([np.interp(output, row, heights) for row in travelled])
    return torch.from_numpy(table.astype(np.float32))


def _body_stretch(truth: LevelTruth, heights: Float64, back: Float64, rng: np.random.Generator) -> Float64:
    half = 0.46 * truth.body.mean_height
    within = np.clip((half + 1.5 - np.abs(heights - truth.centre_mm[0])) / 3.0, 0.0, 1.0)
    factor = np.full((len(back), 1), rng.uniform(0.88, 1.15))
    if rng.random() < _COMPRESSED_SHARE:
        front = rng.uniform(0.4, 0.9)
        rear = front + (1.0 - front) * rng.uniform(0.0, 1.0)
        share = np.clip((back + 15.0) / 35.0, 0.0, 1.0)
        factor = factor * (front + (rear - front) * share)[:, None]
    stretch: Float64 = 1.0 + within * (factor - 1.0)
    return stretch


def _interpolated(values: Tensor, where: Tensor) -> Tensor:
    """Values given at equal steps from -1 to 1, taken at `where`."""
    grid = torch.stack((where, torch.zeros_like(where)), -1).reshape(1, 1, -1, 2)
    sampled = functional.grid_sample(values.view(1, 1, 1, -1), grid, align_corners=True, padding_mode="border")
    return sampled.view(where.shape)
