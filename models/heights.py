"""Height of a vertebral body in front, in the middle and behind, between its endplates as the image shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.crops import BodyCrop
from models.endplates import Side, find_endplate
from models.sagittal import Float64, mask_profile
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode

#: Name and version of this procedure; change the version with any number below or in `models/endplates.py`.
METHOD = "mid-sagittal-heights-2"

QUANTITIES = (Quantity.ANTERIOR_HEIGHT, Quantity.MIDDLE_HEIGHT, Quantity.POSTERIOR_HEIGHT)

#: Slices that are thicker tell too little of where an endplate lies, mm; headers round.
THICKEST_MM = 3.0
_ROUNDED_MM = 0.01

#: Distance of the front and the rear height from the edges of the body, mm: the edge itself has no height.
_EDGE_INSET_MM = 2.0

#: Standard uncertainty of a height over the thickness of slices, where the image shows both endplates: root mean square
#: errors on 361 bodies of synthetic chest CT, masks by the networks, were 0.2 to 0.4 mm at 1 mm, 0.6 to 0.7 at 2 mm,
#: 0.9 to 1.3 at 3 mm.
_SHARE_SHOWN = 0.4

#: The same where a mask has to do: 0.5 to 0.7 mm at 1 mm, 0.9 to 1.6 at 2 mm, 1.5 to 1.9 at 3 mm, mostly too large.
_SHARE_MASK = 0.7

#: No height is surer than this, mm, however thin the slices.
_LEAST_MM = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyHeights:
    """Heights along the body's own axis in its mid-sagittal plane, mm.

    The front and rear ones are taken 2 mm inside the edges of the body, the middle one half way between the edges.

    Parameters
    ----------
    uncertainty
        Standard uncertainty of the three, mm, from front to back.
    """

    anterior: float
    middle: float
    posterior: float
    uncertainty: tuple[float, float, float]


def height_measurements(found: BodyHeights | Reason, level: VertebralLevel) -> tuple[Measurement | NotMeasurable, ...]:
    """The three heights of a body as measurements of its level, or why they could not be taken."""
    if isinstance(found, Reason):
        return tuple(NotMeasurable(quantity=quantity, site=level, reason=found) for quantity in QUANTITIES)
    values = (found.anterior, found.middle, found.posterior)
    return tuple(
        Measurement(
            quantity=quantity, value=value, unit=Unit.MM, site=level, method=METHOD, standard_uncertainty=uncertainty
        )
        for quantity, value, uncertainty in zip(QUANTITIES, values, found.uncertainty, strict=True)
    )


def body_heights(crop: BodyCrop) -> BodyHeights | Reason:
    """The three heights of a body that is whole, or why they cannot be taken."""
    thickest = max(crop.affine.spacing_mm)
    if thickest > THICKEST_MM + _ROUNDED_MM:
        detail = f"Heights need slices of at most {THICKEST_MM:g} mm, these are {thickest:.2g} mm."
        return Reason(code=ReasonCode.SLICES_TOO_THICK, detail=detail)
    mask = mask_profile(crop)
    if isinstance(mask, Reason):
        return mask
    lower, upper = (find_endplate(crop, mask, side) for side in Side)
    front, rear = float(mask.backs[0]), float(mask.backs[-1])
    places = (front + _EDGE_INSET_MM, 0.5 * (front + rear), rear - _EDGE_INSET_MM)
    anterior, middle, posterior = np.interp(places, mask.backs, upper.surface - lower.surface).tolist()
    shown = np.interp(places, mask.backs, lower.shown & upper.shown) > 0.5
    uncertain: Float64 = np.maximum(np.where(shown, _SHARE_SHOWN, _SHARE_MASK) * thickest, _LEAST_MM)
    first, second, third = uncertain.tolist()
    return BodyHeights(anterior=anterior, middle=middle, posterior=posterior, uncertainty=(first, second, third))
