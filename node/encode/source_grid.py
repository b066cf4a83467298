"""Where the voxels of a label map lie in the source images: found by position, never by order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.domain.errors import Bug
from node.domain.geometry import Affine
from node.domain.reasons import Reason
from node.domain.stack import stack_affine, stack_slices
from node.domain.volume import LabelMap, UInt8
from node.encode.header_values import pixel_spacing, size
from node.encode.sources import SourceFrame, Sources

#: A voxel of the label map may lie this far from a voxel of the source, in voxels: rounding of headers adds up.
OFF_GRID_VOXELS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGrid:
    """The source's slices in the order of their normal, without duplicates.

    Parameters
    ----------
    frames
        From the first along the normal to the last.
    affine
        Index (frame, row, column) to LPS mm.
    shape
        Number of frames, rows and columns.
    pixel_spacing_mm
        Distance between rows and between columns, as the header says it.
    """

    frames: tuple[SourceFrame, ...]
    affine: Affine
    shape: tuple[int, int, int]
    pixel_spacing_mm: tuple[float, float]


def source_grid(sources: Sources) -> SourceGrid:
    """The grid that the source's slices form.

    Raises
    ------
    Bug
        Where they form none: no label map can have been made from them.
    """
    frames = sources.frames
    positions, orientations = [frame.position for frame in frames], [frame.orientation for frame in frames]
    stack = stack_slices(positions, orientations)
    if isinstance(stack, Reason):
        raise Bug(f"a label map needs source slices that form a stack: {stack.text}")
    spacing, rows, columns = (
        pixel_spacing(sources.header),
        size(sources.header, "Rows"),
        size(sources.header, "Columns"),
    )
    if spacing is None or rows is None or columns is None:
        raise Bug("a label map needs source images with a pixel spacing, rows and columns")
    return SourceGrid(
        frames=tuple(frames[place] for place in stack.order),
        affine=stack_affine(stack, positions, orientations, spacing_mm=spacing),
        shape=(len(stack.order), rows, columns),
        pixel_spacing_mm=spacing,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedLabels:
    """Labels where they lie on the source's grid: a spine fills a hundredth of it.

    Parameters
    ----------
    labels
        With axes frame, row and column.
    first
        Frame, row and column of their first voxel.
    """

    labels: UInt8
    first: tuple[int, int, int]


def on_source_grid(label_map: LabelMap, grid: SourceGrid) -> PlacedLabels:
    """The labels, put on the axes of the source.

    Axes may be exchanged, run backwards or cover a part; they may not lie between the source's voxels.

    Raises
    ------
    Bug
        Where voxels of the label map do not fall on voxels of the source.
    """
    axes, signs, first = _placement(label_map, grid)
    labels = label_map.labels.transpose(axes)
    labels = labels[tuple(slice(None, None, int(sign)) for sign in signs)]
    if (first < 0).any() or (first + labels.shape > grid.shape).any():
        raise Bug(f"a label map must lie inside its source of {grid.shape}, got {labels.shape} at {first}")
    frame, row, column = (int(start) for start in first)
    return PlacedLabels(labels=labels, first=(frame, row, column))


def _placement(label_map: LabelMap, grid: SourceGrid) -> tuple[tuple[int, ...], NDArray[np.int64], NDArray[np.int64]]:
    """For each axis of the grid: the label map's axis, its direction (1 or -1), and where the label map starts."""
    to_source = np.linalg.inv(grid.affine.matrix) @ label_map.affine.matrix
    turn = np.round(to_source[:3, :3])
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in label_map.labels.shape])).reshape(3, -1)
    exact = to_source[:3, :3] @ corners + to_source[:3, 3:]
    rounded = turn @ corners + np.round(to_source[:3, 3:])
    is_permutation = (np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all()
    if not is_permutation or np.abs(exact - rounded).max() > OFF_GRID_VOXELS:
        raise Bug("the voxels of a label map must fall on voxels of its source; the two grids differ")
    axes = np.abs(turn).argmax(axis=1)
    return tuple(axes.tolist()), turn.sum(axis=1).astype(np.int64), rounded.min(axis=1).astype(np.int64)
