"""What speaks for the level of each body: ribs, sacrum, and the network's votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.column import body_probability
from models.instances import Instances
from models.tissues import Tissue
from node.domain.volume import Float32, UInt8

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

#: A rib that belongs to a body begins within this distance of the centreline, mm: its head lies beside the body, its
#: neck behind the transverse process.
_RIB_HEAD_RADIUS_MM = 45.0

#: Nothing farther in front of the centreline is a rib's beginning, mm.
_RIB_HEAD_IN_FRONT_MM = 12.0

#: Rib heads lie at the upper edge of their own body, or at the disc above it; this far below, mm, is surely own.
_RIB_HEAD_ABOVE_OWN_MM = 6.0

#: Smaller pieces, mm3, are specks.
_RIB_SPECK_MM3 = 150.0

#: Around a body, mm, where contact with the sacrum's wings is looked for.
_CONTACT_MM = 5.0

#: The sacrum below the last body: looked for down to this distance, and this near to the curve, mm.
_SACRUM_BELOW_MM = 25.0
_SACRUM_RADIUS_MM = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one body shows of its level.

    Parameters
    ----------
    lumbar, thoracic, sacral
        Shares of the network's votes in the body, 0 to 1, sum 1.
    rib_mm
        How far the rib that begins at the body's right and left side reaches, mm; 0 where none begins.
    rib_cut
        Whether that rib leaves the scan, so that it is longer than `rib_mm` by an unknown length.
    sacrum_contact
        Share of the body's surroundings that is sacrum or hip bone, 0 to 1.
    sacrum_below
        Share of the space below the body, along the spine, that is sacrum, 0 to 1; `None` where the scan ends there.
    centre_mm
        Of the body, (k, j, i) from the centre of the grid's first voxel.
    volume_mm3
        Of the body.
    length_mm
        Along the spine.
    """

    lumbar: float
    thoracic: float
    sacral: float
    rib_mm: tuple[float, float]
    rib_cut: tuple[bool, bool]
    sacrum_contact: float
    sacrum_below: float | None
    centre_mm: tuple[float, float, float]
    volume_mm3: float
    length_mm: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ribs:
    """Of one body, right and left: how far its ribs reach, mm, and whether they leave the scan."""

    reach_mm: Float64
    cut: Bool


def gather_evidence(probabilities: Float32, instances: Instances) -> tuple[Evidence, ...]:
    """The evidence of every body, from head to foot.

    Parameters
    ----------
    probabilities
        Of all classes, shape (class, k, j, i), on the grid of the instances.
    """
    tissue = probabilities.argmax(0).astype(np.uint8)
    ribs, cut = _rib_reach(tissue == Tissue.RIB, instances)
    below = _sacrum_below(probabilities, instances)
    return tuple(
        _evidence(
            probabilities,
            tissue,
            instances,
            index,
            ribs=_Ribs(reach_mm=ribs[index], cut=cut[index]),
            below=below[index],
        )
        for index in range(len(instances.spans_mm))
    )


def _evidence(
    probabilities: Float32, tissue: UInt8, instances: Instances, index: int, *, ribs: _Ribs, below: float | None
) -> Evidence:
    window = _window(instances, index)
    body = instances.labels[window] == index + 1
    votes = {
        kind: float(probabilities[(int(kind), *window)][body].sum())
        for kind in (Tissue.LUMBAR_BODY, Tissue.THORACIC_BODY, Tissue.S1_BODY)
    }
    total = max(sum(votes.values()), 1e-6)
    around = ndimage.distance_transform_edt(~body, sampling=instances.spacing_mm)
    ring = tissue[window][(around > 0.0) & (around <= _CONTACT_MM)]
    k, j, i = (np.argwhere(body).mean(0) + [part.start for part in window]) * instances.spacing_mm
    low, high = instances.spans_mm[index]
    return Evidence(
        lumbar=votes[Tissue.LUMBAR_BODY] / total,
        thoracic=votes[Tissue.THORACIC_BODY] / total,
        sacral=votes[Tissue.S1_BODY] / total,
        rib_mm=(float(ribs.reach_mm[0]), float(ribs.reach_mm[1])),
        rib_cut=(bool(ribs.cut[0]), bool(ribs.cut[1])),
        sacrum_contact=float((ring == Tissue.SACRUM_OR_HIP).mean()) if ring.size else 0.0,
        sacrum_below=below,
        centre_mm=(float(k), float(j), float(i)),
        volume_mm3=float(body.sum() * np.prod(instances.spacing_mm)),
        length_mm=high - low,
    )


