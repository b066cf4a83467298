"""Where the surfaces of vertebral bodies lie in a sample, finer than the voxels of its template."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from models.box import grown
from training.anatomy.labels import body_label
from training.anatomy.template import Template
from training.anatomy.vertebra import body_distance

#: Slopes of a shape's distance that are believed: 1 where it is exact, less along edges.
_SLOPES = (0.4, 2.5)

#: Voxels around a body in which its distance is taken, and what it is beyond, mm.
_MARGIN, _FAR_MM = 3, 100.0


def body_surfaces(template: Template, positions: Tensor, labels: Tensor, *, spacing_mm: float) -> dict[int, Tensor]:
    """Distance from the surface of each body that a sample shows, by its label: mm in the sample, negative inside.

    Parameters
    ----------
    positions
        Voxel indices in the template, not rounded, shape (3, k, j, i).
    labels
        Of the template at these, shape (k, j, i).
    spacing_mm
        Of the sample.
    """
    boxes = ndimage.find_objects(labels.numpy())
    found = {}
    for truth in template.levels:
        label = body_label(truth.level)
        shown = boxes[label - 1] if label <= len(boxes) else None
        if shown is None:
            continue
        box = grown(shown, by=(_MARGIN,) * 3, shape=labels.shape)
        places = positions[:, *box].numpy() * np.float32(template.spacing_mm)
        about = torch.from_numpy(body_distance(truth.body, *truth.frame.to_local(places)))
        # What a shape calls distance is stretched, by the shape itself and by the deformation of the sample.
        slope = torch.stack(torch.gradient(about, spacing=spacing_mm)).norm(dim=0)
        found[label] = torch.full(labels.shape, _FAR_MM)
        found[label][box] = about / slope.clamp(*_SLOPES)
    return found


def depth_between_voxels(depth_mm: Tensor, surfaces: Iterable[Tensor], *, voxel_mm: float) -> Tensor:
    """Depths that know where within a voxel the surface of a body lies, mm, shape (k, j, i).

    Where an arch begins, bone goes on beyond the surface of its body, and the depth of the voxel stays.

    Parameters
    ----------
    depth_mm
        In the bone, by the voxels of the template.
    surfaces
        Distance from that of each body.
    """
    for distance in surfaces:
        near = distance.abs() < 2.0 * voxel_mm
        depth_mm = torch.where(near & (depth_mm + distance < voxel_mm), -distance, depth_mm)
    return depth_mm
