"""Where a result comes from."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum


class IntendedUse(StrEnum):
    """What a model's results may be used for; the model card says it."""

    RESEARCH = "research"
    CLINICAL = "clinical"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """A trained network: name, version and SHA-256 of its weights, hexadecimal."""

    name: str
    version: str
    weights_sha256: str
    intended_use: IntendedUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """All that shaped a result beside the images: the same provenance and the same images give the same result."""

    models: tuple[ModelIdentity, ...]
    code_version: str
    configuration_sha256: str
    device: str
    started_at: datetime.datetime
    ended_at: datetime.datetime

    def __post_init__(self) -> None:
        if self.started_at.tzinfo is None or self.ended_at.tzinfo is None:
            raise ValueError("times of provenance must carry a time zone")

    @property
    def intended_use(self) -> IntendedUse:
        """Clinical only where every model is; without a model the statement is about the scan, and is research too."""
        clinical = bool(self.models) and all(model.intended_use is IntendedUse.CLINICAL for model in self.models)
        return IntendedUse.CLINICAL if clinical else IntendedUse.RESEARCH
