"""What the classifier said of each scan, beside the truth, and what a reader's circle in the scan would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.screening.bundle import ScreeningBundle
from models.screening.case import PIXEL_MM, PLANES, BodyImage
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from training.cohort.manifest import Scan
from training.screening_fit.casebook import KnownCase

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

#: The plain measurement is taken so far inside the body, mm, and in front of its rearmost third: readers draw their
#: circle clear of cortex and of the vein.
_INSIDE_MM, _FRONT_SHARE = 4.0, 2.0 / 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One scan.

    Parameters
    ----------
    fused, alone
        What model 1 and model 2 say of the categories; `fused` is `None` where the scan has no sound L2.
    plain_hu
        Mean CT number of a region in the axial plane of L1, HU.
    plain_both_hu
        Mean of those of L1 and of L2, HU; `None` where the scan has no sound L2.
    """

    scan: Scan
    fused: tuple[float, ...] | None
    alone: tuple[float, ...]
    plain_hu: float
    plain_both_hu: float | None

    def __post_init__(self) -> None:
        if (self.fused is None) != (self.plain_both_hu is None):
            raise ValueError("a scan has a sound L2 for model 1 and for the CT number, or for neither")

    def told(self, method: ClassifierMethod) -> tuple[float, ...] | None:
        """What one of the models says."""
        return self.fused if method is ClassifierMethod.L1_L2 else self.alone


def judge_cases(bundle: ScreeningBundle, cases: Sequence[KnownCase]) -> tuple[Judged, ...]:
    """The answers of both models to all cases, in their order."""
    logits = bundle.logits([known.case for known in cases])
    fused, alone = (
        bundle.probabilities(logits[method], method).double().numpy()
        for method in (ClassifierMethod.L1_L2, ClassifierMethod.L1)
    )
    return tuple(
        Judged(
            scan=known.scan,
            fused=None if known.case.l2 is None else _normalised(fused[place]),
            alone=_normalised(alone[place]),
            plain_hu=plain_hu(known.case.l1),
            plain_both_hu=None if known.case.l2 is None else _both_hu(known.case.l1, known.case.l2),
        )
        for place, known in enumerate(cases)
    )


def plain_hu(image: BodyImage) -> float:
    """Mean CT number in the axial plane, clear of cortex and vein, HU; of the whole body where nothing is left."""
    axial = PLANES.index("axial")
    body = image.body[axial]
    deep = ndimage.distance_transform_edt(np.pad(body, 1), sampling=PIXEL_MM)[1:-1, 1:-1] > _INSIDE_MM
    rows = np.flatnonzero(body.any(1))
    deep[int(rows[0] + _FRONT_SHARE * (rows[-1] - rows[0] + 1)) :] = False
    return float(image.hu[axial][deep if deep.any() else body].mean())


def _both_hu(l1: BodyImage, l2: BodyImage) -> float:
    return (plain_hu(l1) + plain_hu(l2)) / 2.0


def classes_of(judged: Sequence[Judged]) -> Int64:
    """Places of the true categories in `BoneCategory`, shape (case,)."""
    order = list(BoneCategory)
    return np.array([order.index(each.scan.category) for each in judged], dtype=np.int64)


def probabilities_of(judged: Sequence[Judged], method: ClassifierMethod) -> Float64:
    """What one model says, shape (case, category).

    Raises
    ------
    ValueError
        Where it says nothing of one of them.
    """
    rows = [each.told(method) for each in judged]
    if any(row is None for row in rows):
        raise ValueError(f"{method} does not answer to every case")
    return np.array(rows, dtype=np.float64).reshape(-1, len(BoneCategory))


def patients_of(judged: Sequence[Judged]) -> tuple[str, ...]:
    """Whose scans they are."""
    return tuple(each.scan.patient for each in judged)


def _normalised(row: Float64) -> tuple[float, ...]:
    """Single precision leaves sums a little off 1."""
    return tuple((row / row.sum()).tolist())
