"""What the node would know of a synthetic scan from its headers."""

from __future__ import annotations

import datetime
import hashlib

import numpy as np

from node.domain.identifiers import Uid
from node.domain.study import ImageFacts, Instance, Series, Study
from training.dicom_series import derived_uid
from training.evaluation.screening.segmented import SegmentedScan

_CT_IMAGE, _EXPLICIT = Uid("1.2.840.10008.5.1.4.1.1.2"), Uid("1.2.840.10008.1.2.1")
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_ARRIVED = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def study_of(scan: SegmentedScan) -> Study:
    """A study of one axial series, as it would be sent by a scanner."""
    name = scan.setting.spec.name
    study, series = derived_uid(name, what="study"), derived_uid(name, what="series")
    instances = tuple(
        Instance(
            sop_instance_uid=derived_uid(name, str(index), what="image"),
            sop_class_uid=_CT_IMAGE,
            series_uid=series,
            study_uid=study,
            transfer_syntax=_EXPLICIT,
            file=f"{index}.dcm",
            size=1,
            digest=_digest(f"{name} {index}"),
            patient=_digest(name),
            received_at=_ARRIVED,
            facts=_facts(scan, index),
        )
        for index in range(scan.volume.shape[0])
    )
    return Study(study_uid=study, revision=1, series=(Series(series_uid=series, instances=instances),))


def _facts(scan: SegmentedScan, index: int) -> ImageFacts:
    acquisition, spacing = scan.setting.acquisition, scan.volume.affine.spacing_mm
    x, y, z = scan.volume.affine.to_lps(np.array((index, 0.0, 0.0))).tolist()
    return ImageFacts(
        modality="CT",
        body_part="CHEST",
        series_description="Synthetic second family",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        rows=scan.volume.shape[1],
        columns=scan.volume.shape[2],
        position=(x, y, z),
        orientation=_AXIAL,
        pixel_spacing=(spacing[1], spacing[2]),
        slice_thickness=spacing[0],
        kvp=acquisition.kvp,
        kernel=acquisition.kernel,
        contrast_agent=acquisition.contrast_agent,
        manufacturer=acquisition.manufacturer,
        model=acquisition.model,
        has_pixel_data=True,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
