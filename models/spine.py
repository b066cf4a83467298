"""From a CT volume to named vertebral bodies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models.assembly import assemble_spine
from models.bundle import Bundle
from models.instances import Instances, find_instances
from models.orientation import LEFT_AND_RIGHT, judge_orientation
from models.plausibility import check_hounsfield
from models.resample import to_network_grid
from models.sliding import probabilities
from models.vertebra import SpineSegmentation
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Float32, Volume

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedScan:
    """A scan on the network's grid, and what of it could not be checked."""

    grid: Volume
    limitations: tuple[str, ...]


def segment_spine(volume: Volume, bundle: Bundle) -> SpineSegmentation | Reason:
    """The vertebral bodies of a CT, each with its level or with the reason why it has none.

    Runs on the bundle's device. Returns a `Reason` where nothing in the volume can be evaluated: values that are no HU,
    a mirrored image, no spine.
    """
    scan = prepare_scan(volume, bundle)
    return scan if isinstance(scan, Reason) else find_spine(volume, scan, classify_tissue(scan, bundle), bundle)


def prepare_scan(volume: Volume, bundle: Bundle) -> PreparedScan | Reason:
    """The scan as the network takes it, or why its values are no HU."""
    scale = check_hounsfield(volume)
    if scale.reason is not None:
        return scale.reason
    grid = to_network_grid(volume, bundle.card.spacing_mm)
    return PreparedScan(grid=grid, limitations=() if scale.limitation is None else (scale.limitation,))


def classify_tissue(scan: PreparedScan, bundle: Bundle) -> Float32:
    """What the network says: the probability of every class, shape (class, k, j, i) on the network's grid."""
    return probabilities(scan.grid.hu, bundle)


def find_spine(volume: Volume, scan: PreparedScan, classes: Float32, bundle: Bundle) -> SpineSegmentation | Reason:
    """The bodies in what the network said of a scan.

    The network is asked again, of the scan turned round, only where no spine stands upright.
    """
    instances = find_instances(classes, bundle.card.spacing_mm)
    orientation = judge_orientation(classes, instances)
    mirrored = orientation.why_mirrored
    if mirrored is None and not orientation.upright:
        mirrored = _turned_spine(scan.grid, bundle, instances)
    if mirrored is not None:
        return mirrored
    if instances is None:
        return Reason(code=ReasonCode.NO_SPINE, detail="No chain of at least three vertebral bodies was found.")
    spine = assemble_spine(volume, classes, scan.grid.affine, instances)
    if isinstance(spine, Reason):
        return spine
    return replace(spine, limitations=(*scan.limitations, LEFT_AND_RIGHT))


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
            and judge_orientation(classes, turned).is_right
        ):
            return Reason(code=ReasonCode.MIRRORED, detail=f"A spine shows only with {exchanged} exchanged.")
    return None
