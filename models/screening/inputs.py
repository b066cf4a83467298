"""Cases as the network takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from models.screening.case import SIDE, BodyImage, References, ScreeningCase

#: Kept around the body, mm: the cortex whole, also where the mask is drawn too tight.
KEPT_MM = 3

# CT numbers become -1 to about 2: marrow and cancellous bone fill the range, cortex and metal end at its top.
_LEAST_HU, _MOST_HU, _HU_PER_UNIT = -150.0, 450.0, 150.0

#: What lies outside the body, in the network's units: as dark as fatty marrow.
_OUTSIDE = -1.0

#: Where the values of references usually lie and how far they spread, in the order of `References`. Plausible choices:
#: they bring the inputs to about -2 to 2.
_USUAL = {
    "kvp": (120.0, 15.0),
    "slice_mm": (2.5, 1.5),
    "noise_hu": (20.0, 12.0),
    "blood_hu": (45.0, 40.0),
    "muscle_hu": (50.0, 20.0),
    "fat_hu": (-100.0, 15.0),
}
_MOST_SPREADS = 5.0

#: Numbers that the references of a case are: their values, and for each whether it is known.
REFERENCE_INPUTS = 2 * len(fields(References))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """Some cases as tensors.

    Parameters
    ----------
    hu
        CT numbers, float32, shape (case, level, plane, row, column), HU, not masked; levels are L1 and L2.
    body
        1 inside the body and 0 elsewhere, float32, same shape.
    has_l2
        Whether L2 is there, bool, shape (case,); where it is not, its image is empty.
    references
        float32, shape (case, `REFERENCE_INPUTS`).
    """

    hu: Tensor
    body: Tensor
    has_l2: Tensor
    references: Tensor

    def to(self, device: torch.device) -> Inputs:
        """The same on a device."""
        return Inputs(
            hu=self.hu.to(device),
            body=self.body.to(device),
            has_l2=self.has_l2.to(device),
            references=self.references.to(device),
        )


def inputs_of(cases: Sequence[ScreeningCase]) -> Inputs:
    """The tensors of some cases, on the CPU."""
    hu, body = [], []
    for case in cases:
        images = [_tensors(image) for image in (case.l1, case.l2)]
        hu.append(torch.stack([image for image, _ in images]))
        body.append(torch.stack([mask for _, mask in images]))
    return Inputs(
        hu=torch.stack(hu),
        body=torch.stack(body),
        has_l2=torch.tensor([case.l2 is not None for case in cases]),
        references=torch.stack([reference_vector(case.references) for case in cases]),
    )


def reference_vector(references: References) -> Tensor:
    """The references as `REFERENCE_INPUTS` numbers: what is not known is 0, which is usual, and flagged."""
    known, values = [], []
    for field, value in zip(fields(References), references.values, strict=True):
        usual, spread = _USUAL[field.name]
        scaled = 0.0 if value is None else (value - usual) / spread
        values.append(min(max(scaled, -_MOST_SPREADS), _MOST_SPREADS))
        known.append(0.0 if value is None else 1.0)
    return torch.tensor(values + known)


def channels(hu: Tensor, body: Tensor) -> Tensor:
    """The two channels of the network, shape (..., 2, row, column), of CT numbers in HU and masks, (..., row, column).

    Only what lies within `KEPT_MM` of the body is seen.
    """
    rows, columns = hu.shape[-2:]
    near = functional.max_pool2d(body.reshape(-1, 1, rows, columns), 2 * KEPT_MM + 1, stride=1, padding=KEPT_MM)
    kept = near.reshape(body.shape) > 0.5
    scaled = (hu.clamp(_LEAST_HU, _MOST_HU) - _HU_PER_UNIT) / _HU_PER_UNIT
    image = torch.where(kept, scaled, torch.full_like(scaled, _OUTSIDE))
    return torch.stack((image, body), dim=-3)


def _tensors(image: BodyImage | None) -> tuple[Tensor, Tensor]:
    if image is None:
        shape = (3, SIDE, SIDE)
        return torch.zeros(shape), torch.zeros(shape)
    return torch.from_numpy(image.hu).float(), torch.from_numpy(image.body).float()
