"""Whole scans of the family that networks learn from, with the truth of every body."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch

from models.levels.placements import Kind, Place, spine_of
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.volume import Volume
from training.anatomy.labels import Part
from training.anatomy.template import Template
from training.levels.chains import TruthMap
from training.rendering.deformation import deformation_around
from training.rendering.materials import draw_materials
from training.rendering.sample import (
    HIGHEST_HU,
    OUTSIDE_HU,
    looked_up,
)
from training.rendering.scanner import draw_scanner
from training.rendering.tissue import textured

# Scans are drawn on this grid, mm, so many voxels deep and wide; along k the deformation reaches this far at most, mm.
_GRID_MM, _IN_PLANE, _LONGEST_MM = 1.5, (176, 240), 504.0

# So many layers make a slice.
_LAYERS, _LAYER_SHARES = (1, 2, 3, 4), (0.3, 0.4, 0.2, 0.1)

# The middle of the picture lies before the spine, mm.
_BEFORE_MM, _ASIDE_MM = (-55.0, -25.0), (-15.0, 15.0)

_FRAME = Uid("2.25.303")


#: Raised whenever the same person's scans come out otherwise: what a network saw before is not taken for them.
FORM = 2


class View(StrEnum):
    """What part of the trunk a scan shows."""

    CHEST = "chest"
    ABDOMEN = "abdomen"
    UPPER_ABDOMEN = "upper abdomen"
    LUMBAR = "lumbar"
    TRUNK = "trunk"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelScan:
    """A scan and the truth of its bodies: VerSe numbers in thoracic and lumbar ones, values of `Part` in others."""

    volume: Volume
    truth: TruthMap


def draw_level_scan(template: Template, rng: np.random.Generator, view: View) -> LevelScan:
    """A scan of a part of a trunk; the same generator state gives the same scan."""
    low, high = _extent(template, view, rng)
    length = min(high - low, _LONGEST_MM)
    deformation = deformation_around(
        template,
        rng,
        anchor_mm=low + 0.5 * (high - low),
        offset_mm=(0.0, float(rng.uniform(*_BEFORE_MM)), float(rng.uniform(*_ASIDE_MM))),
    )
    layers = int(rng.choice(_LAYERS, p=_LAYER_SHARES))
    shape = (round(length / (layers * _GRID_MM)) * layers, *_IN_PLANE)
    with torch.no_grad():
        labels, depth_mm, scanned = looked_up(template, deformation.positions(template, shape, _GRID_MM))
        image = textured(labels, depth_mm, draw_materials(rng), rng, voxel_mm=template.spacing_mm)
        image = draw_scanner(rng).scanned(image, (_GRID_MM,) * 3, rng)
        image = torch.where(scanned, image, OUTSIDE_HU).clamp(OUTSIDE_HU, HIGHEST_HU)
        image = image.view(-1, layers, *_IN_PLANE).mean(1)
    values = labels[layers // 2 :: layers].numpy().astype(np.uint8)
    places = places_of(tuple(truth.level for truth in template.levels))
    thoracic = sum(truth.level.is_thoracic for truth in template.levels)
    return LevelScan(
        volume=Volume(
            hu=image.round().numpy(),
            affine=Affine.from_spacing((layers * _GRID_MM, _GRID_MM, _GRID_MM)),
            frame_of_reference=_FRAME,
        ),
        truth=TruthMap(
            values=np.where(np.isin(values, list(places)), values, 0).astype(np.uint8),
            places=places,
            thoracic=thoracic,
            lumbar=len(template.levels) - thoracic,
        ),
    )


def places_of(levels: tuple[VertebralLevel, ...]) -> dict[int, Place]:
    """What the values of bodies are in a spine of these thoracic and lumbar vertebrae, cervical and sacral ones too."""
    thoracic = sum(level.is_thoracic for level in levels)
    spine = spine_of(thoracic, len(levels) - thoracic)
    cervical = next(place for place in spine if place.kind is Kind.CERVICAL)
    sacral = next(place for place in spine if place.kind is Kind.SACRAL)
    named = {place.level.number: place for place in spine if place.level is not None}
    return named | {Part.CERVICAL_BODY: cervical, Part.S1_BODY: sacral, Part.SACRUM: sacral}


def _extent(template: Template, view: View, rng: np.random.Generator) -> tuple[float, float]:
    """Lowest and highest place of a scan, mm along k in the template."""
    heights = [float(truth.centre_mm[0]) for truth in template.levels]
    thoracic = sum(truth.level.is_thoracic for truth in template.levels)
    above, below = heights[0] + rng.uniform(15.0, 60.0), template.sacrum_mm - rng.uniform(20.0, 110.0)
    match view:
        case View.CHEST:
            return heights[thoracic] - rng.uniform(-15.0, 60.0), above
        case View.ABDOMEN:
            return below, heights[thoracic - 4] + rng.uniform(-20.0, 45.0)
        case View.UPPER_ABDOMEN:
            # Neither T1 nor the sacrum: all hangs on the last ribs.
            return heights[thoracic + 2] + rng.uniform(-40.0, 40.0), heights[thoracic - 5] + rng.uniform(-25.0, 45.0)
        case View.LUMBAR:
            return below, heights[thoracic - 1] + rng.uniform(0.0, 60.0)
        case View.MIDDLE:
            return heights[thoracic - 3] + rng.uniform(0.0, 30.0), heights[1] + rng.uniform(-20.0, 30.0)
        case View.TRUNK:
            return (above - _LONGEST_MM, above) if rng.random() < 0.5 else (below, below + _LONGEST_MM)
