"""One training sample around the junction of thoracic and lumbar spine: a body that is pointed at, and its own ribs."""

from __future__ import annotations

import numpy as np
import torch

from models.own_ribs import WINDOW
from node.domain.levels import VertebralLevel
from training.anatomy.labels import BODIES, Part, Side, body_label, rib_label
from training.anatomy.template import Template
from training.rendering.deformation import deformation_around
from training.rendering.materials import draw_materials
from training.rendering.pointer import draw_pointer
from training.rendering.sample import HIGHEST_HU, OUTSIDE_HU, Sample, looked_up
from training.rendering.scanner import draw_scanner
from training.rendering.slices import between_slices, ends_in_view
from training.rendering.tissue import textured

#: Grid of the samples, mm.
RIB_SPACING_MM = 1.5

# How often each body is pointed at, counted from the last thoracic one (0) downwards.
_TARGETS, _TARGET_SHARES = (-3, -2, -1, 0, 1, 2, 3), (0.05, 0.08, 0.17, 0.33, 0.25, 0.08, 0.04)

# How far off its place a sample is centred, mm; how often the scan ends in it.
_OFF_CENTRE_MM, _CUT_SHARE = 5.0, 0.12


def draw_rib_sample(template: Template, rng: np.random.Generator) -> Sample:
    """A sample whose channels are those of `Channel`; the same generator state gives the same sample."""
    with torch.no_grad():
        level, anchor = _draw_target(template, rng)
        k, j, i = (float(each) for each in rng.uniform(-_OFF_CENTRE_MM, _OFF_CENTRE_MM, 3))
        deformation = deformation_around(template, rng, anchor_mm=anchor, offset_mm=(k, WINDOW.behind_mm + j, i))
        labels, depth_mm, scanned = looked_up(template, deformation.positions(template, WINDOW.shape, RIB_SPACING_MM))
        scanner = draw_scanner(rng)
        image = textured(labels, depth_mm, draw_materials(rng), rng, voxel_mm=template.spacing_mm)
        image = scanner.scanned(image, (RIB_SPACING_MM,) * 3, rng)
        image = between_slices(image, scanner.slice_mm, RIB_SPACING_MM, rng)
        visible = ends_in_view(WINDOW.shape, _CUT_SHARE, rng) & scanned
        image = torch.where(visible, image, OUTSIDE_HU).clamp(OUTSIDE_HU, HIGHEST_HU)
        bodies = torch.isin(labels, torch.tensor([*BODIES, int(Part.S1_BODY)])) & visible
        pointer = draw_pointer((labels == body_label(level)) & visible, bodies, rng)
        shares = torch.stack((pointer, (torch.isin(labels, _ribs_of(level)) & visible).float()))
        return Sample(hu=image.round().to(torch.int16), shares=(shares * 255.0).round().to(torch.uint8))


def _ribs_of(level: VertebralLevel) -> torch.Tensor:
    if not level.is_thoracic:
        return torch.empty(0, dtype=torch.long)
    return torch.tensor([rib_label(int(level[1:]), side) for side in Side])


def _draw_target(template: Template, rng: np.random.Generator) -> tuple[VertebralLevel, float]:
    """The body that is pointed at, and its height in the template."""
    last = sum(truth.level.is_thoracic for truth in template.levels) - 1
    truth = template.levels[last + int(rng.choice(_TARGETS, p=_TARGET_SHARES))]
    return truth.level, float(truth.centre_mm[0])
