"""Each vertebral body on a fine grid: a second network sees it alone, pointed at by what the first one saw.

It is asked twice, the second time pointed at its own answer without the dents: what the first network lost of a body,
as where marrow is as dark as a disc, is found again (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from models.bundle import Bundle
from models.chain import Chain
from models.closing import closed
from models.tissues import BodyClass
from models.views import View, Window, probabilities, views
from node.domain.geometry import Affine
from node.domain.volume import Float32, Volume

#: What the network sees around a body, as it was trained.
WINDOW = Window(shape=(64, 64, 72))

#: A body that the two networks see with less in common than this (Dice) is not believed.
_LEAST_AGREEMENT = 0.5

_INSIDE = 0.5

#: Dents that the first answer is closed over, radius in mm, and how sure the pointer is there.
_DENT_MM, _SURE = 3.0, 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FineBody:
    """One body as the second network sees it.

    Parameters
    ----------
    probability
        That a voxel is inside it, of the shape of `WINDOW`.
    affine
        Of that grid.
    agrees
        Whether both networks see about the same; where they do not, the probability is that of the coarse one.
    """

    probability: Float32
    affine: Affine
    agrees: bool


def refine_bodies(volume: Volume, chain: Chain, *, numbers: Iterable[int], bundle: Bundle) -> dict[int, FineBody]:
    """Bodies of a chain by their labels there, each on its own fine grid."""
    refined: dict[int, FineBody] = {}
    for some in views(volume, chain, list(numbers), window=WINDOW, spacing_mm=bundle.card.spacing_mm):
        once = probabilities(some, bundle, BodyClass.BODY)
        again = [_pointed_at(view, seen) for view, seen in zip(some, once, strict=True)]
        for view, seen in zip(some, probabilities(again, bundle, BodyClass.BODY), strict=True):
            refined[view.number] = _judged(view, seen)
    return refined


def _pointed_at(view: View, seen: Float32) -> View:
    """The view with what the network saw of it, without dents, as its pointer."""
    inside = seen > _INSIDE
    dents = closed(inside, _DENT_MM / view.grid.spacing_mm[0]) & ~inside
    return replace(view, pointer=np.where(dents, np.float32(_SURE), seen))


def _judged(view: View, seen: Float32) -> FineBody:
    first, second = view.pointer > _INSIDE, seen > _INSIDE
    common = 2 * int((first & second).sum())
    agrees = common >= _LEAST_AGREEMENT * max(int(first.sum()) + int(second.sum()), 1)
    return FineBody(probability=seen if agrees else view.pointer, affine=view.grid, agrees=agrees)
