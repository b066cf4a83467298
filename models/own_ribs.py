"""The ribs of single vertebrae near the last ones, seen more finely than the first network sees the scan.

At 2.5 mm the stub of a last rib and a transverse process look alike, and levels hang on which of them it is
(docs/decisions/0030).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from models.bodies import FoundBodies
from models.bundle import Bundle
from models.components import TOUCHING
from models.levels.clues import LEAST_VOTES
from models.levels.evidence import Evidence, OwnRibs
from models.tissues import RibClass
from models.views import View, Window, probabilities, views
from node.domain.volume import Float32, Volume

#: What the network sees around a vertebra, as it was trained; ribs run backwards first.
WINDOW = Window(shape=(64, 48, 80), behind_mm=10.0)

#: Vertebrae that are looked at: so many above and below the last one that looks thoracic to the first network. T12 may
#: look lumbar to it, and so may T11 beside it.
_ABOVE, _BELOW = 1, 3

_SURE = 0.5

#: All that says what is looked at and how: what was counted otherwise means something else.
LIMITS = (WINDOW.shape, WINDOW.behind_mm, _ABOVE, _BELOW, _SURE)


def look_at_ribs(volume: Volume, bodies: FoundBodies, bundle: Bundle) -> FoundBodies:
    """The bodies with what the network sees of the own ribs of those near the last ribs."""
    numbers = _near_last_ribs(bodies.evidence)
    evidence = list(bodies.evidence)
    for some in views(volume, bodies, numbers, window=WINDOW, spacing_mm=bundle.card.spacing_mm):
        for view, seen in zip(some, probabilities(some, bundle, RibClass.OWN_RIB), strict=True):
            index = view.number - 1
            own = _measured(view, seen)
            # ribs rise from the upper end of a body: those of the first one may begin outside of the scan
            own = own if index else replace(own, cut=(True, True))
            evidence[index] = replace(evidence[index], own_ribs=own)
    return replace(bodies, evidence=tuple(evidence))


def _near_last_ribs(evidence: Sequence[Evidence]) -> list[int]:
    """Labels of the bodies to be looked at, from the head; those at the upper end where none looks thoracic."""
    thoracic = [
        index
        for index, body in enumerate(evidence)
        if body.thoracic > body.lumbar and body.lumbar + body.thoracic >= LEAST_VOTES
    ]
    last = thoracic[-1] if thoracic else -1
    return [index + 1 for index in range(max(0, last - _ABOVE), min(len(evidence), last + _BELOW + 1))]


def _measured(view: View, seen: Float32) -> OwnRibs:
    """What is likelier a rib than not: processes are taken for ribs faintly, and over much of the view; each half of it
    is a side.
    """
    middle = seen.shape[2] // 2
    ends = ndimage.binary_dilation(view.beyond, TOUCHING) if view.beyond.any() else view.beyond
    voxel = float(np.prod(view.grid.spacing_mm))
    ribs = seen > _SURE
    halves = (slice(None, middle), slice(middle, None))
    right, left = (float(np.count_nonzero(ribs[..., half])) * voxel for half in halves)
    right_cut, left_cut = (bool((ends & ribs)[..., half].any()) for half in halves)
    return OwnRibs(volume_mm3=(right, left), cut=(right_cut, left_cut))
