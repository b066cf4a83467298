"""Pieces that are missing from a vertebral body, or stand out of it, beside what its shape says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from node.domain.volume import Float32
from training.anatomy.vertebra import Vector

Points = tuple[Float32, Float32, Float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A rounded block in the frame of a body.

    Parameters
    ----------
    centre, half
        Its middle and half of its sizes: up, back and left, mm.
    adds
        Whether it is bone that stands out; else it is a hole.
    roundness
        Exponent of the block: 2 is an ellipsoid, more has flatter sides.
    rim_hu
        What bone around a hole is brighter by, HU.
    """

    centre: Vector
    half: Vector
    adds: bool
    roundness: float = 2.0
    rim_hu: float = 0.0

    def distance(self, points: Points) -> Float32:
        """About the distance from its surface, mm, negative inside; local coordinates in mm that broadcast."""
        across = sum(
            np.abs((point - np.float32(at)) / np.float32(size)) ** self.roundness
            for point, at, size in zip(points, self.centre, self.half, strict=True)
        )
        distance: Float32 = ((across ** (1.0 / self.roundness) - 1.0) * min(self.half)).astype(np.float32)
        return distance


def with_marks(body: Float32, marks: Sequence[Mark], points: Points) -> Float32:
    """Distance from the surface of a body, mm, once blocks are added to it and holes taken from it, in their order."""
    for mark in marks:
        distance = mark.distance(points)
        body = np.minimum(body, distance) if mark.adds else np.maximum(body, -distance)
    return body
