"""One training sample around a vertebral body: an image on a fine grid, a pointer to the body, and the body."""

from __future__ import annotations

import numpy as np
import torch

from models.refine import WINDOW
from training.anatomy.labels import BODIES, Part, body_label
from training.anatomy.template import Template
from training.rendering.deformation import deformation_around
from training.rendering.materials import draw_materials
from training.rendering.pointer import draw_pointer
from training.rendering.sample import HIGHEST_HU, OUTSIDE_HU, Sample, looked_up
from training.rendering.scanner import draw_scanner
from training.rendering.slices import between_slices, ends_in_view
from training.rendering.surfaces import body_surfaces, depth_between_voxels
from training.rendering.tissue import textured

#: Grid of the samples and of the trunks that they are drawn from, mm.
BODY_SPACING_MM = 1.0

# How far off the body's centre a sample is centred, mm; how often the target is S1; how often the scan ends in it.
_OFF_CENTRE_MM = 5.0
_SACRAL_SHARE, _CUT_SHARE = 0.04, 0.12


def draw_body_sample(template: Template, rng: np.random.Generator) -> Sample:
    """A sample whose channels are those of `Channel`; the same generator state gives the same sample."""
    with torch.no_grad():
        target, anchor = _draw_target(template, rng)
        offset = rng.uniform(-_OFF_CENTRE_MM, _OFF_CENTRE_MM, 3)
        deformation = deformation_around(
            template, rng, anchor_mm=anchor, offset_mm=(float(offset[0]), float(offset[1]), float(offset[2]))
        )
        positions = deformation.positions(template, WINDOW.shape, BODY_SPACING_MM)
        labels, depth_mm, scanned = looked_up(template, positions)
        surfaces = body_surfaces(template, positions, labels, spacing_mm=BODY_SPACING_MM)
        scanner = draw_scanner(rng)
        depth_mm = depth_between_voxels(depth_mm, surfaces.values(), voxel_mm=template.spacing_mm)
        image = textured(labels, depth_mm, draw_materials(rng), rng, voxel_mm=template.spacing_mm)
        image = scanner.scanned(image, (BODY_SPACING_MM,) * 3, rng)
        image = between_slices(image, scanner.slice_mm, BODY_SPACING_MM, rng)
        bodies = torch.isin(labels, torch.tensor([*BODIES, int(Part.S1_BODY)]))
        visible = ends_in_view(WINDOW.shape, _CUT_SHARE, rng) & scanned
        inside = surfaces[target] < 0.0 if target in surfaces else labels == target
        body = inside & visible
        image = torch.where(visible, image, OUTSIDE_HU).clamp(OUTSIDE_HU, HIGHEST_HU)
        pointer = draw_pointer(body, bodies & visible, rng)
        shares = torch.stack((pointer, body.float()))
        return Sample(hu=image.round().to(torch.int16), shares=(shares * 255.0).round().to(torch.uint8))


def _draw_target(template: Template, rng: np.random.Generator) -> tuple[int, float]:
    """Label of the body that is pointed at, and its height in the template."""
    if rng.random() < _SACRAL_SHARE:
        return int(Part.S1_BODY), template.sacrum_mm
    truth = template.levels[int(rng.integers(len(template.levels)))]
    return body_label(truth.level), float(truth.centre_mm[0])
