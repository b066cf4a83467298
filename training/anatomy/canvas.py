"""A grid of labels that shapes are painted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.domain.geometry import Float64
from node.domain.volume import Float32, UInt8

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """A local coordinate system in a template.

    Parameters
    ----------
    origin
        Position (k, j, i), mm.
    axes
        Unit vectors up, back and left as rows, each (k, j, i), shape (3, 3).
    """

    origin: Float64
    axes: Float64

    @classmethod
    def leaning(cls, origin: Float64, forward_rad: float) -> Frame:
        """A frame whose upward axis leans forward by an angle, as the end plate of S1 does."""
        cosine, sine = np.cos(forward_rad), np.sin(forward_rad)
        axes = np.array(((cosine, -sine, 0.0), (sine, cosine, 0.0), (0.0, 0.0, 1.0)))
        return cls(origin=np.asarray(origin, dtype=np.float64), axes=axes)

    def to_template(self, local: Float64) -> Float64:
        """Positions (k, j, i), mm, of local points (up, back, left), mm, shape (..., 3)."""
        positions: Float64 = self.origin + np.asarray(local, dtype=np.float64) @ self.axes
        return positions

    def to_local(self, positions: Float32) -> Float32:
        """Local points (up, back, left), mm, of positions (k, j, i), mm, shape (3, ...)."""
        away = positions - self.origin.astype(np.float32).reshape(3, *[1] * (positions.ndim - 1))
        local: Float32 = np.tensordot(self.axes.astype(np.float32), away, axes=1)
        return local


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A box of the grid with the local coordinates of its voxels, mm, each of the shape of the box."""

    box: Box
    up: Float32
    back: Float32
    left: Float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """A tube along the trunk: one ellipse a slice, mm, each array of shape (k,); absent where a radius is 0."""

    back: Float64
    left: Float64
    half_depth: Float64
    half_width: Float64


