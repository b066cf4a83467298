"""What a report says of corrections, and of what could not be checked."""

from __future__ import annotations

from models.contrast import Contrast
from models.correction import as_at_120_kv
from node.domain.acquisition import Acquisition
from node.domain.contrast import ContrastPhase


def told_of_contrast(contrast: Contrast, acquisition: Acquisition, *, density: bool, looked: bool) -> str | None:
    """What was corrected for contrast agent, what blood says against the headers, or that it says nothing.

    Parameters
    ----------
    density
        Whether densities are given at all.
    looked
        Whether blood was looked for.
    """
    blood = "" if contrast.blood_hu is None else f"Blood in the aorta has {contrast.blood_hu:.0f} HU."
    if contrast.phase is ContrastPhase.VENOUS:
        shift = contrast.correction
        return (
            f"{blood} Bone is taken to be brighter by {-shift.shift_hu:.0f} HU for contrast agent, with a standard "
            f"uncertainty of {shift.shift_sd_hu:.0f} HU: {_corrected(density=density)}"
        )
    if contrast.phase is not ContrastPhase.NATIVE:
        return None
    if not blood and looked:
        return f"{contrast.told} No blood in the aorta was found to check that: contrast agent would raise bone."
    if blood and acquisition.contrast_agent is not False:
        return f"{contrast.told} {blood} That is blood without contrast agent."
    return None


def told_of_voltage(kvp: float | None, *, density: bool, band: bool) -> str | None:
    """What was corrected for the tube voltage, kV; `None` where nothing was.

    Parameters
    ----------
    density, band
        Which of them were.
    """
    if kvp is None or not (density or band):
        return None
    voltage = as_at_120_kv(kvp)
    return (
        f"Bone is taken to be {1.0 / voltage.scale:.2f} times as bright at {kvp:g} kV as at 120 kV, with a standard "
        f"uncertainty of {100.0 * voltage.scale_sd:.0f} %: {_corrected(density=density, band=band)}"
    )


def told_of_scale(unseen_offset_sd_hu: float) -> str | None:
    """That nobody could see an offset of CT numbers, HU; `None` where it could be seen."""
    if not unseen_offset_sd_hu:
        return None
    return (
        "No air was found beside the patient to check the scale of CT numbers by: "
        f"densities are told less surely, by a standard uncertainty of {unseen_offset_sd_hu:.0f} HU."
    )


def _corrected(*, density: bool, band: bool = True) -> str:
    """What is corrected and what is not, as the end of a sentence."""
    what = " and ".join(name for name, told in (("densities", density), ("the band", band)) if told)
    return f"{what} {'are' if density else 'is'} corrected for it, CT numbers are told as they are."
