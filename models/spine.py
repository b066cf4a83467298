"""From a CT volume to named vertebral bodies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.assembly import assemble_spine
from models.bundle import Bundle
from models.instances import Instances, find_instances
from models.orientation import LEFT_AND_RIGHT, check_orientation, looks_upright
from models.plausibility import check_hounsfield
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

#: And they must be this many times as large together as what was found in the image as it lies.
_TURNED_SHARE = 2.0


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
    mirrored = None if instances is None else check_orientation(classes, instances)
    if mirrored is None and not looks_upright(classes, instances):
        mirrored = _turned_spine(grid, bundle, instances)
    if mirrored is not None:
        return mirrored
    if instances is None:
        return Reason(code=ReasonCode.NO_SPINE, detail="No chain of at least three vertebral bodies was found.")
    spine = assemble_spine(volume, classes, grid.affine, instances)
    if isinstance(spine, Reason):
        return spine
    limitations = (LEFT_AND_RIGHT,) if scale.limitation is None else (scale.limitation, LEFT_AND_RIGHT)
    return replace(spine, limitations=limitations)


def _turned_spine(grid: Volume, bundle: Bundle, upright: Instances | None) -> Reason | None:
    """Why the image must lie mirrored: a spine shows in it when it is turned back, and far less of one as it is."""
    least = 0 if upright is None else _TURNED_SHARE * np.count_nonzero(upright.labels)
    for axes, exchanged in _TURNS:
        classes = probabilities(np.flip(grid.hu, axes), bundle)
        turned = find_instances(classes, bundle.card.spacing_mm)
        if (
            turned is not None
            and len(turned.spans_mm) >= _LEAST_TURNED_BODIES
            and np.count_nonzero(turned.labels) > least
            and looks_upright(classes, turned)
            and check_orientation(classes, turned) is None
        ):
            return Reason(code=ReasonCode.MIRRORED, detail=f"A spine shows only with {exchanged} exchanged.")
    return None
