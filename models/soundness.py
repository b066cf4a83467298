"""Whether a vertebra is sound enough to be measured for its bone: not fractured, and nothing foreign or focal in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.core import trabecular_core
from models.crops import BodyCrop
from models.deformity import MeasuredBody, height_loss
from models.heights import THICK_MM, BodyHeights, body_heights
from models.inclusions import find_inclusion, find_metal
from models.lesion import find_lesion
from models.parallel import for_each
from node.domain.height_loss import MILD_FROM_PERCENT, GenantGrade, HeightLoss
from node.domain.reasons import Reason, ReasonCode
from node.domain.whole_numbers import whole

#: What a vertebra without a name is looked at for as well; what it has lost of its height needs its level.
UNSOUND = frozenset({ReasonCode.METAL, ReasonCode.DENSE_MATERIAL, ReasonCode.FOCAL_LESION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundness:
    """What speaks against measuring the bone of a vertebra, and its heights.

    Parameters
    ----------
    heights
        Or why they could not be taken.
    loss
        Of height; `None` where it is not known.
    reasons
        Empty where the vertebra is sound as far as was looked.
    """

    heights: BodyHeights | Reason
    loss: HeightLoss | None = None
    reasons: tuple[Reason, ...] = ()


def judge_soundness(crops: Sequence[BodyCrop]) -> tuple[Soundness, ...]:
    """The soundness of every vertebra of a scan, in the order of the crops.

    Those that are cut or do not look like bodies say why, and are looked at for metal alone; those without a name have
    heights, which tell what to expect of their neighbours, and no loss.
    """
    seen = list(for_each(_looked_at, crops))
    chain = {
        place: MeasuredBody(level=crop.vertebra.level, place=place, heights=found.heights)
        for place, (crop, found) in enumerate(zip(crops, seen, strict=True))
        if isinstance(found.heights, BodyHeights)
    }
    losses = {place: height_loss(body, tuple(chain.values())) for place, body in chain.items()}
    return tuple(_with_loss(found, losses.get(place)) for place, found in enumerate(seen))


def _looked_at(crop: BodyCrop) -> Soundness:
    against = [reason for reason in crop.vertebra.reasons if reason.code is not ReasonCode.LEVEL_UNCERTAIN]
    if against:
        metal = find_metal(crop)
        return Soundness(heights=against[0], reasons=() if metal is None else (metal,))
    core = trabecular_core(crop)
    inclusion = find_inclusion(crop, core)
    if inclusion is not None and inclusion.code is ReasonCode.METAL:
        # streaks hide where endplates are
        return Soundness(heights=inclusion, reasons=(inclusion,))
    lesion = None if inclusion is not None else find_lesion(crop, core)
    reasons = tuple(reason for reason in (inclusion, lesion) if reason is not None)
    return Soundness(heights=body_heights(crop), reasons=reasons)


def _with_loss(found: Soundness, loss: HeightLoss | None) -> Soundness:
    if loss is None:
        return found
    fracture = _fracture(loss) if loss.is_fracture else None
    reasons = found.reasons if fracture is None else (fracture, *found.reasons)
    return Soundness(heights=found.heights, loss=loss, reasons=reasons)


def _why_so_high(loss: HeightLoss) -> str:
    return "" if loss.fractured_from == MILD_FROM_PERCENT else f" in slices of more than {THICK_MM:.0f} mm"


def _fracture(loss: HeightLoss) -> Reason:
    detail = (
        f"It has lost {whole(loss.percent, GenantGrade.of)} % of its height ({loss.deformity}, standard uncertainty "
        f"{loss.standard_uncertainty:.0f}), and {loss.fractured_from:.0f} % is the limit{_why_so_high(loss)}."
    )
    return Reason(code=ReasonCode.FRACTURED, detail=detail)
