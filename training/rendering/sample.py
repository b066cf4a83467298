"""One training sample: an image on the network's grid with soft targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.tissues import Tissue
from training.anatomy.labels import TISSUE_OF_LABEL
from training.anatomy.template import DEPTH_STEP_MM, Template
from training.rendering.deformation import draw_deformation
from training.rendering.materials import draw_materials
from training.rendering.scanner import draw_scanner
from training.rendering.texture import Shape
from training.rendering.tissue import IS_BONE, textured

#: Grid of the samples, mm, and the number of voxels along k, j and i.
SAMPLE_SPACING_MM = 2.5
SAMPLE_SHAPE: Shape = (96, 64, 64)

# Image and targets are drawn on a grid twice as fine and averaged, so that partial volume is in both.
_SUPERSAMPLING = 2
_EVERY_SECOND = tuple(slice(first, None, _SUPERSAMPLING) for first in range(_SUPERSAMPLING))

#: Lowest CT number of a scanner, and what lies outside the field of view.
OUTSIDE_HU = -1024.0
HIGHEST_HU = 3000.0
_CUT_SHARE = 0.2

#: Depth in a bone where there is none.
NO_BONE_MM = -100.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """An image and, for each of its voxels, how much of it is each of some things.

    Parameters
    ----------
    hu
        int16, shape (k, j, i), HU.
    shares
        uint8, shape (channel, k, j, i), 255 for the whole voxel. Which channels there are is for what draws it to say.
    """

    hu: Tensor
    shares: Tensor


def draw_sample(template: Template, rng: np.random.Generator, shape: Shape = SAMPLE_SHAPE) -> Sample:
    """A sample whose channels are the classes of `Tissue`; the same generator state gives the same sample."""
    with torch.no_grad():
        fine = (shape[0] * _SUPERSAMPLING, shape[1] * _SUPERSAMPLING, shape[2] * _SUPERSAMPLING)
        spacing = SAMPLE_SPACING_MM / _SUPERSAMPLING
        positions = draw_deformation(template, rng).positions(template, fine, spacing)
        labels, depth_mm, scanned = looked_up(template, positions)
        image = textured(labels, depth_mm, draw_materials(rng), rng, voxel_mm=template.spacing_mm)
        image = draw_scanner(rng).scanned(image, (spacing,) * 3, rng)
        image = functional.avg_pool3d(image[None, None], _SUPERSAMPLING)[0, 0]
        shares = _shares(labels, scanned)
        visible = functional.avg_pool3d(scanned.float()[None, None], _SUPERSAMPLING)[0, 0] > 0.5
        visible = _cut(visible, rng)
        image = torch.where(visible, image, OUTSIDE_HU).clamp(OUTSIDE_HU, HIGHEST_HU)
        shares = torch.where(visible, shares, 0.0)
        shares[Tissue.BACKGROUND] = torch.where(visible, shares[Tissue.BACKGROUND], 1.0)
        return Sample(hu=image.round().to(torch.int16), shares=(shares * 255.0).round().to(torch.uint8))


def looked_up(template: Template, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labels at positions, how deep in its bone each lies, mm, and which are between first and last slice.

    Depths are those of the centres of the template's voxels, negative where there is no bone.
    """
    size_k, size_j, size_i = template.labels.shape
    k, j, i = positions.round().long()
    scanned = (k >= 0) & (k < size_k)
    in_plane = (j >= 0) & (j < size_j) & (i >= 0) & (i < size_i)
    flat = (k.clamp(0, size_k - 1) * size_j + j.clamp(0, size_j - 1)) * size_i + i.clamp(0, size_i - 1)
    labels = torch.where(in_plane, torch.from_numpy(template.labels).view(-1)[flat].long(), 0)
    depth_mm = torch.from_numpy(template.depth).view(-1)[flat].float() * DEPTH_STEP_MM + 0.5 * template.spacing_mm
    return labels, torch.where(IS_BONE[labels], depth_mm, NO_BONE_MM), scanned


def _shares(labels: Tensor, scanned: Tensor) -> Tensor:
    tissues = torch.from_numpy(TISSUE_OF_LABEL.astype(np.uint8))[labels]
    tissues[~scanned] = int(Tissue.BACKGROUND)
    # Counting in bytes takes a third of the time that averaging takes.
    corners = [tissues[corner].contiguous() for corner in product(_EVERY_SECOND, repeat=3)]
    counts = [reduce(torch.add, ((corner == int(tissue)).view(torch.uint8) for corner in corners)) for tissue in Tissue]
    return torch.stack(counts) / float(len(corners))


def _cut(visible: Tensor, rng: np.random.Generator) -> Tensor:
    """Sometimes the scan ends within the sample, above or below."""
    if rng.random() < _CUT_SHARE:
        count = int(rng.integers(4, visible.shape[0] // 3))
        ends = slice(0, count) if rng.random() < 0.5 else slice(visible.shape[0] - count, None)
        visible = visible.clone()
        visible[ends] = False
    return visible
