"""The image of a scan of the second family while it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.box import Box
from node.domain.geometry import Float64
from node.domain.volume import Float32
from training.heldout.posture import Placed
from training.heldout.solids import Points


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """The layers of an image while it is drawn, and their place.

    Parameters
    ----------
    hu
        Shape (layer, j, i).
    origin
        Of the first voxel's centre, (k, j, i) in mm.
    step
        Distances of voxels, mm.
    """

    hu: Float32
    origin: Float64
    step: Float64

    def box(self, low: Float64, high: Float64) -> Box | None:
        """The voxels between two corners, or `None` where there are none."""
        first = np.clip(np.floor((low - self.origin) / self.step), 0, self.hu.shape).astype(int)
        last = np.clip(np.ceil((high - self.origin) / self.step) + 1, 0, self.hu.shape).astype(int)
        if (first >= last).any():
            return None
        k, j, i = (slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))
        return k, j, i

    def places(self, box: Box) -> Points:
        """Coordinates of a box's voxels, mm, that broadcast."""
        axes = [
            at + step * np.arange(part.start, part.stop)
            for at, step, part in zip(self.origin, self.step, box, strict=True)
        ]
        k, j, i = (axis.astype(np.float32) for axis in axes)
        return k[:, None, None], j[None, :, None], i[None, None, :]

    def local(self, box: Box, placed: Placed) -> Points:
        """Coordinates of a box's voxels in the frame of a vertebra."""
        away = [place - np.float32(at) for place, at in zip(self.places(box), placed.centre, strict=True)]
        up, back, left = (
            away[0] * np.float32(row[0]) + away[1] * np.float32(row[1]) + away[2] * np.float32(row[2])
            for row in placed.axes
        )
        return up, back, left

    def cover(self, distance: Float32) -> Float32:
        """Share of each voxel that is inside."""
        share: Float32 = np.clip(np.float32(0.5) - distance / np.float32(self.step.max()), 0.0, 1.0)
        return share

    def paint(self, box: Box, share: Float32, value: Float32 | float) -> None:
        """Put a value where a share of each voxel has it."""
        view = self.hu[box]
        view += share * (value - view)
