"""A level model as a file in the bundle of the network whose errors it counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.card import ModelCard
from models.levels import anatomy, clues, landmarks, links, model, naming, placements
from models.levels.evidence import FORM
from models.levels.model import LevelModel
from models.unreadable import what_is_wrong
from node.domain.errors import ConfigurationError
from node.domain.provenance import ModelIdentity

LEVELS = Path("configs/levels.json")

_WAYS = (
    FORM,
    naming.FORM,
    anatomy.LIMITS,
    clues.LIMITS,
    landmarks.LIMITS,
    links.LIMITS,
    placements.LIMITS,
    model.LIMITS,
    model.MOST_DEVIATIONS,
)

#: Names all that a level model was counted and calibrated by: one of another form says nothing.
COUNTED_BY = hashlib.sha256(repr(_WAYS).encode()).hexdigest()[:12]

_NAME = "spine-levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFile:
    """What the file holds.

    Parameters
    ----------
    version
        Of the level model.
    network_sha256, spacing_mm
        Of the weights of the network that it goes with, and the grid on which that was asked.
    counted_by
        What its tables were counted by; `COUNTED_BY` of this code, or they mean something else.
    command
        What made it.
    """

    version: str
    network_sha256: str
    spacing_mm: tuple[float, float, float]
    counted_by: str
    command: str
    model: LevelModel


_FILE = TypeAdapter(LevelFile)


def save_levels(bundle: Path, content: LevelFile) -> None:
    """Write the level model into the folder of its network."""
    path = bundle / LEVELS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_FILE.dump_json(content, indent=1) + b"\n")


def load_levels(bundle: Path, card: ModelCard) -> tuple[LevelModel, ModelIdentity] | None:
    """The level model of a bundle with this card, and which it is; `None` where the bundle has none.

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
    except OSError as error:
        raise ConfigurationError(f"the level model {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigurationError(f"the level model {path} cannot be read: {what_is_wrong(error)}") from error
    if (file.network_sha256, file.spacing_mm) != (card.weights_sha256, card.spacing_mm):
        raise ConfigurationError(
            f"the level model {path} goes with weights of SHA-256 {file.network_sha256} on {file.spacing_mm} mm, the "
            f"bundle has {card.weights_sha256} on {card.spacing_mm} mm; make it anew with osteonode-train fit levels"
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
        intended_use=card.intended_use,  # a release of the network covers this file as well
    )
    return file.model, identity
