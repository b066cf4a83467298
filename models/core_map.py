"""Where bone was measured: the trabecular cores on the grid of the scan."""

from __future__ import annotations

import numpy as np

from models.core import trabecular_core
from models.crops import SpineCrops
from models.parallel import for_each
from node.domain.finding import CtBoneFindings, Status
from node.domain.measurement import Quantity
from node.domain.volume import LabelMap, Segment, Structure


def map_cores(spine: SpineCrops, findings: CtBoneFindings, bodies: LabelMap) -> LabelMap:
    """The cores of the vertebrae that were measured in them, on the voxels of the bodies' label map.

    A core has the value of its body, so that a finding leads to both. A vertebra without a mean CT number of its core
    has no segment.

    Parameters
    ----------
    findings
        What was measured in the crops.
    bodies
        The label map that the crops were cut by.
    """
    measured = {
        finding.segment_value
        for finding in findings.vertebrae
        if finding.status is Status.ASSESSED and finding.value(Quantity.CORE_MEAN_HU) is not None
    }
    crops = [crop for crop in spine.crops if crop.vertebra.segment_value in measured]
    labels = np.zeros_like(bodies.labels)
    for crop, core in zip(crops, for_each(trabecular_core, crops), strict=True):
        first = np.rint(bodies.affine.to_index(crop.affine.matrix[:3, 3])).astype(int)
        labels[tuple((np.argwhere(core) + first).T)] = crop.vertebra.segment_value
    segments = (
        Segment(
            value=crop.vertebra.segment_value,
            level=crop.vertebra.level,
            structure=Structure.TRABECULAR_CORE,
            ordinal=crop.vertebra.ordinal,
        )
        for crop in crops
    )
    return LabelMap(
        labels=labels,
        affine=bodies.affine,
        frame_of_reference=bodies.frame_of_reference,
        segments=tuple(sorted(segments, key=lambda segment: segment.value)),
    )
