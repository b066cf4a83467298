"""What a network sees of the bodies of a scan, beside what they truly are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.backends.port import TissueBackend
from models.instances import find_instances
from models.levels.evidence import Evidence, gather_evidence
from models.levels.placements import Kind, Place
from models.plausibility import check_hounsfield
from models.resample import to_network_grid
from models.scan import PreparedScan
from node.domain.volume import UInt8, Volume

#: A found body is a true one where this share of its voxels is; what lies in none is no body.
_LEAST_COMMON = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueChain:
    """The bodies that were found in a scan, from head to foot.

    Parameters
    ----------
    evidence
        What each shows.
    truth
        What each is, `None` where there is no body.
    """

    evidence: tuple[Evidence, ...]
    truth: tuple[Place | None, ...]

    def __post_init__(self) -> None:
        if len(self.evidence) != len(self.truth):
            raise ValueError(f"every body must have a truth, got {len(self.evidence)} and {len(self.truth)}")

    @property
    def is_sound(self) -> bool:
        """Whether every vertebra from the first to the last was found once, and nothing else."""
        if any(place is None for place in self.truth):
            return False
        order = [_ORDER[place.kind] for place in self.truth if place is not None]
        named = [place.size_place for place in self.truth if place is not None and place.level is not None]
        steps = [second - first for first, second in pairwise(named)]
        return order == sorted(order) and all(0.5 < step < 1.5 for step in steps)


_ORDER = {kind: number for number, kind in enumerate(Kind)}


def see_chain(volume: Volume, truth: UInt8, places: Mapping[int, Place], network: TissueBackend) -> TrueChain | None:
    """The chain that a network sees in a scan, or `None` where it sees none.

    Parameters
    ----------
    truth
        On the grid of the volume.
    places
        What the values of the truth are.
    """
    if check_hounsfield(volume).reason is not None:
        return None
    scan = PreparedScan(volume=volume, grid=to_network_grid(volume, network.spacing_mm))
    classes = network.classify(scan)
    instances = find_instances(classes, network.spacing_mm)
    if instances is None:
        return None
    found = []
    for number in range(1, len(instances.spans_mm) + 1):
        voxels = scan.grid.affine.to_lps(np.argwhere(instances.labels == number).astype(np.float64))
        index = np.rint(volume.affine.to_index(voxels)).astype(int)
        inside = ((index >= 0) & (index < volume.shape)).all(axis=1)
        counts = np.bincount(truth[tuple(index[inside].T)], minlength=256)
        counts[0] = 0
        value = int(counts.argmax())
        found.append(places.get(value) if counts[value] >= _LEAST_COMMON * len(voxels) else None)
    return TrueChain(evidence=gather_evidence(classes, instances), truth=tuple(found))
