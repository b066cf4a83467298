"""How well each placement of a chain fits what its bodies show, and how sure that makes its names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from models.levels.clues import BINS, Clue, observe
from models.levels.evidence import Evidence
from models.levels.links import Links
from models.levels.placements import BELOW_RIBS, FIRST_PLACE, LAST_PLACE, Kind, Placement
from models.levels.ribs import LONG_MM
from models.levels.shares import check_shares
from node.domain.errors import ConfigurationError
from node.domain.geometry import Float64

#: Vertebrae that sizes are known of: one above T1, T1 to L5, one below.
SIZES = int(LAST_PLACE - FIRST_PLACE) + 3

#: A body that differs by more than this many standard deviations is broken or was cut: how much more does not matter.
MOST_DEVIATIONS = 3.0

#: Long ribs are those of a thoracic vertebra, however lumbar it looks to the network. Networks err, and so that is no
#: certainty: odds are multiplied by e to this power.
_LONG_RIBS_LOG_ODDS = -7.0

#: All that says how likely a placement is beside what was counted and `placements.LIMITS`.
LIMITS = (LONG_MM, _LONG_RIBS_LOG_ODDS)

#: Odds of a belief are told apart up to this power of e.
_MOST_LOG_ODDS = 12.0

#: Limits of a calibration curve.
MOST_SLOPE, MOST_INTERCEPT = 5.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeTable:
    """How a size of bodies goes along the spine.

    Parameters
    ----------
    log_means
        Logarithm of the mean, from the vertebra above T1 to the one below L5, shape (`SIZES`,).
    person_sd, own_sd
        How far persons differ as a whole, and each body of a person by itself; of logarithms.
    """

    log_means: tuple[float, ...]
    person_sd: float
    own_sd: float

    def __post_init__(self) -> None:
        known = bool(np.isfinite((*self.log_means, self.person_sd, self.own_sd)).all())
        if not known or len(self.log_means) != SIZES or min(self.person_sd, self.own_sd) <= 0.0:
            raise ConfigurationError(f"a size table must have {SIZES} means and positive deviations")

    def fit(self, log_sizes: Float64, places: Float64) -> float:
        """Log likelihood, but for a constant, of sizes at places of the spine, each of shape (n,)."""
        expected = np.interp(places, np.arange(SIZES) + FIRST_PLACE - 1.0, self.log_means)
        apart = log_sizes - expected
        person = float(apart.sum()) / (len(apart) + (self.own_sd / self.person_sd) ** 2)
        deviations = np.minimum(np.abs(apart - person) / self.own_sd, MOST_DEVIATIONS)
        return -0.5 * float((deviations**2).sum()) - 0.5 * (person / self.person_sd) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Tables of the area across the spine, mm2, and of the length along it, mm."""

    area: SizeTable
    length: SizeTable

    def fit(self, chain: Sequence[Evidence], placement: Placement) -> float:
        """Log likelihood, but for a constant; the first and the last body may be cut, and are left out."""
        inner = list(zip(chain, placement.places, strict=True))[1:-1]
        if not inner:
            return 0.0
        places = np.array([place.size_place for _, place in inner])
        lengths = np.log([body.length_mm for body, _ in inner])
        areas = np.log([body.volume_mm3 / body.length_mm for body, _ in inner])
        return self.area.fit(areas, places) + self.length.fit(lengths, places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """From the belief in a name to how often such names are right: a logistic curve of its log odds.

    Parameters
    ----------
    slope, intercept
        Of log odds.
    scans
        How many scans it was fitted on: n right ones do not show more than a probability of (n + 1) / (n + 2), by
        Laplace's rule of succession.
    data
        What they were, for people.
    """

    slope: float
    intercept: float
    scans: int
    data: str

    def __post_init__(self) -> None:
        if not (0.0 <= self.slope <= MOST_SLOPE and abs(self.intercept) <= MOST_INTERCEPT):
            raise ConfigurationError(
                f"a calibration must have a slope from 0 to {MOST_SLOPE:g} and an intercept within {MOST_INTERCEPT:g}, "
                f"got {self.slope} and {self.intercept}"
            )
        if self.scans < 1:
            raise ConfigurationError(f"a calibration must be fitted on a scan at least, got {self.scans}")

    @property
    def most(self) -> float:
        """The greatest probability that so many scans can show."""
        return (self.scans + 1.0) / (self.scans + 2.0)

    def probability(self, belief: float) -> float:
        """How often a name with this belief is right, 0 to 1; never more than the belief itself, and than `most`."""
        curve = float(special.expit(self.intercept + self.slope * log_odds(belief)))
        return min(max(belief, 0.0), curve, self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelModel:
    """A naive Bayes model of clues and sizes, its terms weighted, over placements of a chain.

    Parameters
    ----------
    shares
        How often each kind of vertebra shows each bin of a clue; every row sums to 1.
    weights
        Of each clue: less than 1 where its bodies and sides err together.
    links
        How likely neighbours in a chain are neighbours in the spine, `None` where that is taken for sure.
    sizes
        Tables of sizes, `None` where they are not to be used.
    size_weight
        As `weights`.
    calibration
        `None` where it was never compared with truth: then it gives scores, no probabilities.
    """

    shares: Mapping[Clue, Mapping[Kind, tuple[float, ...]]]
    weights: Mapping[Clue, float]
    links: Links | None = None
    sizes: Sizes | None = None
    size_weight: float = 0.0
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if set(self.shares) != set(Clue) or set(self.weights) != set(Clue):
            raise ConfigurationError(f"a level model must have shares and weights of {', '.join(Clue)}")
        if not all(0.0 <= weight < math.inf for weight in (*self.weights.values(), self.size_weight)):
            raise ConfigurationError("weights of a level model must not be negative")
        for clue, rows in self.shares.items():
            if set(rows) != set(Kind):
                raise ConfigurationError(f"the shares of {clue!r} must be given for {', '.join(Kind)}")
            for kind, row in rows.items():
                check_shares(row, BINS[clue], f"{clue} of {kind}")

    @property
    def term_weights(self) -> Float64:
        """Weights in the order of `terms`."""
        return np.array([*(self.weights[clue] for clue in Clue), self.size_weight])

    def terms(self, chain: Sequence[Evidence], candidates: Sequence[Placement]) -> Float64:
        """Log likelihood of every placement by each clue in the order of `Clue`, then by sizes: (placements, terms)."""
        clues, kinds = list(Clue), list(Kind)
        # Of every body, clue and kind; a chain has few bodies and many placements.
        table = np.zeros((len(chain), len(clues), len(kinds)))
        for row, body in zip(table, chain, strict=True):
            for seen in observe(body):
                for column, kind in enumerate(kinds):
                    row[clues.index(seen.clue), column] += math.log(
                        sum(self.shares[seen.clue][kind][bin_] for bin_ in seen.bins)
                    )
        bodies = np.arange(len(chain))
        terms = np.zeros((len(candidates), len(clues) + 1))
        for row, placement in zip(terms, candidates, strict=True):
            row[:-1] = table[bodies, :, [kinds.index(place.kind) for place in placement.places]].sum(0)
            if self.sizes is not None:
                row[-1] = self.sizes.fit(chain, placement)
        return terms

    def sound_links(self, chain: Sequence[Evidence]) -> tuple[float, ...]:
        """How likely bodies that follow each other are neighbours in the spine, from the head, 0 to 1."""
        return (1.0,) * (len(chain) - 1) if self.links is None else self.links.probabilities(chain)

    def beliefs(self, chain: Sequence[Evidence], candidates: Sequence[Placement]) -> Float64:
        """How much each placement is believed, shape (placements,), sum 1."""
        shares: Float64 = special.softmax(
            log_priors(chain, candidates) + self.terms(chain, candidates) @ self.term_weights
        )
        return shares


def log_priors(chain: Sequence[Evidence], candidates: Sequence[Placement]) -> Float64:
    """Logarithm of how likely each placement is by what is known of people, shape (placements,).

    How common variants are, and that long ribs are no lumbar ones. How often kinds show ribs of a length is counted as
    well: training may never show the long ribs of a vertebra that looks lumbar.
    """
    long_ribs = [min(body.rib_mm) >= LONG_MM for body in chain]
    return np.array(
        [
            placement.log_prior
            + _LONG_RIBS_LOG_ODDS
            * sum(long and place.kind in BELOW_RIBS for long, place in zip(long_ribs, placement.places, strict=True))
            for placement in candidates
        ]
    )


def log_odds(probability: float) -> float:
    """Logarithm of the odds, kept where it can be told from certainty."""
    return float(np.clip(special.logit(min(max(probability, 0.0), 1.0)), -_MOST_LOG_ODDS, _MOST_LOG_ODDS))
