"""CT numbers of one vertebral body."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.core import METHOD, body_axes, trabecular_core
from models.crops import BodyCrop
from node.domain.levels import VertebralLevel
from node.domain.measurement import UNIT_OF, Measurement, NotMeasurable, Quantity
from node.domain.reasons import Reason, ReasonCode

Float64 = NDArray[np.float64]

#: A smaller core is not measured, mm3: a disc of 200 mm2, the region recommended for L1 (Osteoporos Int 2025,
#: s00198-025-07529-7), in one slice of 2.5 mm.
LEAST_CORE_MM3 = 500.0

#: Fat, the darkest of marrow, has -100 HU at any tube voltage; a darker core holds gas, or is none of a bone.
LEAST_CORE_HU = -120.0

#: How far, one standard deviation, the mask and with it the core may be off along each axis, mm; a plausible choice.
_PLACEMENT_MM = 1.0


def measure_attenuation(crop: BodyCrop, level: VertebralLevel) -> tuple[Measurement | NotMeasurable, ...]:
    """Mean and spread in the trabecular core, mean in the whole body, and both volumes.

    The standard uncertainty of the core's mean covers where the core lies in this scan: it leaves out the scanner, tube
    voltage and contrast agent, which are systematic. A standard error of the mean would say nothing, because noise in
    neighbouring voxels is correlated.

    Parameters
    ----------
    crop
        Of a body that is whole.
    level
        The name that the measurements carry.
    """
    core = trabecular_core(crop)
    voxel = crop.affine.voxel_volume_mm3
    body_hu = crop.hu[crop.body]
    whole = (
        _measurement(Quantity.BODY_MEAN_HU, float(body_hu.mean()) if body_hu.size else math.nan, level),
        _measurement(Quantity.BODY_VOLUME, float(body_hu.size * voxel), level),
        _measurement(Quantity.CORE_VOLUME, float(core.sum() * voxel), level),
    )
    volume_mm3 = float(core.sum() * voxel)
    if volume_mm3 < LEAST_CORE_MM3:
        detail = f"It has {volume_mm3:.0f} mm3; at least {LEAST_CORE_MM3:.0f} mm3 are needed."
        reason = Reason(code=ReasonCode.ROI_TOO_SMALL, detail=detail)
        return (*_refused(level, reason), *whole)
    values = crop.hu[core].astype(np.float64)
    if values.mean() < LEAST_CORE_HU:
        detail = f"Its core has {values.mean():.0f} HU, less than fat."
        return (*_refused(level, Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=detail)), *whole)
    uncertainty = _placement_uncertainty(crop, core)
    mean = _measurement(Quantity.CORE_MEAN_HU, float(values.mean()), level, uncertainty=uncertainty)
    return (mean, _measurement(Quantity.CORE_SD_HU, float(values.std()), level), *whole)


def _refused(level: VertebralLevel, reason: Reason) -> tuple[NotMeasurable, ...]:
    quantities = (Quantity.CORE_MEAN_HU, Quantity.CORE_SD_HU)
    return tuple(NotMeasurable(quantity=quantity, site=level, reason=reason) for quantity in quantities)


def _placement_uncertainty(crop: BodyCrop, core: NDArray[np.bool_]) -> float:
    """Standard deviation of the mean when the core is moved by `_PLACEMENT_MM` along each axis of the body, HU."""
    places = np.argwhere(core).astype(np.float64).T
    values = crop.hu.astype(np.float32)
    up, back = body_axes(crop)
    middle = float(crop.hu[core].mean())
    to_voxels = np.linalg.inv(crop.affine.matrix[:3, :3])
    variance = 0.0
    for axis in (up, back, np.cross(up, back)):
        step = (to_voxels @ (_PLACEMENT_MM * axis))[:, None]
        moved = [_mean_at(values, places + sign * step) for sign in (-1.0, 1.0)]
        variance += max(abs(mean - middle) for mean in moved) ** 2
    return math.sqrt(variance)


def _mean_at(values: NDArray[np.float32], places: Float64) -> float:
    return float(ndimage.map_coordinates(values, places, order=1, mode="nearest").mean())


def _measurement(
    quantity: Quantity, value: float, level: VertebralLevel, *, uncertainty: float | None = None
) -> Measurement:
    return Measurement(
        quantity=quantity,
        value=value,
        unit=UNIT_OF[quantity],
        site=level,
        method=METHOD,
        standard_uncertainty=uncertainty,
    )
