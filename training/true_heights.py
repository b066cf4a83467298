"""Heights of a drawn vertebral body, read off its surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

#: Distance of the front and rear height from the edges of the body, mm: the edge itself has no height.
EDGE_INSET_MM = 2.0

#: How finely surfaces are read off, mm.
STEP_MM = 0.01

#: Distance from the surface of a body in its mid-sagittal plane, mm, negative inside, at (up, back) in mm.
Distance = Callable[[Float32, Float32], Float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Height of a body in front, in the middle and behind, mm, along the body's own axis in its mid-sagittal plane.

    The front and rear ones are taken `EDGE_INSET_MM` inside the edges of the body, the middle one half way between the
    edges.
    """

    anterior: float
    middle: float
    posterior: float


def heights_along(distance: Distance, *, rims_mm: float, up_mm: float, back_mm: float) -> Heights:
    """The heights of a body to about 0.01 mm.

    Parameters
    ----------
    rims_mm
        How far above and below its middle the rims lie: every rim counts for where its edges are, the waist does not.
    up_mm, back_mm
        The body reaches no farther from its middle.
    """
    backs = np.arange(-back_mm, back_mm, STEP_MM, dtype=np.float32)
    ups = np.linspace(-1.0, 1.0, 41, dtype=np.float32)[:, None] * np.float32(rims_mm)
    profile = backs[(distance(ups, backs) < 0.0).any(0)]
    front, rear = float(profile[0]), float(profile[-1])
    places = (front + EDGE_INSET_MM, 0.5 * (front + rear), rear - EDGE_INSET_MM)
    anterior, middle, posterior = (_extent(distance, place, up_mm) for place in places)
    return Heights(anterior=anterior, middle=middle, posterior=posterior)


def _extent(distance: Distance, back: float, up_mm: float) -> float:
    up = np.arange(-up_mm, up_mm, STEP_MM, dtype=np.float32)
    inside = up[distance(up, np.full_like(up, back)) < 0.0]
    return float(inside[-1] - inside[0]) + STEP_MM
