"""What a network sees of the bodies of a scan, beside what they truly are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.backends.port import TissueBackend
from models.bundle import Bundle
from models.levels.evidence import Evidence
from models.levels.placements import USUAL_THORACIC, VARIANTS, Kind, Place, tells_thoracic
from models.own_ribs import look_at_ribs
from models.spine import find_bodies, prepare_scan
from node.domain.errors import NodeError
from node.domain.geometry import Float64
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason
from node.domain.volume import UInt8, Volume

#: A found body is a true one where this share of its voxels is; what lies in none is no body.
_LEAST_COMMON = 0.3

#: Spines that the model knows, by thoracic and lumbar vertebrae.
_KNOWN = {(thoracic, lumbar) for thoracic, lumbar, _ in VARIANTS}

#: Places of neighbours in the spine differ by this.
_LEAST_STEP, _MOST_STEP = 0.5, 1.5


class LevelsUnknown(NodeError):
    """What a network sees is not enough to make a level model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueChain:
    """The bodies that were found in a scan, from head to foot.

    Parameters
    ----------
    evidence
        What each shows.
    truth
        What each is, `None` where there is no body.
    thoracic, lumbar
        How many vertebrae of the kind the person has.
    """

    evidence: tuple[Evidence, ...]
    truth: tuple[Place | None, ...]
    thoracic: int
    lumbar: int

    def __post_init__(self) -> None:
        if len(self.evidence) != len(self.truth):
            raise ValueError(f"every body must have a truth, got {len(self.evidence)} and {len(self.truth)}")

    @property
    def is_sound(self) -> bool:
        """Whether every vertebra from the first to the last was found once, and nothing else."""
        return None not in self.truth and all(self.sound_links)

    @property
    def sound_links(self) -> tuple[bool, ...]:
        """Whether bodies that follow each other are neighbours in the spine."""
        return tuple(
            above is not None and below is not None and _follows(above, below) for above, below in pairwise(self.truth)
        )

    @property
    def shows_landmark(self) -> bool:
        """Whether a place to count from was found: T12 and L1, or the last lumbar vertebra and the sacrum."""
        kinds = {place.kind for place in self.truth if place is not None}
        return {Kind.LAST_THORACIC, Kind.FIRST_LUMBAR} <= kinds or {Kind.LAST_LUMBAR, Kind.SACRAL} <= kinds

    def names(self, bodies: slice) -> tuple[VertebralLevel | None, ...]:
        """The true names of some bodies, as a reader gives them who sees no others.

        Where they do not tell how many thoracic vertebrae there are, or the model knows no such spine, the last
        thoracic one is the twelfth (`models.levels.placements.placements`), and what would be above T1 has no name.
        """
        is_told = (self.thoracic, self.lumbar) in _KNOWN and tells_thoracic(self.truth[bodies], self.lumbar)
        shift = 0 if is_told else USUAL_THORACIC - self.thoracic
        return tuple(None if place is None else _shifted(place.level, shift) for place in self.truth[bodies])


def _follows(above: Place, below: Place) -> bool:
    """Whether a vertebra is the next one below another; cervical and sacral ones have no numbers."""
    if above.level is None and below.level is None:
        return above.kind is below.kind
    # Neighbours are between 0.8 and 1.33 places apart, by how many a spine has.
    return _LEAST_STEP < below.size_place - above.size_place < _MOST_STEP


def _shifted(level: VertebralLevel | None, by: int) -> VertebralLevel | None:
    if level is None or not level.is_thoracic or not by:
        return level
    number = int(level[1:]) + by
    return VertebralLevel(f"T{number}") if number > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TruthMap:
    """What the bodies of a scan are.

    Parameters
    ----------
    values
        On the grid of the scan, 0 where no body is.
    places
        What each value is.
    thoracic, lumbar
        How many vertebrae of the kind the person has.
    """

    values: UInt8
    places: Mapping[int, Place]
    thoracic: int
    lumbar: int


def see_chain(volume: Volume, truth: TruthMap, network: TissueBackend, ribs: Bundle) -> TrueChain | None:
    """The chain that networks see in a scan, or `None` where nothing could be named: no spine, no HU, mirrored."""
    scan = prepare_scan(volume, network)
    if isinstance(scan, Reason):
        return None
    bodies = find_bodies(scan, network.classify(scan), network)
    if isinstance(bodies, Reason):
        return None
    bodies = look_at_ribs(scan.volume, bodies, ribs)
    labels = bodies.instances.labels
    found = tuple(
        _place_of(scan.grid.affine.to_lps(np.argwhere(labels == number).astype(np.float64)), volume, truth)
        for number in range(1, len(bodies.evidence) + 1)
    )
    return TrueChain(evidence=bodies.evidence, truth=found, thoracic=truth.thoracic, lumbar=truth.lumbar)


def _place_of(points: Float64, volume: Volume, truth: TruthMap) -> Place | None:
    """What a found body truly is, from the centres of its voxels, shape (n, 3), LPS in mm."""
    index = np.rint(volume.affine.to_index(points)).astype(int)
    inside = ((index >= 0) & (index < volume.shape)).all(axis=1)
    counts = np.bincount(truth.values[tuple(index[inside].T)], minlength=256)
    counts[0] = 0
    value = int(counts.argmax())
    return truth.places.get(value) if counts[value] >= _LEAST_COMMON * len(points) else None
