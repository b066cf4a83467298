"""The densities that a category rests on, or that are too few or too different for one."""

from __future__ import annotations

from collections.abc import Sequence

from models.next_level import LUMBAR, SCREENED, levels_of_category
from node.domain.bone_density import MeanDensity
from node.domain.finding import VertebraFinding
from node.domain.measurement import Measurement, Quantity
from node.domain.reasons import Reason, ReasonCode

#: Neighbours among the lumbar vertebrae of one person are not farther apart, mg/cm3 (a plausible choice).
MOST_APART_MG_CM3 = 30.0


def mean_density(vertebrae: Sequence[VertebraFinding]) -> MeanDensity | Reason | None:
    """Of the two that the category rests on, or why it would say nothing; `None` where there are no two."""
    levels = levels_of_category(vertebrae)
    known = [density for vertebra in vertebrae if vertebra.level in levels and (density := _density(vertebra))]
    if not known:
        return None
    values = [density.value for density in known]
    if max(values) - min(values) > MOST_APART_MG_CM3:
        told = " and ".join(f"{density.site} has {density.value:.0f} mg/cm3" for density in known)
        return Reason(code=ReasonCode.LEVELS_DISAGREE, detail=f"{told}; a fracture, a lesion or sclerosis may do that.")
    return _mean(known)


def density_alone(vertebrae: Sequence[VertebraFinding]) -> MeanDensity | None:
    """The density of L1 where no other lumbar vertebra has one; `None` where that is not so."""
    known = [density for vertebra in vertebrae if vertebra.level in LUMBAR and (density := _density(vertebra))]
    return _mean(known) if [density.site for density in known] == [SCREENED] else None


def _density(vertebra: VertebraFinding) -> Measurement | None:
    return vertebra.measurement(Quantity.BMD)


def _mean(known: Sequence[Measurement]) -> MeanDensity:
    uncertainties = [density.standard_uncertainty for density in known if density.standard_uncertainty is not None]
    methods = [density.calibration for density in known if density.calibration is not None]
    return MeanDensity(
        value=sum(density.value for density in known) / len(known),
        standard_uncertainty=sum(uncertainties) / len(uncertainties),
        calibration=methods[0],
        # all of one scan are calibrated alike
        calibration_name=known[0].calibration_name,
    )
