"""From class probabilities to named vertebral bodies on the grid of the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.box import around, corner, shifted
from models.chain import Chain
from models.fine import Painting, paint_bodies, touches_edge
from models.levels.anatomy import odd_sizes
from models.levels.naming import Label
from models.refine import FineBody
from models.vertebra import FIRST_UNNAMED_VALUE, SpineSegmentation, Vector, Vertebra
from node.domain.geometry import Affine
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import LabelMap, Segment, Volume

#: A body that comes this near to the edge of the scan counts as cut, mm: a voxel of the coarse grid and a little more,
#: within which no network sees where a body ends.
_CUT_WITHIN_MM = 3.0


def assemble_spine(volume: Volume, chain: Chain, refined: Mapping[int, FineBody]) -> SpineSegmentation | Reason:
    """The bodies of thoracic and lumbar vertebrae with their names, or `NO_SPINE` where none was found.

    Parameters
    ----------
    volume
        The scan.
    chain
        The bodies that were found on the coarse grid.
    refined
        Each vertebra of the chain as it was seen finely, by its label there.
    """
    painting = paint_bodies(refined, volume)
    touching = touches_edge(painting, volume, within_mm=_CUT_WITHIN_MM)
    labels = chain.names.labels
    odd = odd_sizes(chain.evidence, [touching.get(number, True) for number in range(1, len(labels) + 1)])
    bodies = [
        _Body(
            number=number,
            label=labels[number - 1],
            cut=touching[number],
            odd=odd.get(number - 1) or (None if refined[number].agrees else _DISPUTED),
        )
        for number in chain.vertebrae
        if number in touching
    ]
    if not bodies:
        return Reason(code=ReasonCode.NO_SPINE, detail="No thoracic or lumbar vertebral body was found.")
    vertebrae = tuple(
        _vertebra(body, ordinal, _centroid(painting, body.number, volume.affine), chain)
        for ordinal, body in enumerate(bodies, start=1)
    )
    return SpineSegmentation(
        label_map=_label_map(painting, bodies, vertebrae, volume),
        vertebrae=vertebrae,
        limitations=chain.names.premises,
    )


_DISPUTED = Reason(
    code=ReasonCode.IMPLAUSIBLE_ANATOMY,
    detail="Seen alone on a fine grid, its body is not where it was in the whole scan.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """A painted body: its number in the painting, and all that is known about it."""

    number: int
    label: Label
    cut: bool
    odd: Reason | None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        cut = (Reason(code=ReasonCode.LEVEL_TRUNCATED, detail="The scan ends inside its body."),) if self.cut else ()
        return (*self.label.reasons, *cut, *((self.odd,) if self.odd is not None else ()))


def _vertebra(body: _Body, ordinal: int, centroid: Vector, chain: Chain) -> Vertebra:
    low, high = chain.instances.spans_mm[body.number - 1]
    _, tangent = chain.instances.centreline.at((low + high) / 2.0)
    x, y, z = chain.affine.directions @ tangent
    level = body.label.level
    return Vertebra(
        level=level,
        ordinal=ordinal,
        confidence=body.label.confidence,
        likeliest=body.label.likeliest,
        centroid_lps_mm=centroid,
        up_lps=(float(x), float(y), float(z)),
        segment_value=level.number if level is not None else FIRST_UNNAMED_VALUE + ordinal - 1,
        reasons=body.reasons,
    )


def _centroid(painting: Painting, number: int, affine: Affine) -> Vector:
    box = painting.boxes[number]
    mean: NDArray[np.float64] = np.argwhere(painting.labels[box] == number).mean(0)
    x, y, z = affine.to_lps(mean + corner(box) + corner(painting.around))
    return float(x), float(y), float(z)


def _label_map(painting: Painting, bodies: Sequence[_Body], vertebrae: Sequence[Vertebra], volume: Volume) -> LabelMap:
    """The painting with numbers of levels, cut to the box that holds the vertebrae; what is none is left out."""
    whole = around([painting.boxes[body.number] for body in bodies])
    values = np.zeros(256, dtype=np.uint8)
    for body, vertebra in zip(bodies, vertebrae, strict=True):
        values[body.number] = vertebra.segment_value
    segments = [
        Segment(value=vertebra.segment_value, level=vertebra.level, ordinal=vertebra.ordinal) for vertebra in vertebrae
    ]
    return LabelMap(
        labels=values[painting.labels[whole]],
        affine=volume.affine.shifted(corner(shifted(whole, by=corner(painting.around)))),
        frame_of_reference=volume.frame_of_reference,
        segments=tuple(sorted(segments, key=lambda segment: segment.value)),
    )
