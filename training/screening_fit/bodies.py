"""Crops of vertebral bodies from a scan and a mask of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.box import Box, grown
from models.crops import MARGIN_MM, BodyCrop, SpineCrops, cut_body
from models.vertebra import Vertebra
from node.domain.geometry import Affine
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume

Labels = NDArray[np.integer]
Float64 = NDArray[np.float64]

WANTED = (VertebralLevel.L1, VertebralLevel.L2)

#: A body that comes this near to the end of the scan is cut, mm.
_CUT_WITHIN_MM = 1.0

_UPRIGHT = np.array((0.0, 0.0, 1.0))


def crops_of_mask(volume: Volume, labels: Labels) -> SpineCrops:
    """The crops of L1, L2 and the bodies beside them without a gap, from head to foot.

    Whatever lies beyond a gap is no neighbour that a height could be judged by.

    Parameters
    ----------
    labels
        VerSe numbers of the levels inside their bodies, shape (k, j, i) of the volume.
    """
    boxes = ndimage.find_objects(np.where(labels <= VertebralLevel.T13.number, labels, 0))
    found = {level: box for level in USUAL_LEVELS if (box := _box(boxes, level)) is not None}
    there = {level: found[level] for level in _run(found, has_t13=_box(boxes, VertebralLevel.T13) is not None)}
    centres = {level: _centre(volume.affine, labels, box, level) for level, box in there.items()}
    crops = tuple(_crop(volume, labels, there[level], level, centres) for level in there)
    return SpineCrops(crops=crops)


def _run(found: Mapping[VertebralLevel, Box], *, has_t13: bool) -> list[VertebralLevel]:
    """The levels around L1, or L2 where that is not there, up to the next one that is missing; a T13 is one."""
    middle = next((level for level in WANTED if level in found), None)
    if middle is None:
        return []
    place = USUAL_LEVELS.index(middle)
    above = list(takewhile(found.__contains__, reversed(USUAL_LEVELS[:place])))
    if has_t13:
        above = [level for level in above if not level.is_thoracic]
    return [*reversed(above), *takewhile(found.__contains__, USUAL_LEVELS[place:])]


def _box(boxes: list[Box | None], level: VertebralLevel) -> Box | None:
    return boxes[level.number - 1] if level.number <= len(boxes) else None


def _centre(affine: Affine, labels: Labels, box: Box, level: VertebralLevel) -> Float64:
    first = np.array([part.start for part in box])
    return affine.to_lps(np.argwhere(labels[box] == level.number).mean(0) + first)


def _crop(
    volume: Volume, labels: Labels, box: Box, level: VertebralLevel, centres: dict[VertebralLevel, Float64]
) -> BodyCrop:
    margin = np.ceil(MARGIN_MM / np.array(volume.affine.spacing_mm)).astype(int)
    window = grown(box, by=margin, shape=volume.shape)
    x, y, z = centres[level].tolist()
    up = _up(level, centres)
    cut = _is_cut(box, volume)
    vertebra = Vertebra(
        level=level,
        ordinal=1 + list(centres).index(level),
        confidence=None,
        centroid_lps_mm=(x, y, z),
        up_lps=(float(up[0]), float(up[1]), float(up[2])),
        segment_value=level.number,
        reasons=(Reason(code=ReasonCode.LEVEL_TRUNCATED),) if cut else (),
    )
    return cut_body(volume, window, labels[window] == level.number, vertebra=vertebra)


def _up(level: VertebralLevel, centres: dict[VertebralLevel, Float64]) -> Float64:
    """Along the curve through the bodies above and below without a gap: a parabola, or a line where there are two."""
    place = USUAL_LEVELS.index(level)
    above, below = (
        list(takewhile(centres.__contains__, levels))
        for levels in (reversed(USUAL_LEVELS[:place]), USUAL_LEVELS[place + 1 :])
    )
    run = [*reversed(below), level, *above]
    if len(run) == 1:
        return _UPRIGHT
    points = np.stack([centres[each] for each in run])
    arc = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    order: Literal[1, 2] = 2 if len(run) > 2 else 1
    tangents: Float64 = np.gradient(points, arc, axis=0, edge_order=order)
    tangent: Float64 = tangents[len(below)]
    return tangent / float(np.linalg.norm(tangent))


def _is_cut(box: Box, volume: Volume) -> bool:
    spacing = volume.affine.spacing_mm
    return any(
        part.start * step < _CUT_WITHIN_MM or (size - part.stop) * step < _CUT_WITHIN_MM
        for part, step, size in zip(box, spacing, volume.shape, strict=True)
    )
