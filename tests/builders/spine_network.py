"""A network that needs no training: it reads the class of a voxel from the CT number that the scene painted there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from models.backends.own import OwnNetwork
from models.bundle import Bundle
from models.card import ModelCard, Training
from models.levels.plausible import PLAUSIBLE
from models.levels.rule import LevelRule
from models.network import Architecture, normalise
from models.own_ribs import WINDOW as OWN_RIBS_WINDOW
from models.spine import SpineModel
from models.tissues import Tissue
from node.domain.identifiers import Uid
from node.domain.provenance import IntendedUse
from node.domain.volume import Volume
from tests.builders.spine_classes import Built

FRAME = Uid("1.2.826.0.1.3680043.8.498.7")

#: HU of each tissue, in the order of `Tissue`, 60 apart: soft tissue, and bone that is dense enough to be told apart.
PAINTED_HU = (0.0, 60.0, 120.0, 180.0, 240.0, 300.0, 360.0, -60.0, -120.0)
_AIR_HU = -1000.0
_SHARPNESS = 60.0
_TRUST = 5.0


#: Names as networks get them whose errors nobody has counted.
A_RULE = LevelRule(model=PLAUSIBLE, asked=0.99)


class PaintedNetwork(nn.Module):
    """Logits that favour the class whose painted CT number is nearest; what is far below all is background."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", normalise(torch.tensor(PAINTED_HU)))

    def forward(self, image: Tensor) -> Tensor:
        """Image (n, 1, k, j, i) to logits (n, classes, k, j, i)."""
        codes = self.codes.view(1, -1, 1, 1, 1)
        logits = -_SHARPNESS * (image - codes).abs()
        logits[:, 0] = torch.where(image[:, 0] < codes.min() - 0.1, torch.tensor(100.0), logits[:, 0])
        return logits


class TrustingNetwork(nn.Module):
    """Sees a body where it is pointed at."""

    def forward(self, image: Tensor) -> Tensor:
        """Image and pointer (n, 2, k, j, i) to logits (n, 2, k, j, i)."""
        return torch.stack((-_TRUST * image[:, 1], _TRUST * image[:, 1]), dim=1)


class BlindNetwork(nn.Module):
    """Sees nothing of what it is pointed at."""

    def forward(self, image: Tensor) -> Tensor:
        """Image and pointer (n, 2, k, j, i) to logits (n, 2, k, j, i)."""
        return torch.stack((torch.zeros_like(image[:, 1]), torch.full_like(image[:, 1], -100.0)), dim=1)


class PaintedRibsNetwork(nn.Module):
    """Sees what is painted as ribs beside the upper half of the body in the middle, and so its own ribs alone."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", normalise(torch.tensor(PAINTED_HU)))
        self.beside = torch.zeros(OWN_RIBS_WINDOW.shape, dtype=torch.bool)
        # to 15 mm above the middle, and 40 mm to both sides of it
        self.beside[32:42, :, 13:67] = True

    def forward(self, image: Tensor) -> Tensor:
        """Image and pointer (n, 2, k, j, i) to logits (n, 2, k, j, i)."""
        painted = (image[:, :1] - self.codes.view(1, -1, 1, 1, 1)).abs().argmin(1)
        seen = torch.where((painted == Tissue.RIB) & self.beside, 100.0, -100.0)
        return torch.stack((-seen, seen), dim=1)


def network_card(name: str, task: str, architecture: Architecture = Architecture.UNET_32_160) -> ModelCard:
    """The card of a network that was not trained."""
    return ModelCard(
        name=name,
        version="0",
        task=task,
        architecture=architecture,
        spacing_mm=(3.0, 3.0, 3.0) if architecture.outputs is Tissue else (1.0, 1.0, 1.0),
        classes=tuple(architecture.outputs),
        thresholds=(),
        training=Training(data="none", command="none", steps=0),
        metrics=(),
        licence="the project's",
        intended_use=IntendedUse.RESEARCH,
        weights_sha256="0" * 64,
    )


def painted_bundle() -> Bundle:
    """The network that reads painted classes, on the CPU."""
    card = network_card("painted", "read classes from painted CT numbers")
    return Bundle(card=card, network=PaintedNetwork().eval(), device=torch.device("cpu"))


def painted_ribs() -> Bundle:
    """The network that reads painted ribs, on the CPU."""
    card = replace(network_card("ribs", "read painted ribs", Architecture.UNET_24_96_RIBS), spacing_mm=(1.5, 1.5, 1.5))
    return Bundle(card=card, network=PaintedRibsNetwork().eval(), device=torch.device("cpu"))


def painted_model(tissue: Bundle | None = None) -> SpineModel:
    """The network that reads painted classes, one that believes it, and one of painted ribs."""
    card = network_card("trusting", "see what is pointed at", Architecture.UNET_24_96_POINTED)
    body = Bundle(card=card, network=TrustingNetwork().eval(), device=torch.device("cpu"))
    return SpineModel(tissue=OwnNetwork(tissue or painted_bundle()), ribs=painted_ribs(), body=body, levels=A_RULE)


def painted_volume(built: Built) -> Volume:
    """A CT whose painted classes are those of the scene, with air in front."""
    hu = np.array(PAINTED_HU, dtype=np.float32)[built.tissue]
    hu[:, :12] = _AIR_HU
    return Volume(hu=hu, affine=built.affine, frame_of_reference=FRAME)
