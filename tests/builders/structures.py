"""A spine as whole-body networks say it: whole vertebrae, ribs and sacrum with their names.

Its image gives every structure a CT number of its own, so that a network of a few lines can read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.resample import to_network_grid
from models.scan import PreparedScan
from models.tissues import BODY_TISSUES, Tissue
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.volume import Volume
from tests.builders.spine_classes import SPACING_MM, Built, Scene, build

SACRUM, S1, FIRST_VERTEBRA, FIRST_RIB = 25, 26, 27, 60
_SIDES = ["left"] * 13 + ["right"] * 13

#: Names of the values, in the manner of TotalSegmentator; it knows more, which no one asks for.
NAMES: dict[int, str] = {
    5: "liver",
    SACRUM: "sacrum",
    S1: "vertebrae_S1",
    **{FIRST_VERTEBRA + number: f"vertebrae_{level}" for number, level in enumerate(VertebralLevel)},
    **{FIRST_RIB + number: f"rib_{side}_{1 + number % 13}" for number, side in enumerate(_SIDES)},
}

_HU_A_VALUE = 10.0
_FRAME = Uid("1.2.826.0.1.3680043.8.498.8")


@dataclass(frozen=True, kw_only=True)
class Structures:
    """The truth of a scene: its tissues, its structures (k, j, i) on 1.5 mm, and the scan that shows them."""

    built: Built
    labels: NDArray[np.int32]
    scan: PreparedScan


def structures(scene: Scene) -> Structures:
    """The structures of a scene."""
    built = build(scene)
    labels = np.zeros(built.tissue.shape, dtype=np.int32)
    heights = np.arange(built.tissue.shape[0]) * SPACING_MM[0]
    levels = list(built.centres_lps_mm)
    centres = np.array([built.centres_lps_mm[level][2] for level in levels])
    order = list(VertebralLevel)
    for k, height in enumerate(heights):
        level = levels[int(np.abs(centres - height).argmin())]
        plane, own = built.tissue[k], labels[k]
        vertebra = np.isin(plane, [*BODY_TISSUES, Tissue.POSTERIOR_ELEMENTS])
        own[vertebra] = FIRST_VERTEBRA + order.index(level)
        own[plane == Tissue.S1_BODY] = S1
        own[plane == Tissue.SACRUM_OR_HIP] = SACRUM
        left = np.arange(plane.shape[1]) > plane.shape[1] / 2.0
        for side, first in ((left, FIRST_RIB), (~left, FIRST_RIB + 13)):
            own[(plane == Tissue.RIB) & side] = first + min(order.index(level), 12)
    fine = labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    step = 0.5 * SPACING_MM[0]
    corner = built.affine.to_lps(np.full(3, -0.25))
    affine = Affine.from_spacing((step, step, step), (float(corner[0]), float(corner[1]), float(corner[2])))
    volume = Volume(hu=(fine * _HU_A_VALUE).astype(np.float32), affine=affine, frame_of_reference=_FRAME)
    scan = PreparedScan(volume=volume, grid=to_network_grid(volume, SPACING_MM))
    return Structures(built=built, labels=fine, scan=scan)


def emptied(scan: PreparedScan) -> PreparedScan:
    """The same scan with nothing in it."""
    volume, grid = (
        Volume(hu=np.zeros_like(each.hu), affine=each.affine, frame_of_reference=each.frame_of_reference)
        for each in (scan.volume, scan.grid)
    )
    return PreparedScan(volume=volume, grid=grid)


def read(hu: NDArray[np.float32]) -> NDArray[np.int32]:
    """The values that an image shows."""
    return np.rint(hu / _HU_A_VALUE).astype(np.int32)


class StructureNetwork(nn.Module):
    """Logits that favour the channel whose CT number is nearest, of images that were divided by 1,000."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.arange(channels) * _HU_A_VALUE / 1000.0)

    def forward(self, image: Tensor) -> Tensor:
        """Image (n, 1, i, j, k) to logits (n, channels, i, j, k)."""
        return -1000.0 * (image - self.codes.view(1, -1, 1, 1, 1)).abs()
