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
METHOD = "mid-sagittal-heights-3"

QUANTITIES = (Quantity.ANTERIOR_HEIGHT, Quantity.MIDDLE_HEIGHT, Quantity.POSTERIOR_HEIGHT)

#: Slices that are thicker tell too little of where an endplate lies, mm; headers round.
THICKEST_MM = 5.0
_ROUNDED_MM = 0.01

#: Slices above this are thick, mm: errors grow faster than they do, and a fracture must be a large one to be told.
THICK_MM = 3.0

#: Distance of the front and the rear height from the edges of the body, mm: the edge itself has no height.
_EDGE_INSET_MM = 2.0

#: A body that is lower, mm, is none: vertebra plana keeps as much.
_LEAST_HEIGHT_MM = 3.0

#: Standard uncertainty of a height over the thickness of slices, where the image shows both endplates: root mean square
#: errors on 441 bodies of synthetic chest CT, masks by the networks, were 0.2 to 0.4 mm at 1 mm, 0.6 to 0.7 at 2 mm,
#: 0.9 to 1.2 at 3 mm.
_SHARE_SHOWN = 0.4

#: The same where a mask has to do: 0.5 to 0.7 mm at 1 mm, 0.9 to 1.6 at 2 mm, 1.5 to 1.9 at 3 mm, mostly too large.
_SHARE_MASK = 0.7

#: The same for thick slices, on 530 bodies of the second family at 4 and 5 mm, 113 of them fractured: the intervals
#: that these give held 95 % of all heights, 99 % of those of whole bodies and 78 % of those of fractured ones, whose
#: masks reach into the discs.
_THICK_SHARE_SHOWN, _THICK_SHARE_MASK = 0.5, 0.8

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
    thick
        Whether they are by thick slices.
    """

    anterior: float
    middle: float
    posterior: float
    uncertainty: tuple[float, float, float]
    thick: bool = False


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
    thick = thickest > THICK_MM + _ROUNDED_MM
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
    lowest = min(anterior, middle, posterior)
    if lowest < _LEAST_HEIGHT_MM:
        detail = f"The endplates seem to be {lowest:.0f} mm apart."
        return Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=detail)
    shown = np.interp(places, mask.backs, lower.shown & upper.shown) > 0.5
    shares = (_THICK_SHARE_SHOWN, _THICK_SHARE_MASK) if thick else (_SHARE_SHOWN, _SHARE_MASK)
    uncertain: Float64 = np.maximum(np.where(shown, *shares) * thickest, _LEAST_MM)
    first, second, third = uncertain.tolist()
    return BodyHeights(
        anterior=anterior, middle=middle, posterior=posterior, uncertainty=(first, second, third), thick=thick
    )
