"""The card of a model: what it is, what it was trained on, what it reached, and what it may be used for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.network import Architecture
from models.tissues import NetworkClass
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse, ModelIdentity

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure that the model reached; `data` says on what."""

    name: str
    value: float
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A probability above which a voxel counts as the named structure."""

    name: str
    value: float

    def __post_init__(self) -> None:
        if not 0.0 < self.value < 1.0:
            raise ConfigurationError(f"threshold {self.name!r} must be between 0 and 1, got {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How the weights were made: the data in words, the command that repeats it, and its number of steps."""

    data: str
    command: str
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a folder of weights says about itself.

    Parameters
    ----------
    task
        What the model does, one sentence.
    spacing_mm
        Input grid, (k, j, i); k towards the head, j towards the back, i towards the patient's left.
    classes
        Output channels in order.
    thresholds
        Working points by name, each name once.
    intended_use
        What the card claims; clinical use needs a signed release beside it (`models.release`).
    weights_sha256
        Of the weights file, 64 lower-case hexadecimal digits.

    Raises
    ------
    ConfigurationError
        Where a field contradicts another or is out of range.
    """

    name: str
    version: str
    task: str
    architecture: Architecture
    spacing_mm: tuple[float, float, float]
    classes: tuple[NetworkClass, ...]
    thresholds: tuple[Threshold, ...]
    training: Training
    metrics: tuple[Metric, ...]
    licence: str
    intended_use: IntendedUse
    weights_sha256: str

    def __post_init__(self) -> None:
        if not self.name or not self.version:
            raise ConfigurationError("a model card must give a name and a version")
        if min(self.spacing_mm) <= 0.0:
            raise ConfigurationError(f"the spacing of a model must be positive, got {self.spacing_mm}")
        if [int(tissue) for tissue in self.classes] != list(range(len(self.classes))):
            raise ConfigurationError(f"the classes of a model must be its channels in order, got {self.classes}")
        if not _SHA256.fullmatch(self.weights_sha256):
            raise ConfigurationError(
                f"weights_sha256 must be 64 lower-case hexadecimal digits, got {self.weights_sha256!r}"
            )

    @property
    def identity(self) -> ModelIdentity:
        """What a result says of the model that it comes from."""
        return ModelIdentity(
            name=self.name, version=self.version, weights_sha256=self.weights_sha256, intended_use=self.intended_use
        )

    def threshold(self, name: str) -> float:
        """The probability of the working point with that name.

        Raises
        ------
        ConfigurationError
            Where the card has none.
        """
        for threshold in self.thresholds:
            if threshold.name == name:
                return threshold.value
        raise ConfigurationError(f"the card of model {self.name!r} has no threshold {name!r}")
