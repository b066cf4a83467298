"""The network of both models: one backbone for both vertebrae and all planes, and a head for each model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from monai.networks.nets import DenseNet121
from torch import Tensor, nn

from models.screening.case import PLANES
from models.screening.inputs import REFERENCE_INPUTS, Inputs, channels
from node.domain.bone_category import BoneCategory

#: Name in cards: another network needs another one.
ARCHITECTURE = "monai-densenet121-2d-planes-fused"

# Features that the backbone gives, what is kept of them for each vertebra, and of the references. Plausible choices.
_FEATURES, _KEPT, _OF_REFERENCES = 1024, 64, 16
_DROPPED = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """What the network says of some cases.

    Parameters
    ----------
    fused, alone
        Logits of model 1 (L1 and L2) and of model 2 (L1), shape (case, category). Those of model 1 mean nothing where
        there is no L2.
    density
        What both heads think of the density, shape (case, 2), in the units of `training`: learned beside the
        categories, told nobody.
    """

    fused: Tensor
    alone: Tensor
    density: Tensor


class ScreeningNetwork(nn.Module):
    """DenseNet-121 on the middle planes; their features are averaged, and fused with those of the other vertebra."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = DenseNet121(spatial_dims=2, in_channels=2, out_channels=1).features
        self.kept = nn.Sequential(nn.Dropout(_DROPPED), nn.Linear(_FEATURES, _KEPT), nn.ReLU())
        self.scanned = nn.Sequential(nn.Linear(REFERENCE_INPUTS, _OF_REFERENCES), nn.ReLU())
        answers = len(BoneCategory) + 1
        self.fused_head = _head(2 * _KEPT + _OF_REFERENCES, answers)
        self.alone_head = _head(_KEPT + _OF_REFERENCES, answers)

    def forward(self, inputs: Inputs) -> Outputs:
        """Logits of both models."""
        cases = inputs.hu.shape[0]
        there = torch.stack((torch.ones_like(inputs.has_l2), inputs.has_l2), dim=1)
        kept = self._kept(channels(inputs.hu[there], inputs.body[there]))
        bodies = kept.new_zeros((cases, 2, _KEPT))
        bodies[there] = kept
        scanned = self.scanned(inputs.references)
        fused = self.fused_head(torch.cat((bodies.flatten(1), scanned), dim=1)).float()
        alone = self.alone_head(torch.cat((bodies[:, 0], scanned), dim=1)).float()
        return Outputs(
            fused=fused[:, :-1], alone=alone[:, :-1], density=torch.stack((fused[:, -1], alone[:, -1]), dim=1)
        )

    def _kept(self, images: Tensor) -> Tensor:
        """Features, shape (vertebra, feature), of images, shape (vertebra, plane, channel, row, column)."""
        planes = images.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features = torch.relu(self.backbone(planes)).mean((2, 3))
        kept: Tensor = self.kept(features.reshape(-1, len(PLANES), _FEATURES).mean(1))
        return kept


def build_network() -> ScreeningNetwork:
    """An untrained network; its kernels lie channels-last, which a processor takes two thirds of the time for."""
    network = ScreeningNetwork()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _head(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, _KEPT), nn.ReLU(), nn.Linear(_KEPT, outputs))
