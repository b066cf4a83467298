"""What may see the whole scan."""

from __future__ import annotations

from enum import StrEnum


class BackendName(StrEnum):
    """Our own network, a MONAI bundle, or TotalSegmentator; levels and sanity are judged by the same rules."""

    OSTEONODE = "osteonode"
    MONAI = "monai"
    TOTALSEGMENTATOR = "totalsegmentator"
