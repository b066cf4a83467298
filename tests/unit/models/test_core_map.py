"""The map of cores shows what was measured, where it lies in the scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.core import trabecular_core
from models.core_map import map_cores
from models.crops import BodyCrop, SpineCrops
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import LabelMap, Segment, Structure
from tests.builders.body_crops import Body, crop_of

L1 = VertebralLevel.L1
SMALL = Reason(code=ReasonCode.ROI_TOO_SMALL)


def bodies_of(crop: BodyCrop) -> LabelMap:
    """A label map that holds no more than the body, as segmentation leaves it."""
    inside = np.argwhere(crop.body)
    first, last = inside.min(0), inside.max(0) + 1
    box = tuple(slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))
    value = crop.vertebra.segment_value
    return LabelMap(
        labels=np.where(crop.body[box], value, 0).astype(np.uint8),
        affine=crop.affine.shifted((int(first[0]), int(first[1]), int(first[2]))),
        frame_of_reference=Uid("1.2.3"),
        segments=(Segment(value=value, level=crop.vertebra.level),),
    )


def findings(crop: BodyCrop, *, measured: bool) -> CtBoneFindings:
    """L1 with a mean CT number of its core, or without."""
    hu = Measurement(quantity=Quantity.CORE_MEAN_HU, value=150.0, unit=Unit.HOUNSFIELD, site=L1, method="core")
    vertebra = VertebraFinding(
        level=L1,
        status=Status.ASSESSED if measured else Status.NOT_EVALUABLE,
        reasons=() if measured else (SMALL,),
        segment_value=crop.vertebra.segment_value,
        measurements=(hu if measured else NotMeasurable(quantity=hu.quantity, site=L1, reason=SMALL),),
    )
    return CtBoneFindings(status=vertebra.status, reasons=vertebra.reasons, vertebrae=(vertebra,))


def test_a_measured_core_lies_in_the_map_where_it_lies_in_its_crop() -> None:
    crop = crop_of(Body())
    bodies = bodies_of(crop)

    cores = map_cores(SpineCrops(crops=(crop,)), findings(crop, measured=True), bodies)

    expected = crop.affine.to_lps(np.argwhere(trabecular_core(crop)).astype(np.float64))
    found = cores.affine.to_lps(np.argwhere(cores.labels == L1.number).astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert cores.segments == (Segment(value=L1.number, level=L1, structure=Structure.TRABECULAR_CORE, ordinal=1),)


def test_a_core_that_was_not_measured_has_neither_segment_nor_voxel() -> None:
    crop = crop_of(Body())

    cores = map_cores(SpineCrops(crops=(crop,)), findings(crop, measured=False), bodies_of(crop))

    assert cores.segments == ()
    assert not cores.labels.any()


def test_a_vertebra_that_was_excluded_for_another_reason_has_no_core_either() -> None:
    crop = crop_of(Body())
    measured = findings(crop, measured=True)
    (vertebra,) = measured.vertebrae
    excluded = replace(vertebra, status=Status.NOT_EVALUABLE, reasons=(SMALL,))

    cores = map_cores(SpineCrops(crops=(crop,)), replace(measured, vertebrae=(excluded,)), bodies_of(crop))

    assert cores.segments == ()
