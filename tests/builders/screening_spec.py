"""A scan of the screening set that nothing is wrong with."""

from __future__ import annotations

from training.heldout.screening.spec import Fault, Phase, Reach, ScreeningSpec, Sharpness

#: Small, and so quick to draw.
SMALL = ScreeningSpec(
    number=3,
    fault=Fault.NONE,
    bmd_mg_cm3=110.0,
    reach=Reach.UPPER_ABDOMEN,
    kvp=120.0,
    phase=Phase.NATIVE,
    sharpness=Sharpness.SOFT,
    slice_mm=3.0,
    calibrated=True,
)
