"""A level model as it lies in a bundle."""

from __future__ import annotations

from models.card import ModelCard
from models.levels.file import COUNTED_BY, LevelFile
from models.levels.model import LevelModel


def level_file(model: LevelModel, card: ModelCard, ribs: ModelCard, *, version: str) -> LevelFile:
    """A file that goes with the networks of these cards."""
    return LevelFile(
        version=version,
        network_sha256=card.weights_sha256,
        spacing_mm=card.spacing_mm,
        ribs_sha256=ribs.weights_sha256,
        ribs_spacing_mm=ribs.spacing_mm,
        counted_by=COUNTED_BY,
        command="none",
        model=model,
    )
