"""Readings of tissues as a scan at 120 kV gives them, and others."""

from __future__ import annotations

from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise, TissueReading, TissueReferences

NOT_FOUND = Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail="It was not there.")


def reading(hu: float) -> TissueReading:
    """A reading of a large region."""
    return TissueReading(mean_hu=hu, sd_hu=5.0, volume_mm3=20_000.0)


def tissues(
    *,
    air: float | None = -1000.0,
    fat: float | None = -102.0,
    muscle: float | None = 50.0,
    blood: float | None = 42.0,
    noise: ImageNoise | None = None,
) -> TissueReferences:
    """Readings in HU; `None` for what was not found."""
    found = (NOT_FOUND if hu is None else reading(hu) for hu in (air, fat, muscle, blood))
    read_air, read_fat, read_muscle, read_blood = found
    return TissueReferences(
        air=read_air, fat=read_fat, muscle=read_muscle, blood=read_blood, noise=NOT_FOUND if noise is None else noise
    )
