"""Whether a chain of bodies is put together as a spine is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.evidence import Evidence
from node.domain.reasons import Reason, ReasonCode

# Plausible limits, wide enough for osteoporotic and scoliotic spines.

#: Distance between the centres of neighbours: against the median of the chain, and in mm.
_STEP_RATIO = (0.45, 1.6)
_STEP_MM = (11.0, 60.0)

#: Largest turn of the line through three neighbouring centres, degrees.
_LARGEST_TURN_DEG = 50.0

#: Volume of a body against the median of its two nearest whole neighbours on either side.
_VOLUME_RATIO = (0.3, 2.6)


def breaks(chain: Sequence[Evidence]) -> dict[int, Reason]:
    """Gaps and jumps: the index of the body below one, and what is wrong there."""
    found: dict[int, Reason] = {}
    centres = np.array([evidence.centre_mm for evidence in chain])
    steps = np.diff(centres, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    for index, length in enumerate(lengths):
        # Vertebrae grow downwards, so that only the nearest steps say what is usual here.
        usual = float(np.median(lengths[max(0, index - 2) : index + 3]))
        if not _within(length / usual, _STEP_RATIO) or not _within(length, _STEP_MM):
            found[index + 1] = _implausible(
                f"Its centre lies {length:.0f} mm from that of the vertebra above; about {usual:.0f} mm were expected."
            )
    for index, (above, below) in enumerate(pairwise(steps)):
        cosine = float(above @ below / (np.linalg.norm(above) * np.linalg.norm(below)))
        turn = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
        if turn > _LARGEST_TURN_DEG:
            found.setdefault(index + 2, _implausible(f"The line of vertebrae turns by {turn:.0f} degrees above it."))
    return found


def odd_sizes(chain: Sequence[Evidence], cut: Sequence[bool]) -> dict[int, Reason]:
    """Bodies far smaller or larger than their neighbours, where neither is cut by the end of the scan."""
    found: dict[int, Reason] = {}
    for index, evidence in enumerate(chain):
        near = [
            chain[other].volume_mm3
            for other in range(max(0, index - 2), min(len(chain), index + 3))
            if other != index and not cut[other]
        ]
        if cut[index] or len(near) < 2:
            continue
        usual = float(np.median(near))
        if not _within(evidence.volume_mm3 / usual, _VOLUME_RATIO):
            found[index] = _implausible(
                f"Its body has {evidence.volume_mm3 / 1000.0:.0f} cm3; its neighbours have {usual / 1000.0:.0f} cm3."
            )
    return found


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _implausible(detail: str) -> Reason:
    return Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=detail)
