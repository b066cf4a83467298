"""Single vertebral bodies: the column cut where discs lie across the curve through it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.box import grown
from models.centreline import Centreline, fit_centreline
from models.column import body_probability, spine_column
from models.profile import Span, find_spans
from models.tissues import Tissue
from node.domain.volume import Float32, UInt8

Float64 = NDArray[np.float64]
Spacing = tuple[float, float, float]

#: Voxels this near to the curve make the profile, mm: the middle of a body, clear of its rims and of neighbours that
#: bulge over the disc.
_CORE_RADIUS_MM = 12.0

#: Terminal pieces smaller than this share of the median body are no body, unless the scan ends there.
_TERMINAL_SHARE = 0.3

#: A chain of fewer bodies is not accepted as a spine: two lone bone-like lumps are found in any pelvis.
LEAST_BODIES = 3

#: Voxels farther than this from the curve belong to no body, mm.
_LARGEST_RADIUS_MM = 45.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instances:
    """The bodies that were found, counted from the head.

    Parameters
    ----------
    labels
        1 for the first body from the head, 2 for the next; shape (k, j, i).
    arc_mm
        Length along the centreline of every voxel near it, `nan` elsewhere; same shape.
    spans_mm
        Lower and upper end of each body along the centreline.
    centreline
        The curve; lengths along it rise to the head.
    spacing_mm
        Of the grid.
    """

    labels: UInt8
    arc_mm: Float32
    spans_mm: tuple[Span, ...]
    centreline: Centreline
    spacing_mm: Spacing

    @property
    def cuts_mm(self) -> tuple[float, ...]:
        """Where bodies are told apart along the centreline, from head to foot: the middles of the gaps."""
        return tuple((upper[0] + lower[1]) / 2.0 for upper, lower in pairwise(self.spans_mm))


def find_instances(probabilities: Float32, spacing_mm: Spacing) -> Instances | None:
    """The vertebral bodies, S1 included, or `None` where no chain of at least `LEAST_BODIES` was found.

    Parameters
    ----------
    probabilities
        Of all classes, shape (class, k, j, i); k to the head, j to the back, i to the left.
    """
    body = body_probability(probabilities)
    disc = probabilities[int(Tissue.DISC)]
    column = spine_column(probabilities, spacing_mm)
    curve = fit_centreline(np.where(column, body + disc, 0.0).astype(np.float32), spacing_mm)
    if curve is None:
        return None
    arc, radius = _coordinates(column, curve, spacing_mm)
    core = column & (radius < _CORE_RADIUS_MM)
    if not core.any():
        # A ring, as of a skull, has its curve where it has no voxel.
        return None
    ends = _scan_ends(curve, column.shape[0], spacing_mm)
    found = find_spans(arc[core], body[core], disc[core], ends)
    inside = column & (body > 0.5) & (radius < _LARGEST_RADIUS_MM)
    labels, spans = _labelled(inside, arc, found, ends)
    if len(spans) < LEAST_BODIES:
        return None
    return Instances(labels=labels, arc_mm=arc, spans_mm=spans, centreline=curve, spacing_mm=spacing_mm)


def _coordinates(column: NDArray[np.bool_], curve: Centreline, spacing_mm: Spacing) -> tuple[Float32, Float32]:
    """Length along the curve and distance from it of every voxel in a box around the column; `nan` outside."""
    arc = np.full(column.shape, np.nan, dtype=np.float32)
    radius = np.full(column.shape, np.inf, dtype=np.float32)
    margins = [int(np.ceil(9.0 / spacing)) for spacing in spacing_mm]
    box = grown(ndimage.find_objects(column.view(np.uint8))[0], by=margins, shape=column.shape)
    ranges = [np.arange(part.start, part.stop) * spacing for part, spacing in zip(box, spacing_mm, strict=True)]
    points = np.stack(np.meshgrid(*ranges, indexing="ij"), -1)
    along, away = curve.project(points.reshape(-1, 3).astype(np.float64))
    arc[box] = along.reshape(points.shape[:3])
    radius[box] = away.reshape(points.shape[:3])
    return arc, radius


def _scan_ends(curve: Centreline, slices: int, spacing_mm: Spacing) -> Span:
    """Lengths along the curve beyond which the scan ends within two voxels."""
    low, high = 2.0 * spacing_mm[0], (slices - 3.0) * spacing_mm[0]
    first, last = np.interp([low, high], curve.points_mm[:, 0], curve.arc_mm)
    return float(first), float(last)


def _labelled(inside: NDArray[np.bool_], arc: Float32, spans: list[Span], ends: Span) -> tuple[UInt8, tuple[Span, ...]]:
    """Voxels to bodies, from head to foot, without small terminal pieces."""
    spans = spans[::-1]
    labels = np.zeros(inside.shape, dtype=np.uint8)
    if not spans:
        return labels, ()
    cuts = [(upper[0] + lower[1]) / 2.0 for upper, lower in pairwise(spans)]
    labels[inside] = len(cuts) - np.searchsorted(cuts[::-1], arc[inside]) + 1
    sizes = np.bincount(labels.ravel(), minlength=len(spans) + 1)[1:]
    # A stretch of the curve may look like a body on the average, and hold no voxel that is surely one.
    keep = [number for number in _without_small_ends(sizes, spans, ends) if sizes[number]]
    table = np.zeros(len(spans) + 1, dtype=np.uint8)
    table[1 + np.array(keep, dtype=int)] = np.arange(1, len(keep) + 1)
    return table[labels], tuple(spans[number] for number in keep)


def _without_small_ends(sizes: NDArray[np.int64], spans: list[Span], ends: Span) -> range:
    least = _TERMINAL_SHARE * float(np.median(sizes))
    first, last = 0, len(spans)
    while first < last and sizes[first] < least and spans[first][1] <= ends[1]:
        first += 1
    while first < last and sizes[last - 1] < least and spans[last - 1][0] >= ends[0]:
        last -= 1
    return range(first, last)
