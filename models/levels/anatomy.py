"""Whether a chain of bodies is put together as a spine is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.levels.evidence import Evidence
from node.domain.reasons import Reason, ReasonCode

# Plausible limits, wide enough for osteoporotic and scoliotic spines.

#: Distance between the centres of neighbours: against that of the nearest other neighbours, and in mm.
_STEP_RATIO = (0.45, 1.6)
_STEP_MM = (11.0, 60.0)

#: Largest turn of the line through three neighbouring centres, degrees.
_LARGEST_TURN_DEG = 50.0

#: A body that is longer than its neighbours by this factor is two that were not told apart.
_LONGEST_RATIO = 1.55

#: Two neighbours that are both shorter than others by this factor, and nearer to each other than others by this one,
#: are the two halves of one.
_HALF_LENGTH, _HALF_STEP = 0.7, 0.65

#: Volume of a whole body against its neighbours.
_VOLUME_RATIO = (0.45, 2.2)

#: How many neighbours say what is usual: vertebrae grow downwards, so that only near ones compare.
_NEIGHBOURS = 4

#: All that says where a chain breaks, and what is usual.
LIMITS = (_STEP_RATIO, _STEP_MM, _LARGEST_TURN_DEG, _LONGEST_RATIO, _HALF_LENGTH, _HALF_STEP, _NEIGHBOURS)


def breaks(chain: Sequence[Evidence]) -> dict[int, Reason]:
    """Gaps, jumps, merged and halved bodies, across which vertebrae cannot be counted.

    Gives the index of the body below each, and what is wrong there. A merged body has a break above and one below it,
    and so has each half of a body that was taken for two.
    """
    found: dict[int, Reason] = {}
    steps = np.diff(np.array([evidence.centre_mm for evidence in chain]), axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    for index, length in enumerate(lengths):
        expected = usual(lengths, index)
        if not _within(length / expected, _STEP_RATIO) or not _within(length, _STEP_MM):
            found[index + 1] = _implausible(
                f"Neighbouring bodies lie {length:.0f} mm apart; about {expected:.0f} mm were expected."
            )
    for index, (above, below) in enumerate(pairwise(steps)):
        cosine = float(above @ below / (np.linalg.norm(above) * np.linalg.norm(below)))
        turn = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
        if turn > _LARGEST_TURN_DEG:
            found.setdefault(index + 2, _implausible(f"The line of vertebrae turns by {turn:.0f} degrees."))
    heights = np.array([evidence.length_mm for evidence in chain])
    for index, height in enumerate(heights):
        expected = usual(heights, index)
        if height > _LONGEST_RATIO * expected:
            reason = _implausible(f"A body is {height:.0f} mm high where about {expected:.0f} mm were expected.")
            found |= {border: reason for border in (index, index + 1) if 0 < border < len(chain)}
    for index, step in enumerate(lengths):
        pair = heights[index : index + 2]
        expected = usual(heights, index, index + 1)
        if max(pair) < _HALF_LENGTH * expected and step < _HALF_STEP * usual(lengths, index):
            reason = _implausible(
                f"Two bodies of {pair[0]:.0f} and {pair[1]:.0f} mm lie {step:.0f} mm apart, where bodies are about "
                f"{expected:.0f} mm high: they look like one that was taken for two."
            )
            found |= {border: reason for border in (index, index + 1, index + 2) if 0 < border < len(chain)}
    return found


def steps_between(chain: Sequence[Evidence], above: int, below: int) -> int:
    """How many vertebrae the body with the second index lies below the one with the first, by distance alone."""
    centres = np.array([evidence.centre_mm for evidence in chain])
    lengths = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    return round(float(lengths[above:below].sum()) / usual(lengths, *range(above, below)))


def odd_sizes(chain: Sequence[Evidence], cut: Sequence[bool]) -> dict[int, Reason]:
    """Bodies far smaller or larger than their whole neighbours; one that the end of the scan cuts may be small."""
    found: dict[int, Reason] = {}
    whole = [index for index in range(len(chain)) if not cut[index]]
    volumes = np.array([chain[index].volume_mm3 for index in whole])
    for place, index in enumerate(whole):
        if len(whole) < 3:
            break
        ratio = float(volumes[place]) / usual(volumes, place)
        if not _within(ratio, _VOLUME_RATIO):
            detail = f"Its body has {100.0 * ratio:.0f} % of the volume of its neighbours."
            found[index] = _implausible(detail)
    return found


def usual(values: NDArray[np.float64], *indices: int) -> float:
    """The median of the nearest values but these; the first of these where there is no other."""
    others = [place for place in range(len(values)) if place not in indices]
    others.sort(key=lambda place: abs(place - indices[0]))
    return float(np.median(values[others[:_NEIGHBOURS]])) if others else float(values[indices[0]])


def _within(value: float, limits: tuple[float, float]) -> bool:
    return bool(limits[0] <= value <= limits[1])


def _implausible(detail: str) -> Reason:
    return Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=detail)
