"""A scan of the screening set with its true masks in place of what networks would find."""

from __future__ import annotations

import numpy as np

from models.vertebra import SpineSegmentation, Vertebra
from node.domain.confidence import LevelConfidence
from node.domain.volume import LabelMap, Segment
from training.evaluation.screening.segmented import SegmentedScan
from training.heldout.screening.scan import draw_scan, draw_setting
from training.heldout.screening.spec import ScreeningSpec


def true_scan(spec: ScreeningSpec, *, noise: int = 0) -> SegmentedScan:
    """The scan with the masks that it was drawn from."""
    drawn = draw_scan(draw_setting(spec), noise=noise)
    whole = set(np.unique(drawn.truth)) - set(np.unique(drawn.truth[[0, -1]]))
    named = [each for each in drawn.setting.posture.named if each.level is not None and each.level.number in whole]
    vertebrae = []
    for ordinal, placed in enumerate(named, start=1):
        level = placed.level
        assert level is not None
        up, back, left = placed.axes[0].tolist()
        points = drawn.volume.affine.to_lps(np.argwhere(drawn.truth == level.number).astype(np.float64))
        x, y, z = points.mean(0).tolist()
        vertebrae.append(
            Vertebra(
                level=level,
                ordinal=ordinal,
                confidence=LevelConfidence(value=1.0, calibrated=True),
                centroid_lps_mm=(x, y, z),
                up_lps=(left, back, up),
                segment_value=level.number,
            )
        )
    shown = np.isin(drawn.truth, [vertebra.segment_value for vertebra in vertebrae])
    label_map = LabelMap(
        labels=np.where(shown, drawn.truth, 0).astype(np.uint8),
        affine=drawn.volume.affine,
        frame_of_reference=drawn.volume.frame_of_reference,
        segments=tuple(
            Segment(value=vertebra.segment_value, level=vertebra.level)
            for vertebra in sorted(vertebrae, key=lambda each: each.segment_value)
        ),
    )
    spine = SpineSegmentation(label_map=label_map, vertebrae=tuple(vertebrae))
    return SegmentedScan(
        setting=drawn.setting, volume=drawn.volume, truth=drawn.truth, core_hu=drawn.core_hu, spine=spine
    )
