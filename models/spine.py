"""From a CT volume to named vertebral bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.assembly import assemble_spine
from models.backends.port import TissueBackend
from models.bodies import FoundBodies, found_bodies
from models.bundle import Bundle
from models.chain import Chain, chain_of
from models.instances import Instances, find_instances
from models.levels.rule import LevelRule
from models.orientation import LEFT_AND_RIGHT, judge_orientation
from models.own_ribs import look_at_ribs
from models.plausibility import check_hounsfield
from models.refine import FineBody, refine_bodies
from models.resample import to_network_grid
from models.scan import PreparedScan
from models.vertebra import SpineSegmentation
from node.domain.provenance import ModelIdentity
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpineModel:
    """What finds vertebral bodies and names them.

    Parameters
    ----------
    tissue
        Sees the whole scan on a coarse grid.
    ribs
        Sees the ribs of one vertebra on a fine grid, its classes are `RibClass`.
    body
        Sees one body on a fine grid, its classes are `BodyClass`.
    levels
        When a body gets a name.
    levels_identity
        Which level model that is; `None` where it was reasoned and not learned.
    """

    tissue: TissueBackend
    ribs: Bundle
    body: Bundle
    levels: LevelRule
    levels_identity: ModelIdentity | None = None

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Which models they are, in the order in which they are asked."""
        named = () if self.levels_identity is None else (self.levels_identity,)
        return (self.tissue.identity, self.ribs.card.identity, *named, self.body.card.identity)

    @property
    def training_data(self) -> str:
        """What they were trained on, in sentences."""
        data = (self.tissue.training_data, *(bundle.card.training.data for bundle in (self.ribs, self.body)))
        return " ".join(dict.fromkeys(data))


def segment_spine(volume: Volume, model: SpineModel) -> SpineSegmentation | Reason:
    """The vertebral bodies of a CT, each with its level or with the reason why it has none.

    Runs on the device of the networks. Returns a `Reason` where nothing in the volume can be evaluated: values that are
    no HU, a mirrored image, no spine.
    """
    scan = prepare_scan(volume, model.tissue)
    return scan if isinstance(scan, Reason) else find_spine(scan, model.tissue.classify(scan), model)


def find_spine(scan: PreparedScan, classes: Float32, model: SpineModel) -> SpineSegmentation | Reason:
    """The bodies in what the first network said of a scan."""
    bodies = find_bodies(scan, classes, model.tissue)
    if isinstance(bodies, Reason):
        return bodies
    chain = chain_of(look_at_ribs(scan.volume, bodies, model.ribs), model.levels)
    return draw_bodies(scan, chain, see_bodies(scan, chain, model.body))


def prepare_scan(volume: Volume, tissue: TissueBackend) -> PreparedScan | Reason:
    """The scan as the first network takes it, or why its values are no HU."""
    scale = check_hounsfield(volume)
    if scale.reason is not None:
        return scale.reason
    grid = to_network_grid(volume, tissue.spacing_mm)
    return PreparedScan(volume=volume, grid=grid, limitations=() if scale.limitation is None else (scale.limitation,))


def find_bodies(scan: PreparedScan, classes: Float32, tissue: TissueBackend) -> FoundBodies | Reason:
    """The bodies in what the first network said of a scan, and what each shows.

    That network is asked again, of the scan turned round, only where no spine stands upright.

    Parameters
    ----------
    classes
        Probability of every class, shape (class, k, j, i) on the network's grid.
    """
    instances = find_instances(classes, tissue.spacing_mm)
    orientation = judge_orientation(classes, instances)
    mirrored = orientation.why_mirrored
    if mirrored is None and not orientation.upright:
        mirrored = _turned_spine(scan, tissue, instances)
    if mirrored is not None:
        return mirrored
    if instances is None:
        return Reason(code=ReasonCode.NO_SPINE, detail="No chain of at least three vertebral bodies was found.")
    return found_bodies(classes, scan.grid.affine, instances)


def see_bodies(scan: PreparedScan, chain: Chain, body: Bundle) -> dict[int, FineBody]:
    """What the network of single bodies says of every vertebra, by its label in the chain."""
    return refine_bodies(scan.volume, chain, numbers=chain.vertebrae, bundle=body)


def draw_bodies(scan: PreparedScan, chain: Chain, seen: Mapping[int, FineBody]) -> SpineSegmentation | Reason:
    """The bodies as masks on the grid of the scan."""
    spine = assemble_spine(scan.volume, chain, seen)
    if isinstance(spine, Reason):
        return spine
    return replace(spine, limitations=(*scan.limitations, LEFT_AND_RIGHT, *spine.limitations))


def _turned_spine(scan: PreparedScan, tissue: TissueBackend, upright: Instances | None) -> Reason | None:
    """Why the image must lie mirrored: turned back it shows a spine with its arches, no smaller than as it is."""
    least = 0 if upright is None else np.count_nonzero(upright.labels)
    for axes, exchanged in _TURNS:
        classes = tissue.classify(scan, flipped=axes)
        turned = find_instances(classes, tissue.spacing_mm)
        if (
            turned is not None
            and len(turned.spans_mm) >= _LEAST_TURNED_BODIES
            and np.count_nonzero(turned.labels) >= least
            and judge_orientation(classes, turned).is_right
        ):
            return Reason(code=ReasonCode.MIRRORED, detail=f"A spine shows only with {exchanged} exchanged.")
    return None
