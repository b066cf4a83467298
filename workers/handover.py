"""What `segment` leaves for `screen_bmd` beside the crops: which models found it in which images."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from node.domain.errors import Bug
from node.domain.provenance import ModelIdentity

SEGMENTATION = "segmentation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Where a segmentation comes from.

    `input_digest` names the instances that were read, `device` is what the networks ran on, `configuration_sha256` of
    the settings that shaped it.
    """

    models: tuple[ModelIdentity, ...]
    input_digest: str
    device: str
    configuration_sha256: str
    started_at: datetime.datetime


_SEGMENTATION = TypeAdapter(Segmentation)


def segmentation_to_bytes(segmentation: Segmentation) -> bytes:
    """The content of the file."""
    return _SEGMENTATION.dump_json(segmentation, indent=1)


def segmentation_from_bytes(content: bytes) -> Segmentation:
    """What the file holds.

    Raises
    ------
    Bug
        Where the file does not follow the format; its hash has been checked before, so this code wrote it.
    """
    try:
        return _SEGMENTATION.validate_json(content)
    except ValidationError as error:
        raise Bug(f"a segmentation file does not follow its format: {error}") from error
