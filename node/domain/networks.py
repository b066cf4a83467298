"""Which networks find vertebrae, how sure a site wants their names to be, and which classifier is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from node.domain.errors import ConfigurationError


class BackendName(StrEnum):
    """What sees the whole scan: our own network, a MONAI bundle, or TotalSegmentator; the same rules judge them all."""

    OSTEONODE = "osteonode"
    MONAI = "monai"
    TOTALSEGMENTATOR = "totalsegmentator"


#: How probable a name must be where a site asks for nothing else.
USUAL_LEVEL_PROBABILITY = 0.99

#: A site may ask for this much and more: below, a name is as likely wrong as right.
LEAST_LEVEL_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineChoice:
    """What a site has chosen.

    Parameters
    ----------
    backend
        What sees the whole scan.
    bundle, body_bundle, ribs_bundle
        Folders of what sees the whole scan, one body, and the ribs of one vertebra; `None` for those that come with the
        project.
    level_probability
        How probable the name of a vertebra must be before it is given, `LEAST_LEVEL_PROBABILITY` to below 1.
    release_keys
        Files of the public keys that the site trusts to release a model for clinical use.
    """

    backend: BackendName = BackendName.OSTEONODE
    bundle: Path | None = None
    body_bundle: Path | None = None
    ribs_bundle: Path | None = None
    level_probability: float = USUAL_LEVEL_PROBABILITY
    release_keys: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not LEAST_LEVEL_PROBABILITY <= self.level_probability < 1.0:
            raise ConfigurationError(
                f"levels must be asked for with {LEAST_LEVEL_PROBABILITY} to below 1, got {self.level_probability}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierChoice:
    """The classifier of bone density that a site has chosen.

    Parameters
    ----------
    bundle
        Its folder; `None` for the one that comes with the project.
    release_keys
        See `SpineChoice`.
    """

    bundle: Path | None = None
    release_keys: tuple[Path, ...] = ()
