"""The model card as `configs/metadata.json` of the MONAI bundle layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import monai
import torch

from models.card import Metric, ModelCard, Threshold, Training
from models.network import Architecture
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse

Json = Mapping[str, object]


def metadata_from_card(card: ModelCard) -> str:
    """The text of the file, with the keys that MONAI asks for beside ours."""
    channels = {str(int(tissue)): tissue.name.lower() for tissue in card.classes}
    image = {"type": "image", "format": "hounsfield", "modality": "CT", "num_channels": 1}
    content = {
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__,
        "authors": "The OsteoNode project",
        "copyright": card.licence,
        "description": card.task,
        "network_data_format": {
            "inputs": {"image": image | {"axes": "kji: head, back, left", "channel_def": {"0": "image"}}},
            "outputs": {"pred": {"type": "probabilities", "num_channels": len(channels), "channel_def": channels}},
        },
        **asdict(card),
        "classes": [tissue.name.lower() for tissue in card.classes],
    }
    return json.dumps(content, indent=2) + "\n"


def card_from_metadata(text: str) -> ModelCard:
    """The card that the text of `metadata.json` gives.

    Raises
    ------
    ConfigurationError
        Where the text is no JSON, a key is missing or of another kind, or the architecture or a class is unknown.
    """
    try:
        content: dict[str, object] = json.loads(text)
        return _card(content)
    except KeyError as error:
        raise ConfigurationError(f"the model card must give {error}, or a value that this version knows") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"the model card cannot be read: {error}") from error


def _card(content: dict[str, object]) -> ModelCard:
    k, j, i = (float(str(step)) for step in _list(content, "spacing_mm"))
    architecture = Architecture(_text(content, "architecture"))
    return ModelCard(
        name=_text(content, "name"),
        version=_text(content, "version"),
        task=_text(content, "task"),
        architecture=architecture,
        spacing_mm=(k, j, i),
        classes=tuple(architecture.outputs[str(name).upper()] for name in _list(content, "classes")),
        thresholds=tuple(
            Threshold(name=_text(entry, "name"), value=_number(entry, "value"))
            for entry in map(_object, _list(content, "thresholds"))
        ),
        training=_training(_object(content["training"])),
        metrics=tuple(
            Metric(name=_text(entry, "name"), value=_number(entry, "value"), data=_text(entry, "data"))
            for entry in map(_object, _list(content, "metrics"))
        ),
        licence=_text(content, "licence"),
        intended_use=IntendedUse(_text(content, "intended_use")),
        weights_sha256=_text(content, "weights_sha256"),
    )


def _training(entry: Json) -> Training:
    return Training(data=_text(entry, "data"), command=_text(entry, "command"), steps=int(_number(entry, "steps")))


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, got {value!r}")
    return value


def _list(content: Json, key: str) -> list[object]:
    value = content[key]
    if not isinstance(value, list):
        raise TypeError(f"{key} must be a list, got {value!r}")
    return value


def _text(content: Json, key: str) -> str:
    value = content[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} must be text, got {value!r}")
    return value


def _number(content: Json, key: str) -> float:
    value = content[key]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{key} must be a number, got {value!r}")
    return float(value)