class Canvas:
    """Labels on an isotropic grid (k, j, i); the centre of voxel (0, 0, 0) is the origin.

    Parameters
    ----------
    size_mm
        Extent along k, j and i.
    spacing_mm
        Of the voxels.
    """

    def __init__(self, size_mm: tuple[float, float, float], spacing_mm: float) -> None:
        self.spacing_mm = spacing_mm
        shape = tuple(int(np.ceil(size / spacing_mm)) for size in size_mm)
        self.labels: UInt8 = np.zeros(shape, dtype=np.uint8)

    @property
    def heights(self) -> Float64:
        """Position along k of every slice, mm."""
        return np.arange(self.labels.shape[0], dtype=np.float64) * self.spacing_mm

    def region(self, frame: Frame, low: tuple[float, float, float], high: tuple[float, float, float]) -> Region:
        """The voxels around the local box from `low` to `high`, each (up, back, left) in mm."""
        corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), -1).reshape(-1, 3)
        positions = frame.to_template(corners) / self.spacing_mm
        first = np.clip(np.floor(positions.min(0)).astype(int), 0, self.labels.shape)
        last = np.clip(np.ceil(positions.max(0)).astype(int) + 1, first, self.labels.shape)
        k, j, i = (
            (np.arange(start, stop) * self.spacing_mm - origin).astype(np.float32)
            for start, stop, origin in zip(first, last, frame.origin, strict=True)
        )
        local = [
            k[:, None, None] * np.float32(axis[0]) + j[:, None] * np.float32(axis[1]) + i * np.float32(axis[2])
            for axis in frame.axes
        ]
        box = tuple(slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))
        return Region(box=(box[0], box[1], box[2]), up=local[0], back=local[1], left=local[2])

    def paint(self, region: Region, inside: Mask, label: int, *, over: tuple[int, ...] = ()) -> None:
        """Give the voxels `inside` a region a label; only those that have one of `over`, where it is given."""
        view = self.labels[region.box]
        if over:
            inside = inside & np.isin(view, over)
        view[inside] = label

    def paint_column(self, column: Column, label: int, *, over: tuple[int, ...] = (), exponent: float = 2.0) -> None:
        """Paint a tube of superelliptic slices."""
        present = np.flatnonzero((column.half_depth > 0.0) & (column.half_width > 0.0))
        if not present.size:
            return
        slices = slice(int(present[0]), int(present[-1]) + 1)
        box = (slices, *(self._bounds(column, slices, axis) for axis in (1, 2)))
        j, i = (np.arange(part.start, part.stop) * self.spacing_mm for part in box[1:])
        fields = (column.back, column.left, column.half_depth, column.half_width)
        back, left, half_depth, half_width = (field[slices, None, None].astype(np.float32) for field in fields)
        half_depth, half_width = np.maximum(half_depth, 1e-3), np.maximum(half_width, 1e-3)
        back_term = np.abs((j.astype(np.float32)[:, None] - back) / half_depth) ** exponent
        inside = back_term + np.abs((i.astype(np.float32) - left) / half_width) ** exponent < 1.0
        view = self.labels[box]
        if over:
            inside &= np.isin(view, over)
        view[inside] = label

    def _bounds(self, column: Column, slices: slice, axis: int) -> slice:
        centre, half = (column.back, column.half_depth) if axis == 1 else (column.left, column.half_width)
        low = np.floor((centre - half)[slices].min() / self.spacing_mm)
        high = np.ceil((centre + half)[slices].max() / self.spacing_mm) + 1
        size = self.labels.shape[axis]
        return slice(int(np.clip(low, 0, size)), int(np.clip(high, 0, size)))

    def stamp(self, points: Float64, normals: Float64, half_mm: Float64, label: int) -> None:
        """Paint one flat ellipsoid at every point of a dense curve or sheet.

        Parameters
        ----------
        points
            Positions (k, j, i), mm, shape (n, 3).
        normals
            Unit vectors (k, j, i) along the short axis of each ellipsoid, shape (n, 3).
        half_mm
            Half of the thickness along the normal, and of the extent across it, shape (n, 2).
        """
        # Points of about the same size together: all of a group look as far around them as its largest.
        by_size = np.argsort(half_mm.max(axis=1))
        for start in range(0, len(points), 64):
            part = by_size[start : start + 64]
            self._stamp_some(points[part], normals[part], half_mm[part], label)

    def _stamp_some(self, points: Float64, normals: Float64, half_mm: Float64, label: int) -> None:
        reach = int(np.ceil(half_mm.max() / self.spacing_mm))
        steps = np.arange(-reach, reach + 1)
        offsets = [part.ravel() for part in np.meshgrid(steps, steps, steps, indexing="ij")]
        base = np.round(points / self.spacing_mm).astype(np.int64)
        index = [base[:, axis, None] + offsets[axis] for axis in range(3)]
        delta = [(index[axis] * self.spacing_mm - points[:, axis, None]).astype(np.float32) for axis in range(3)]
        short = normals.astype(np.float32)
        along = delta[0] * short[:, :1] + delta[1] * short[:, 1:2] + delta[2] * short[:, 2:]
        squared = delta[0] ** 2 + delta[1] ** 2 + delta[2] ** 2
        thickness, extent = (half_mm[:, column, None].astype(np.float32) for column in (0, 1))
        inside = (along / thickness) ** 2 + (squared - along**2) / extent**2 < 1.0
        for positions, size in zip(index, self.labels.shape, strict=True):
            inside &= (positions >= 0) & (positions < size)
        self.labels[index[0][inside], index[1][inside], index[2][inside]] = label

    def stamp_rod(self, start: Float64, end: Float64, radii_mm: tuple[float, float], label: int) -> None:
        """Paint a rod with round ends whose radius changes from one end to the other."""
        length = float(np.linalg.norm(end - start))
        count = max(2, int(length / (0.3 * min(radii_mm))) + 1)
        share = np.linspace(0.0, 1.0, count)[:, None]
        radius = radii_mm[0] * (1.0 - share) + radii_mm[1] * share
        up = np.tile((1.0, 0.0, 0.0), (count, 1))
        self.stamp(start + share * (end - start), up, np.repeat(radius, 2, axis=1), label)


def wobble(rng: np.random.Generator, count: int, amplitude: float, knots: int = 6) -> Float64:
    """A smooth random function of the slice, shape (count,), about as large as the amplitude."""
    values: Float64 = np.interp(
        np.linspace(0.0, knots - 1.0, count), np.arange(knots), rng.normal(0.0, amplitude, knots)
    )
    return values
