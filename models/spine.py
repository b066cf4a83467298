"""From a CT volume to named vertebral bodies."""

from __future__ import annotations

from dataclasses import replace

from models.assembly import assemble_spine
from models.bundle import Bundle
from models.instances import find_instances
from models.plausibility import LEFT_AND_RIGHT, check_hounsfield, check_orientation
from models.resample import to_network_grid
from models.sliding import probabilities
from models.vertebra import SpineSegmentation
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume

#: Axes of the network's grid that are turned round in search of a spine: (back), (head), (head and back).
_TURNS: tuple[tuple[tuple[int, ...], str], ...] = (
    ((1,), "front and back"),
    ((0,), "head and foot"),
    ((0, 1), "head and foot as well as front and back"),
)

#: So many bodies in a turned image are no chance.
_LEAST_TURNED_BODIES = 4


def segment_spine(volume: Volume, bundle: Bundle) -> SpineSegmentation | Reason:
    """The vertebral bodies of a CT, each with its level or with the reason why it has none.

    Runs on the bundle's device. Returns a `Reason` where nothing in the volume can be evaluated: values that are no HU,
    a mirrored image, no spine.
    """
    scale = check_hounsfield(volume)
    if scale.reason is not None:
        return scale.reason
    grid = to_network_grid(volume, bundle.card.spacing_mm)
    classes = probabilities(grid.hu, bundle)
    instances = find_instances(classes, bundle.card.spacing_mm)
    if instances is None:
        return _no_spine(grid, bundle)
    mirrored = check_orientation(classes, instances)
    if mirrored is not None:
        return mirrored
    spine = assemble_spine(volume, classes, grid.affine, instances)
    if isinstance(spine, Reason):
        return spine
    limitations = (LEFT_AND_RIGHT,) if scale.limitation is None else (scale.limitation, LEFT_AND_RIGHT)
    return replace(spine, limitations=limitations)


def _no_spine(grid: Volume, bundle: Bundle) -> Reason:
    """Why no spine was found: the image may lie mirrored in its coordinates, which shows when it is turned back."""
    for axes, exchanged in _TURNS:
        hu = grid.hu
        for axis in axes:
            hu = hu[(slice(None),) * axis + (slice(None, None, -1),)]
        classes = probabilities(hu, bundle)
        instances = find_instances(classes, bundle.card.spacing_mm)
        if (
            instances is not None
            and len(instances.spans_mm) >= _LEAST_TURNED_BODIES
            and check_orientation(classes, instances) is None
        ):
            return Reason(code=ReasonCode.MIRRORED, detail=f"A spine shows only with {exchanged} exchanged.")
    return Reason(code=ReasonCode.NO_SPINE, detail="No chain of at least three vertebral bodies was found.")
