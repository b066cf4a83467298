"""A level model as a file in the bundle of the network whose errors it counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.levels.clues import COUNTED_BY
from models.levels.model import LevelModel
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse, ModelIdentity

LEVELS = Path("configs/levels.json")

_NAME = "spine-levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFile:
    """What the file holds.

    Parameters
    ----------
    version
        Of the level model.
    network_sha256
        Of the weights of the network that it goes with.
    counted_by
        What its tables were counted by; `models.levels.clues.COUNTED_BY` of this code, or they mean something else.
    command
        What made it.
    """

    version: str
    network_sha256: str
    counted_by: str
    command: str
    model: LevelModel


_FILE = TypeAdapter(LevelFile)


def save_levels(bundle: Path, content: LevelFile) -> None:
    """Write the level model into the folder of its network."""
    path = bundle / LEVELS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_FILE.dump_json(content, indent=1) + b"\n")


def load_levels(bundle: Path, network_sha256: str) -> tuple[LevelModel, ModelIdentity] | None:
    """The level model of a bundle, and which it is; `None` where the bundle has none.

    Raises
    ------
    ConfigurationError
        Where the file does not follow its format, or goes with other weights or another way to count.
    """
    path = bundle / LEVELS
    if not path.exists():
        return None
    try:
        content = path.read_bytes()
        file = _FILE.validate_json(content)
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"the level model {path} cannot be read: {error}") from error
    if file.network_sha256 != network_sha256:
        raise ConfigurationError(
            f"the level model {path} goes with weights of SHA-256 {file.network_sha256}, the bundle has "
            f"{network_sha256}; make it anew with osteonode-train fit levels"
        )
    if file.counted_by != COUNTED_BY:
        raise ConfigurationError(
            f"the level model {path} was counted by {file.counted_by}, this version counts by {COUNTED_BY}; "
            "make it anew with osteonode-train fit levels"
        )
    identity = ModelIdentity(
        name=_NAME,
        version=file.version,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        intended_use=IntendedUse.RESEARCH,
    )
    return file.model, identity
