"""The table that the patient lies on: a curved shell around foam."""

from __future__ import annotations

import numpy as np

from node.domain.volume import Float32
from training.anatomy.labels import Part
from training.phantom.scene import Scene
from training.phantom.tissues import AIR_HU

# Carbon-fibre shell and foam, HU; thickness of shell and table, and how far its edges rise, mm (plausible choices).
_SHELL_HU, _FOAM_HU = -40.0, -930.0
_SHELL_MM, _THICK_MM, _HALF_WIDTH_MM, _RISE_MM = 1.8, 46.0, 205.0, 34.0
# A mattress of foam lies between the table and the lowest point of the back.
_MATTRESS_MM, _MATTRESS_HU = 9.0, -960.0


def draw_table(scene: Scene) -> Float32:
    """The same image of the table for all slices, shape (rows, columns), HU; air elsewhere."""
    grid, canvas = scene.grid, scene.canvas
    lowest = float(np.flatnonzero((canvas.labels != Part.AIR).any((0, 2)))[-1]) * canvas.spacing_mm
    j = grid.centres(1)[:, None] - lowest
    i = grid.centres(2) - float(np.mean(scene.trunk.skin.left))
    edge = 0.5 * grid.spacing_mm[1]
    top = _MATTRESS_MM - _RISE_MM * (i / _HALF_WIDTH_MM) ** 2
    bottom = _MATTRESS_MM + _THICK_MM * (1.0 - (i / _HALF_WIDTH_MM) ** 2) + 4.0
    outside = np.maximum(np.maximum(top - j, j - bottom), np.abs(i) - _HALF_WIDTH_MM)
    shell = np.clip((0.5 * _SHELL_MM - np.abs(outside + 0.5 * _SHELL_MM)) / edge * 0.5 + 0.5, 0.0, 1.0)
    inside = np.clip(0.5 - 0.5 * outside / edge, 0.0, 1.0)
    image = AIR_HU + (_FOAM_HU - AIR_HU) * inside
    image += (_SHELL_HU - image) * shell
    mattress = np.clip(0.5 - 0.5 * np.maximum(top - _MATTRESS_MM - j, j - top) / edge, 0.0, 1.0)
    image += (1.0 - inside) * mattress * (np.abs(i) < _HALF_WIDTH_MM - 20.0) * (_MATTRESS_HU - AIR_HU)
    table: Float32 = image.astype(np.float32)
    return table
