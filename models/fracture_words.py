"""What a report says of fractures: where they were looked for, and where they could not be told."""

from __future__ import annotations

from collections.abc import Sequence

from models.heights import THICK_MM
from node.domain.finding import VertebraFinding
from node.domain.height_loss import MILD_FROM_PERCENT, GenantGrade
from node.domain.measurement import Quantity
from node.domain.whole_numbers import whole

LOOKED_FOR = (
    "Fractures, metal, cement and focal lesions are looked for by rules that were tried on synthetic scans; "
    "what they miss changes the number."
)
FRACTURES_NOT_LOOKED_FOR = (
    "Fractures were not looked for: no heights could be measured, and a fractured vertebra reads too dense. "
    "Metal, cement and focal lesions are looked for by rules that were tried on synthetic scans."
)
THICK_SLICES = (
    f"Slices of more than {THICK_MM:.0f} mm hide fractures: most that take less than 40 % of the height are missed, "
    "and some that take more. A fractured vertebra reads too dense."
)


def told_of_fractures(vertebrae: Sequence[VertebraFinding]) -> tuple[str, ...]:
    """Whether fractures were looked for, how well, and in which of the measured vertebrae they were not."""
    losses = [vertebra.height_loss for vertebra in vertebrae if vertebra.height_loss is not None]
    if not losses:
        return (FRACTURES_NOT_LOOKED_FOR,)
    passed_over = [
        str(vertebra.level)
        for vertebra in vertebrae
        if vertebra.height_loss is None and vertebra.value(Quantity.CORE_MEAN_HU) is not None
    ]
    not_measured = f"In {', '.join(passed_over)} no heights could be measured to look for fractures by."
    return (
        *(_open(vertebra) for vertebra in vertebrae if vertebra.height_loss and vertebra.height_loss.is_open),
        *((THICK_SLICES,) if any(loss.fractured_from > MILD_FROM_PERCENT for loss in losses) else ()),
        *((not_measured,) if passed_over else ()),
        LOOKED_FOR,
    )


def _open(vertebra: VertebraFinding) -> str:
    loss = vertebra.height_loss
    if loss is None:
        return ""
    return (
        f"{vertebra.level} may be fractured: it seems to have lost {whole(loss.percent, GenantGrade.of)} % of its "
        f"height, with a standard uncertainty of {loss.standard_uncertainty:.0f}, and in slices as thick healthy "
        "vertebrae seem to as well."
    )
