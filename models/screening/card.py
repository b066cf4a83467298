"""The card of a screening classifier, as `configs/metadata.json` of the MONAI bundle layout."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import monai
import torch
from pydantic import TypeAdapter, ValidationError

from models.card import Metric, Threshold, Training
from models.screening.case import FORM, PIXEL_MM, PLANES
from models.screening.network import ARCHITECTURE
from models.unreadable import what_is_wrong
from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse, ModelIdentity

_SHA256 = re.compile(r"[0-9a-f]{64}")

#: Beyond these a temperature is a sign that something else is wrong (plausible choices).
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """What the logits of one model are divided by, so that its answers are as often right as they are sure.

    Guo et al., Proceedings of Machine Learning Research 2017;70:1321-1330.

    Parameters
    ----------
    value
        1 changes nothing, more makes answers less sure.
    cases
        How many it was fitted on; `data` says which.
    """

    method: ClassifierMethod
    value: float
    cases: int
    data: str

    def __post_init__(self) -> None:
        least, most = TEMPERATURES
        if not least <= self.value <= most:
            raise ConfigurationError(f"a temperature must be from {least} to {most}, got {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningCard:
    """What a folder of weights says about itself.

    Parameters
    ----------
    task
        What the model does, one sentence.
    architecture, form
        Of the network and of the cases that it takes; a version of this code knows one of each.
    classes
        The outputs of both models, in order.
    temperatures
        At most one a model; the answers of a model without one are scores.
    thresholds
        Probabilities from which a category counts as found, by names that say of which model.
    split_sha256
        Of the file that says which patient was in which cohort; no patient of its training is judged later.
    weights_sha256
        Of the weights file, 64 lower-case hexadecimal digits.
    evaluation_sha256
        Of the figures that the model was released with; `None` before.

    Raises
    ------
    ConfigurationError
        Where a field contradicts another or is out of range.
    """

    name: str
    version: str
    task: str
    architecture: str
    form: int
    classes: tuple[BoneCategory, ...]
    temperatures: tuple[Temperature, ...]
    thresholds: tuple[Threshold, ...]
    training: Training
    metrics: tuple[Metric, ...]
    licence: str
    intended_use: IntendedUse
    split_sha256: str
    weights_sha256: str
    evaluation_sha256: str | None = None

    def __post_init__(self) -> None:
        if not self.name or not self.version:
            raise ConfigurationError("a model card must give a name and a version")
        if self.architecture != ARCHITECTURE:
            raise ConfigurationError(f"this version builds {ARCHITECTURE}, the card asks for {self.architecture!r}")
        if self.form != FORM:
            raise ConfigurationError(f"this version makes cases of form {FORM}, the card asks for {self.form}")
        if self.classes != tuple(BoneCategory):
            raise ConfigurationError(f"the classes must be {', '.join(BoneCategory)}, got {', '.join(self.classes)}")
        methods = [temperature.method for temperature in self.temperatures]
        if len(methods) != len(set(methods)):
            raise ConfigurationError(f"every model may have one temperature, got {methods}")
        for digest in filter(None, (self.weights_sha256, self.split_sha256, self.evaluation_sha256)):
            if not _SHA256.fullmatch(digest):
                raise ConfigurationError(f"a SHA-256 has 64 lower-case hexadecimal digits, got {digest!r}")

    @property
    def identity(self) -> ModelIdentity:
        """What a result says of the model that it comes from."""
        return ModelIdentity(
            name=self.name, version=self.version, weights_sha256=self.weights_sha256, intended_use=self.intended_use
        )

    def temperature(self, method: ClassifierMethod) -> Temperature | None:
        """Of one model; `None` where its answers are scores."""
        return next((each for each in self.temperatures if each.method is method), None)

    def threshold(self, name: str) -> float | None:
        """Of the working point with that name, or `None`."""
        return next((each.value for each in self.thresholds if each.name == name), None)


_CARD = TypeAdapter(ScreeningCard)


def metadata_from_card(card: ScreeningCard) -> str:
    """The text of the file, with the keys that MONAI asks for beside ours."""
    channels = {str(index): str(category) for index, category in enumerate(card.classes)}
    planes = f"planes {', '.join(PLANES)} of {PIXEL_MM:g} mm"
    image = {"type": "image", "format": "hounsfield", "modality": "CT", "num_channels": 2}
    content = {
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__,
        "authors": "The OsteoNode project",
        "copyright": card.licence,
        "description": card.task,
        "network_data_format": {
            "inputs": {"image": image | {"axes": planes, "channel_def": {"0": "image", "1": "body"}}},
            "outputs": {"pred": {"type": "probabilities", "num_channels": len(channels), "channel_def": channels}},
        },
        **_CARD.dump_python(card, mode="json"),
    }
    return json.dumps(content, indent=2) + "\n"


def card_from_metadata(text: str) -> ScreeningCard:
    """The card that the text of `metadata.json` gives; errors name the keys that are wrong.

    Raises
    ------
    ConfigurationError
        Where the text is no JSON, a key is missing or of another kind, or the card contradicts itself.
    """
    try:
        return _CARD.validate_json(text)
    except ValidationError as error:
        wrong = what_is_wrong(error)
        raise ConfigurationError(f"the card of the screening classifier cannot be read: {wrong}") from error
