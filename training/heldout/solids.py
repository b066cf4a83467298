"""Distances from the surfaces of simple solids, mm, negative inside; smooth unions of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from node.domain.geometry import Float64
from node.domain.volume import Float32

#: Local coordinates that broadcast against each other: up, back and left, mm.
Points = tuple[Float32, Float32, Float32]

_FAR_MM = np.float32(1e6)


def capsule(points: Points, start: Sequence[float], end: Sequence[float], radii: tuple[float, float]) -> Float32:
    """A rod with round ends whose radius goes from the first to the second."""
    axis: Float64 = np.subtract(end, start)
    length = max(float(axis @ axis), 1e-6)
    offset = [point - np.float32(at) for point, at in zip(points, start, strict=True)]
    up, back, left = (part * np.float32(step / length) for part, step in zip(offset, axis, strict=True))
    share = np.clip(up + back + left, 0.0, 1.0)
    squared = sum((part - share * np.float32(step)) ** 2 for part, step in zip(offset, axis, strict=True))
    radius = np.float32(radii[0]) + share * np.float32(radii[1] - radii[0])
    distance: Float32 = np.sqrt(squared) - radius
    return distance


def ellipsoid(points: Points, centre: Sequence[float], radii: Sequence[float]) -> Float32:
    """An ellipsoid; its distance is exact on the surface and about right near it."""
    parts = [(point - np.float32(at)) for point, at in zip(points, centre, strict=True)]
    first = np.sqrt(sum((part / np.float32(radius)) ** 2 for part, radius in zip(parts, radii, strict=True)))
    second = np.sqrt(sum((part / np.float32(radius**2)) ** 2 for part, radius in zip(parts, radii, strict=True)))
    distance = first * (first - 1.0) / np.maximum(second, 1e-6)
    return distance.astype(np.float32)


def joined(first: Float32, second: Float32, blend_mm: float) -> Float32:
    """The union of two solids, rounded where they meet."""
    share = np.clip(0.5 + 0.5 * (second - first) / np.float32(blend_mm), 0.0, 1.0)
    union: Float32 = second + share * (first - second) - np.float32(blend_mm) * share * (1.0 - share)
    return union


def union(parts: Sequence[Float32], blend_mm: float) -> Float32:
    """The rounded union of several solids."""
    whole = parts[0]
    for part in parts[1:]:
        whole = joined(whole, part, blend_mm)
    return whole


def common(first: Float32, second: Float32, blend_mm: float) -> Float32:
    """What two solids have in common, its edges rounded."""
    return -joined(-first, -second, blend_mm)