def _window(instances: Instances, index: int) -> tuple[slice, slice, slice]:
    """A box around a body with room for its surroundings."""
    boxes = ndimage.find_objects(instances.labels, max_label=index + 1)
    parts = []
    for part, spacing, size in zip(boxes[index], instances.spacing_mm, instances.labels.shape, strict=True):
        margin = int(np.ceil(_CONTACT_MM / spacing)) + 1
        parts.append(slice(max(0, part.start - margin), min(size, part.stop + margin)))
    k, j, i = parts
    return k, j, i


def _rib_reach(rib: Bool, instances: Instances) -> tuple[Float64, Bool]:
    """How far the ribs of each body reach, right and left, mm, and whether they leave the scan; shape (bodies, 2).

    A rib is the body's at whose upper edge its medial end lies. Whether what begins there is a rib or a transverse
    process that was taken for one is for the length to say, so all are measured.
    """
    reach = np.zeros((len(instances.spans_mm), 2))
    cut = np.zeros((len(instances.spans_mm), 2), dtype=np.bool_)
    spacing = np.array(instances.spacing_mm)
    voxels = np.argwhere(rib)
    if not len(voxels):
        return reach, cut
    points = voxels * spacing
    arc, _ = instances.centreline.project(points)
    centre = np.stack(
        [np.interp(arc, instances.centreline.arc_mm, instances.centreline.points_mm[:, c]) for c in (1, 2)]
    )
    behind, left = points[:, 1] - centre[0], points[:, 2] - centre[1]
    near = (np.hypot(behind, left) < _RIB_HEAD_RADIUS_MM) & (behind > -_RIB_HEAD_IN_FRONT_MM)
    heads = np.zeros_like(rib)
    heads[tuple(voxels[near].T)] = True
    whole, _ = ndimage.label(rib, np.ones((3, 3, 3)))
    pieces, count = ndimage.label(heads, np.ones((3, 3, 3)))
    piece_of = pieces[tuple(voxels.T)]
    whole_of = whole[tuple(voxels.T)]
    for piece in range(1, count + 1):
        inside = np.flatnonzero(piece_of == piece)
        if len(inside) * spacing.prod() < _RIB_SPECK_MM3:
            continue
        head = inside[np.argmin(np.hypot(behind[inside], left[inside]))]
        owner = _owner(float(arc[head]), instances)
        if owner is None:
            continue
        side = int(left[head] > 0.0)
        course = points[whole_of == whole_of[head]]
        reach[owner, side] = max(reach[owner, side], np.linalg.norm(course - points[head], axis=1).max())
        cut[owner, side] |= _leaves(course, rib.shape, spacing)
    return reach, cut


def _leaves(points: Float64, shape: tuple[int, ...], spacing: Float64) -> bool:
    last = (np.array(shape) - 1) * spacing
    return bool((points <= spacing / 2.0).any() or (points >= last - spacing / 2.0).any())


def _owner(arc_mm: float, instances: Instances) -> int | None:
    """Index from the head of the body whose rib begins at a length along the curve."""
    own = arc_mm - _RIB_HEAD_ABOVE_OWN_MM
    top, bottom = instances.spans_mm[0][1], instances.spans_mm[-1][0]
    if own > top or own < bottom:
        return None
    return int(sum(own < cut for cut in instances.cuts_mm))


def _sacrum_below(probabilities: Float32, instances: Instances) -> list[float | None]:
    """Share of the space below each body that is sacrum, `None` where too little of it is in the scan."""
    sacrum = probabilities[int(Tissue.SACRUM_OR_HIP)] + probabilities[int(Tissue.S1_BODY)]
    known = np.isfinite(instances.arc_mm)
    voxels = np.argwhere(known | (body_probability(probabilities) > 0.5) | (sacrum > 0.5))
    arc, radius = instances.centreline.project(voxels * np.array(instances.spacing_mm))
    value = sacrum[tuple(voxels.T)]
    shares: list[float | None] = []
    space = np.pi * _SACRUM_RADIUS_MM**2 * _SACRUM_BELOW_MM
    for low, _ in instances.spans_mm:
        end, _ = instances.centreline.at(low - _SACRUM_BELOW_MM)
        if end[0] < 0.0:
            shares.append(None)
            continue
        under = (arc < low) & (arc > low - _SACRUM_BELOW_MM) & (radius < _SACRUM_RADIUS_MM)
        shares.append(min(1.0, float(value[under].sum()) * float(np.prod(instances.spacing_mm)) / space))
    return shares
