"""Readings of tissues as a part of `result.json`."""

from __future__ import annotations

from node.domain.reasons import Reason
from node.domain.reference_tissues import ImageNoise, TissueReading, TissueReferences
from node.encode.result_document import NoisePart, ReasonPart, ReferencesPart, TissuePart


def references_part(references: TissueReferences) -> ReferencesPart:
    """All readings of a scan; what was not found has its reason."""
    return ReferencesPart(
        air=_tissue(references.air),
        fat=_tissue(references.fat),
        muscle=_tissue(references.muscle),
        blood=_tissue(references.blood),
        noise=_noise(references.noise),
    )


def reason_part(reason: Reason) -> ReasonPart:
    """A reason with its sentence."""
    return ReasonPart(code=reason.code, text=reason.text)


def _tissue(found: TissueReading | Reason) -> TissuePart:
    if isinstance(found, Reason):
        return TissuePart(reason=reason_part(found))
    return TissuePart(
        mean_hu=round(found.mean_hu, 1), sd_hu=round(found.sd_hu, 1), volume_mm3=round(found.volume_mm3, 0)
    )


def _noise(found: ImageNoise | Reason) -> NoisePart:
    if isinstance(found, Reason):
        return NoisePart(reason=reason_part(found))
    return NoisePart(sd_hu=round(found.sd_hu, 1), frequency_per_mm=round(found.frequency_per_mm, 3))
