"""Which networks find vertebrae."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class BackendName(StrEnum):
    """What sees the whole scan: our own network, a MONAI bundle, or TotalSegmentator; the same rules judge them all."""

    OSTEONODE = "osteonode"
    MONAI = "monai"
    TOTALSEGMENTATOR = "totalsegmentator"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineChoice:
    """What a site has chosen.

    Parameters
    ----------
    backend
        What sees the whole scan.
    bundle, body_bundle
        Folders of what sees the whole scan, and of what sees one body; `None` for those that come with the project.
    level_probability
        How probable the name of a vertebra must be before it is given.
    """

    backend: BackendName = BackendName.OSTEONODE
    bundle: Path | None = None
    body_bundle: Path | None = None
    level_probability: float = 0.99
