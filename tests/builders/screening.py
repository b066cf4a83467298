"""Cases of the screening classifier, and a bundle with an untrained network."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from models.card import Training
from models.crops import BodyCrop, SpineCrops
from models.screening.bundle import save_bundle
from models.screening.card import ScreeningCard, Temperature
from models.screening.case import FORM, BodyImage, References, ScreeningCase
from models.screening.image import body_image
from models.screening.network import ARCHITECTURE, build_network
from node.domain.bone_category import BoneCategory
from node.domain.levels import VertebralLevel
from node.domain.provenance import IntendedUse
from tests.builders.body_crops import Body, crop_of

SPINE = (VertebralLevel.L1, VertebralLevel.L2)


@lru_cache(maxsize=32)
def image_of(marrow_hu: float) -> BodyImage:
    """The image of a body whose marrow has this CT number, on a coarse grid."""
    return body_image(crop_of(Body(spacing_mm=(2.0, 2.0, 2.0), marrow_hu=marrow_hu)))


def case_of(marrow_hu: float, *, references: References | None = None) -> ScreeningCase:
    """L1 and L2 with one CT number."""
    image = image_of(marrow_hu)
    return ScreeningCase(l1=image, l2=image, references=references or References(kvp=120.0))


def spine_of(*levels: VertebralLevel, marrow_hu: float = 150.0) -> SpineCrops:
    """Crops of these levels, all alike."""
    return SpineCrops(crops=tuple(_crop(level, marrow_hu) for level in levels))


def _crop(level: VertebralLevel, marrow_hu: float) -> BodyCrop:
    return crop_of(Body(spacing_mm=(2.0, 2.0, 2.0), marrow_hu=marrow_hu, level=level))


def a_card(*temperatures: Temperature) -> ScreeningCard:
    """The card of a network that has learned nothing."""
    return ScreeningCard(
        name="bmd-screening",
        version="0.0.1",
        task="say how probable each category of bone density is",
        architecture=ARCHITECTURE,
        form=FORM,
        classes=tuple(BoneCategory),
        temperatures=temperatures,
        thresholds=(),
        training=Training(data="none", command="none", steps=0),
        metrics=(),
        licence="the project's",
        intended_use=IntendedUse.RESEARCH,
        split_sha256="1" * 64,
        weights_sha256="0" * 64,
    )


def write_untrained(folder: Path, *temperatures: Temperature, version: str = "0.0.1") -> ScreeningCard:
    """A bundle with an untrained network, the same each time."""
    torch.manual_seed(1)
    return save_bundle(folder, replace(a_card(*temperatures), version=version), build_network())
