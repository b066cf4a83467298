"""A level model as a file in the bundle of the network whose errors it counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models import own_ribs
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
    own_ribs.LIMITS,
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
    ribs_sha256, ribs_spacing_mm
        The same of the network that looked at ribs closely.
    counted_by
        What its tables were counted by; `COUNTED_BY` of this code, or they mean something else.
    command
        What made it.
    """

    version: str
    network_sha256: str
    spacing_mm: tuple[float, float, float]
    ribs_sha256: str
    ribs_spacing_mm: tuple[float, float, float]
    counted_by: str
    command: str
    model: LevelModel


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What tells whether the rest of a file means anything here: one of an older form may not even be readable."""

    counted_by: str = ""


_FILE, _MADE = TypeAdapter(LevelFile), TypeAdapter(_Made)

_ANEW = "make it anew with osteonode-train fit levels, and --ribs where workers.ribs_bundle is set"


def save_levels(bundle: Path, content: LevelFile) -> None:
    """Write the level model into the folder of its network."""
    path = bundle / LEVELS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_FILE.dump_json(content, indent=1) + b"\n")


def load_levels(bundle: Path, card: ModelCard, ribs: ModelCard) -> tuple[LevelModel, ModelIdentity] | None:
    """The level model of a bundle with this card, and which it is; `None` where the bundle has none.

    Parameters
    ----------
    ribs
        Card of the network that looks at ribs closely.

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
        made = _MADE.validate_json(content)
        if made.counted_by != COUNTED_BY:
            raise ConfigurationError(
                f"the level model {path} was counted by {made.counted_by!r}, this version counts by {COUNTED_BY!r}; "
                f"{_ANEW}"
            )
        file = _read(path, content)
    except OSError as error:
        raise ConfigurationError(f"the level model {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigurationError(f"the level model {path} cannot be read: {what_is_wrong(error)}") from error
    if (file.network_sha256, file.spacing_mm) != (card.weights_sha256, card.spacing_mm):
        raise ConfigurationError(
            f"the level model {path} goes with weights of SHA-256 {file.network_sha256} on {file.spacing_mm} mm, the "
            f"bundle has {card.weights_sha256} on {card.spacing_mm} mm; {_ANEW}"
        )
    if (file.ribs_sha256, file.ribs_spacing_mm) != (ribs.weights_sha256, ribs.spacing_mm):
        raise ConfigurationError(
            f"the level model {path} goes with weights of SHA-256 {file.ribs_sha256} on {file.ribs_spacing_mm} mm that "
            f"see ribs, {ribs.name!r} has {ribs.weights_sha256} on {ribs.spacing_mm} mm; choose that network with "
            f"workers.ribs_bundle, or {_ANEW}"
        )
    identity = ModelIdentity(
        name=_NAME,
        version=file.version,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        intended_use=card.intended_use,  # a release of the network covers this file as well
    )
    return file.model, identity


def _read(path: Path, content: bytes) -> LevelFile:
    try:
        return _FILE.validate_json(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"the level model {path} contradicts itself: {error}") from error
