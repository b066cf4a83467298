"""A level model that was reasoned and not counted, for networks whose errors nobody has counted."""

from __future__ import annotations

from models.levels.clues import Clue
from models.levels.model import LevelModel
from models.levels.placements import BELOW_RIBS, Kind

# Ribs are missed or short at T12, transverse processes are taken for ribs, and S1 may be weak. None, a speck, a stub,
# very short, short, middle, long, and as the upper ribs; of one side.
_RIB: dict[Kind, tuple[float, ...]] = {
    Kind.CERVICAL: (0.860, 0.020, 0.020, 0.020, 0.030, 0.030, 0.010, 0.010),
    Kind.FIRST_THORACIC: (0.040, 0.010, 0.010, 0.050, 0.090, 0.400, 0.300, 0.100),
    Kind.THORACIC: (0.020, 0.005, 0.005, 0.015, 0.025, 0.130, 0.300, 0.500),
    Kind.LAST_BUT_ONE_THORACIC: (0.020, 0.005, 0.005, 0.025, 0.045, 0.300, 0.300, 0.300),
    Kind.LAST_THORACIC: (0.080, 0.040, 0.080, 0.120, 0.160, 0.360, 0.110, 0.050),
    Kind.FIRST_LUMBAR: (0.710, 0.100, 0.120, 0.025, 0.015, 0.015, 0.010, 0.005),
    Kind.LUMBAR: (0.800, 0.050, 0.120, 0.007, 0.005, 0.008, 0.005, 0.005),
    Kind.LAST_LUMBAR: (0.845, 0.050, 0.070, 0.008, 0.007, 0.010, 0.005, 0.005),
    Kind.SACRAL: (0.945, 0.012, 0.008, 0.008, 0.007, 0.010, 0.005, 0.005),
}

# The own ribs, looked at closely: none, hardly any, doubtful, faint, a pair.
_OWN_RIBS: dict[Kind, tuple[float, ...]] = {
    Kind.LAST_THORACIC: (0.02, 0.03, 0.04, 0.08, 0.83),
    Kind.FIRST_LUMBAR: (0.75, 0.13, 0.07, 0.03, 0.02),
}
_WITHOUT_RIBS = {Kind.CERVICAL, *BELOW_RIBS}
_SURELY_RIBS, _SURELY_NONE = (0.015, 0.005, 0.01, 0.02, 0.95), (0.85, 0.08, 0.04, 0.02, 0.01)

# Share of cervical votes: hardly any, few, half, most, nearly all.
_CERVICAL_VOTE: dict[Kind, tuple[float, ...]] = {
    Kind.CERVICAL: (0.04, 0.06, 0.15, 0.25, 0.50),
    Kind.FIRST_THORACIC: (0.60, 0.20, 0.12, 0.05, 0.03),
}
_NOT_CERVICAL = (0.94, 0.03, 0.01, 0.01, 0.01)

# Share of lumbar among lumbar and thoracic ones, from hardly any to nearly all.
_THORACIC_VOTE = (0.45, 0.15, 0.09, 0.06, 0.15, 0.035, 0.015, 0.02, 0.03)
_LUMBAR_VOTE = _THORACIC_VOTE[::-1]
_VOTES: dict[Kind, tuple[float, ...]] = {
    Kind.CERVICAL: (0.25, 0.15, 0.12, 0.08, 0.20, 0.07, 0.03, 0.05, 0.05),
    Kind.FIRST_THORACIC: _THORACIC_VOTE,
    Kind.THORACIC: _THORACIC_VOTE,
    Kind.LAST_BUT_ONE_THORACIC: _THORACIC_VOTE,
    Kind.LAST_THORACIC: _THORACIC_VOTE,
}

# S1 by its votes, the sacrum beside it and below: of S1, and of other bodies.
_SACRAL: dict[Clue, tuple[tuple[float, ...], tuple[float, ...]]] = {
    Clue.SACRAL_VOTE: ((0.08, 0.12, 0.20, 0.60), (0.92, 0.05, 0.02, 0.01)),
    Clue.SACRUM_BESIDE: ((0.08, 0.12, 0.25, 0.55), (0.90, 0.06, 0.03, 0.01)),
}
_BELOW: dict[Kind, tuple[float, ...]] = {
    Kind.LAST_LUMBAR: (0.06, 0.12, 0.30, 0.52),
    Kind.SACRAL: (0.10, 0.15, 0.25, 0.50),
}
_NOTHING_BELOW = (0.92, 0.05, 0.02, 0.01)


def _shares(clue: Clue, kind: Kind) -> tuple[float, ...]:
    match clue:
        case Clue.RIB:
            return _RIB[kind]
        case Clue.OWN_RIBS:
            return _OWN_RIBS.get(kind, _SURELY_NONE if kind in _WITHOUT_RIBS else _SURELY_RIBS)
        case Clue.CERVICAL_VOTE:
            return _CERVICAL_VOTE.get(kind, _NOT_CERVICAL)
        case Clue.LUMBAR_VOTE:
            return _VOTES.get(kind, _LUMBAR_VOTE)
        case Clue.SACRUM_BELOW:
            return _BELOW.get(kind, _NOTHING_BELOW)
        case _:
            return _SACRAL[clue][0 if kind is Kind.SACRAL else 1]


#: Sides of one vertebra err together, and votes rest on the same picture as ribs do: two of them count as less.
PLAUSIBLE = LevelModel(
    shares={clue: {kind: _shares(clue, kind) for kind in Kind} for clue in Clue},
    weights=dict.fromkeys(Clue, 0.7),
)
