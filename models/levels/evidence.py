"""What speaks for the level of each body: ribs, sacrum, and the network's votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from models.box import Box, corner, grown
from models.column import body_probability
from models.instances import Instances
from models.levels.ribs import Ribs, find_ribs
from models.tissues import BODY_TISSUES, Tissue
from node.domain.volume import Float32

#: Raised whenever a field of `Evidence`, or how bodies and ribs are found, comes to mean something else.
FORM = 3

#: Around a body, mm, where contact with the sacrum's wings is looked for.
_CONTACT_MM = 5.0

#: The sacrum below the last body: looked for down to this distance, and this near to the curve, mm.
_SACRUM_BELOW_MM = 25.0
_SACRUM_RADIUS_MM = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRibs:
    """The ribs of one body as the network sees them that looks at it finely.

    Parameters
    ----------
    volume_mm3
        Of that of the right and of the left side, as far as it lies in what was looked at, mm3: of all that is likelier
        a rib than not.
    cut
        Whether it leaves the scan, so that it is larger by an unknown volume.
    """

    volume_mm3: tuple[float, float]
    cut: tuple[bool, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one body shows of its level.

    Parameters
    ----------
    lumbar, thoracic, cervical, sacral
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
    own_ribs
        `None` where nobody looked closely.
    """

    lumbar: float
    thoracic: float
    cervical: float
    sacral: float
    rib_mm: tuple[float, float]
    rib_cut: tuple[bool, bool]
    sacrum_contact: float
    sacrum_below: float | None
    centre_mm: tuple[float, float, float]
    volume_mm3: float
    length_mm: float
    own_ribs: OwnRibs | None = None


def gather_evidence(probabilities: Float32, instances: Instances) -> tuple[Evidence, ...]:
    """The evidence of every body, from head to foot.

    Parameters
    ----------
    probabilities
        Of all classes, shape (class, k, j, i), on the grid of the instances.
    """
    ribs = find_ribs(probabilities[int(Tissue.RIB)], instances)
    below = _sacrum_below(probabilities, instances)
    windows = _windows(instances)
    return tuple(
        _evidence(probabilities, instances, index, window=windows[index], ribs=ribs, below=below[index])
        for index in range(len(instances.spans_mm))
    )


def _evidence(
    probabilities: Float32,
    instances: Instances,
    index: int,
    *,
    window: Box,
    ribs: Ribs,
    below: float | None,
) -> Evidence:
    body = instances.labels[window] == index + 1
    votes = {kind: float(probabilities[(int(kind), *window)][body].sum()) for kind in BODY_TISSUES}
    total = max(sum(votes.values()), 1e-6)
    around = ndimage.distance_transform_edt(~body, sampling=instances.spacing_mm)
    ring = probabilities[:, *window].argmax(0)[(around > 0.0) & (around <= _CONTACT_MM)]
    k, j, i = (np.argwhere(body).mean(0) + corner(window)) * instances.spacing_mm
    low, high = instances.spans_mm[index]
    return Evidence(
        lumbar=votes[Tissue.LUMBAR_BODY] / total,
        thoracic=votes[Tissue.THORACIC_BODY] / total,
        cervical=votes[Tissue.CERVICAL_BODY] / total,
        sacral=votes[Tissue.S1_BODY] / total,
        rib_mm=(float(ribs.reach_mm[index, 0]), float(ribs.reach_mm[index, 1])),
        rib_cut=(bool(ribs.cut[index, 0]), bool(ribs.cut[index, 1])),
        sacrum_contact=float((ring == Tissue.SACRUM_OR_HIP).mean()) if ring.size else 0.0,
        sacrum_below=below,
        centre_mm=(float(k), float(j), float(i)),
        volume_mm3=float(body.sum() * np.prod(instances.spacing_mm)),
        length_mm=high - low,
    )


def _windows(instances: Instances) -> list[Box]:
    """A box around every body with room for its surroundings."""
    margins = [int(np.ceil(_CONTACT_MM / spacing)) + 1 for spacing in instances.spacing_mm]
    shape = instances.labels.shape
    return [grown(box, by=margins, shape=shape) for box in ndimage.find_objects(instances.labels)]


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
