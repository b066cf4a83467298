"""Trunks in which arches and processes do not tell the last thoracic vertebra from the first lumbar one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.anatomy.proportions import LAST_THORACIC
from training.anatomy.spine import draw_shapes, usual_levels
from training.anatomy.template import Template, draw_size, template_of
from training.anatomy.vertebra import VertebraShape, draw_arch

# Arches of these places of the table of proportions, T9 to L3, are of one kind in a person: as they are at any place
# from the first to the second. In life they turn from thoracic to lumbar within a vertebra or two of T12.
_MIXED = (LAST_THORACIC - 3.0, LAST_THORACIC + 3.0)
_KIND = (LAST_THORACIC - 2.0, LAST_THORACIC + 3.0)

# Of transverse processes: reach and slope backwards, mm, and by how much those of one person differ; how far beside the
# canal ribs meet them. Wide ranges: a rib may run before a long process, or end at a stub.
_REACH_MM, _BACKWARD_MM, _OWN_MM, _JOINT_MM = (5.0, 34.0), (0.0, 14.0), 2.5, (18.0, 30.0)


def build_junction_template(rng: np.random.Generator, *, spacing_mm: float) -> Template:
    """As `build_template`, with arches from T9 to L3 that do not show where the thoracic spine ends."""
    size = draw_size(rng)
    levels = usual_levels(rng)
    shapes = _mixed(draw_shapes(rng, levels, size), rng, scale=size)
    return template_of(rng, shapes, size=size, spacing_mm=spacing_mm)


def _mixed(shapes: list[VertebraShape], rng: np.random.Generator, *, scale: float) -> list[VertebraShape]:
    kind = float(rng.uniform(*_KIND))
    reach, backward, joint = (float(rng.uniform(*each)) for each in (_REACH_MM, _BACKWARD_MM, _JOINT_MM))
    thoracic = sum(shape.level is not None and shape.level.is_thoracic for shape in shapes)
    first = len(shapes) - sum(shape.level is not None for shape in shapes)
    mixed = []
    for index, shape in enumerate(shapes):
        place = LAST_THORACIC + index - first - thoracic + 1.0
        if not _MIXED[0] <= place <= _MIXED[1]:
            mixed.append(shape)
            continue
        arch = draw_arch(rng, kind, scale)
        process = (
            arch.transverse[0],
            scale * (backward + rng.normal(0.0, _OWN_MM)),
            scale * max(2.0, reach + rng.normal(0.0, _OWN_MM)),
        )
        mixed.append(replace(shape, arch=replace(arch, transverse=process, rib_joint=scale * joint)))
    return mixed
