"""From crops of vertebral bodies to what the classifier says, or why it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from models.crops import BodyCrop, SpineCrops
from models.screening.bundle import ScreeningBundle
from models.screening.case import BodyImage, References, ScreeningCase
from models.screening.image import body_image
from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise, ReferenceTissue, TissueReferences

#: Nothing speaks against any vertebra.
ALL_SOUND: Mapping[VertebralLevel, Reason] = MappingProxyType({})


def references_of(tissues: TissueReferences | None, *, kvp: float | None, slice_mm: float | None) -> References:
    """What the classifier is told of a scan, by what was read around its spine and what its headers say.

    Parameters
    ----------
    tissues
        `None` where nobody looked for them.
    kvp
        Tube voltage, kV.
    slice_mm
        Distance between slices, mm.
    """
    if tissues is None:
        return References(kvp=kvp, slice_mm=slice_mm)
    blood, muscle, fat = (
        None if (reading := tissues.reading(tissue)) is None else reading.mean_hu
        for tissue in (ReferenceTissue.BLOOD, ReferenceTissue.MUSCLE, ReferenceTissue.FAT)
    )
    return References(
        kvp=kvp,
        slice_mm=slice_mm,
        noise_hu=tissues.noise.sd_hu if isinstance(tissues.noise, ImageNoise) else None,
        blood_hu=blood,
        muscle_hu=muscle,
        fat_hu=fat,
    )


def screening_case(
    spine: SpineCrops, *, kvp: float | None, unsound: Mapping[VertebralLevel, Reason] = ALL_SOUND
) -> ScreeningCase | Reason:
    """What the classifier sees of a scan, or why it must not: L1 cannot be measured.

    Parameters
    ----------
    kvp
        Tube voltage, kV.
    unsound
        Why vertebrae that were found are not to be shown to it: fractured, with metal or with a lesion.
    """
    l1 = _sound_image(spine, VertebralLevel.L1, unsound)
    if isinstance(l1, Reason):
        return l1
    l2 = _sound_image(spine, VertebralLevel.L2, unsound)
    references = references_of(spine.references, kvp=kvp, slice_mm=spine.crops[0].affine.spacing_mm[0])
    return ScreeningCase(l1=l1, l2=None if isinstance(l2, Reason) else l2, references=references)


def classify(
    bundle: ScreeningBundle,
    spine: SpineCrops,
    unsound: Mapping[VertebralLevel, Reason] = ALL_SOUND,
    *,
    kvp: float | None,
) -> ClassifierAnswer | Reason:
    """Model 1 where L1 and L2 are sound, model 2 where only L1 is, and the reason where neither may answer."""
    case = screening_case(spine, kvp=kvp, unsound=unsound)
    return case if isinstance(case, Reason) else classify_case(bundle, case)


def classify_case(bundle: ScreeningBundle, case: ScreeningCase) -> ClassifierAnswer | Reason:
    """The answer to a case, or that the network gave numbers that are none."""
    method = ClassifierMethod.L1 if case.l2 is None else ClassifierMethod.L1_L2
    logits = bundle.logits([case])[method][0].to(torch.float64)
    probabilities = bundle.probabilities(logits, method)
    if not (logits.isfinite().all() and probabilities.isfinite().all()):
        told = ", ".join(f"{value:.3g}" for value in logits.tolist())
        return Reason(code=ReasonCode.CLASSIFIER_FAILED, detail=f"Its outputs were {told}.")
    normal, osteopenia, osteoporosis = (probabilities / probabilities.sum()).tolist()
    return ClassifierAnswer(
        probabilities=(normal, osteopenia, osteoporosis),
        method=method,
        model=bundle.card.identity,
        calibrated=bundle.card.temperature(method) is not None,
        learned_from=bundle.card.training.data,
    )


def _sound_image(
    spine: SpineCrops, level: VertebralLevel, unsound: Mapping[VertebralLevel, Reason]
) -> BodyImage | Reason:
    crop = next((each for each in spine.crops if each.vertebra.level is level), None)
    if crop is None:
        uncertain = any(each.vertebra.level is None for each in spine.crops)
        code = ReasonCode.LEVEL_UNCERTAIN if uncertain else ReasonCode.LEVEL_NOT_COVERED
        return Reason(code=code, detail=f"The classifier needs {level}.")
    if crop.vertebra.reasons:
        return crop.vertebra.reasons[0]
    return unsound[level] if level in unsound else _image(crop, level)


def _image(crop: BodyCrop, level: VertebralLevel) -> BodyImage | Reason:
    try:
        return body_image(crop)
    except ValueError:
        return Reason(code=ReasonCode.ROI_TOO_SMALL, detail=f"{level} is too small to be shown to the classifier.")
