"""What a step makes small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.screening.network import Outputs
from node.domain.bone_category import BoneCategory
from training.cohort.manifest import Scan

#: Densities as the network learns them: about -2 to 2 over what occurs, mg/cm3.
_USUAL_MG_CM3, _SPREAD_MG_CM3 = 100.0, 40.0

#: How much the density counts beside the categories. It says how near to a limit a bone is, which the category does
#: not: with few scans that teaches more. A plausible choice.
DENSITY_WEIGHT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What is true of some cases.

    Parameters
    ----------
    classes
        Place of the category in `BoneCategory`, int64, shape (case,).
    density
        Of quantitative CT, in the network's units, float32, shape (case,); NaN where nobody measured it.
    """

    classes: Tensor
    density: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Losses:
    """Mean cross-entropy of model 1, of the cases that have L2, and of model 2; and the error of the density."""

    fused: Tensor
    alone: Tensor
    density: Tensor

    @property
    def categories(self) -> Tensor:
        """Both models alike: what early stopping looks at."""
        return self.fused + self.alone

    @property
    def whole(self) -> Tensor:
        """What a step makes small."""
        return self.categories + DENSITY_WEIGHT * self.density


def truth_of(scans: Sequence[Scan]) -> Truth:
    """What the manifest says of some scans."""
    order = list(BoneCategory)
    known = [float("nan") if scan.qct_mg_cm3 is None else scan.qct_mg_cm3 for scan in scans]
    return Truth(
        classes=torch.tensor([order.index(scan.category) for scan in scans]),
        density=(torch.tensor(known) - _USUAL_MG_CM3) / _SPREAD_MG_CM3,
    )


def losses(outputs: Outputs, has_l2: Tensor, truth: Truth) -> Losses:
    """How far the network is from the truth.

    Categories are not weighted by how rare they are: that would bend the probabilities, and areas under curves do not
    need it.
    """
    known = torch.isfinite(truth.density)
    fused, alone = outputs.density.unbind(1)
    off = [
        _mean(functional.smooth_l1_loss(told[there], truth.density[there], reduction="none"))
        for told, there in ((fused, known & has_l2), (alone, known))
    ]
    return Losses(
        fused=_mean(functional.cross_entropy(outputs.fused[has_l2], truth.classes[has_l2], reduction="none")),
        alone=_mean(functional.cross_entropy(outputs.alone, truth.classes, reduction="none")),
        density=off[0] + off[1],
    )


def _mean(values: Tensor) -> Tensor:
    """The mean, 0 of nothing."""
    return values.sum() / max(1, values.numel())
