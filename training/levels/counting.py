"""Tables of a level model, counted on chains whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.levels.clues import BINS, Clue, observe
from models.levels.evidence import Evidence
from models.levels.links import LINK_BINS, LinkClue, Links, observe_links
from models.levels.model import SIZES, Sizes, SizeTable
from models.levels.naming import parts_of
from models.levels.placements import FIRST_PLACE, Kind
from node.domain.geometry import Float64
from training.levels.chains import LevelsUnknown, TrueChain

#: A size of a body.
_Size = Callable[[Evidence], float]

#: Counted in every bin before anything was seen: what was never seen may still happen.
_PSEUDO_COUNT = 0.5

#: Rounds after which shares change no more.
_ROUNDS = 20

#: So much of a person's bodies at each end does not count for their size: some are broken.
_TRIMMED = 0.2

#: Chains with fewer inner bodies say too little of how the bodies of one person differ.
_LEAST_INNER = 6

#: Deviations are never taken for smaller than this, of logarithms.
_LEAST_SD = 0.02


def count_shares(chains: Iterable[TrueChain]) -> Mapping[Clue, Mapping[Kind, tuple[float, ...]]]:
    """How often each kind of vertebra shows each bin of each clue.

    What may lie in several bins, as a rib that leaves the scan does, is shared among them as they are common
    (expectation maximisation): left out, long ribs would seem rarer than they are, for they are cut most.
    """
    seen = Counter(
        (observation.clue, place.kind, observation.bins)
        for chain in chains
        for body, place in zip(chain.evidence, chain.truth, strict=True)
        if place is not None
        for observation in observe(body)
    )
    shares = {clue: {kind: np.full(BINS[clue], 1.0 / BINS[clue]) for kind in Kind} for clue in Clue}
    for _ in range(_ROUNDS):
        counts = {clue: {kind: np.full(BINS[clue], _PSEUDO_COUNT) for kind in Kind} for clue in Clue}
        for (clue, kind, bins), count in seen.items():
            among = shares[clue][kind][bins.start : bins.stop]
            counts[clue][kind][bins.start : bins.stop] += count * among / among.sum()
        shares = {clue: {kind: row / row.sum() for kind, row in rows.items()} for clue, rows in counts.items()}
    return {clue: {kind: tuple(row.tolist()) for kind, row in rows.items()} for clue, rows in shares.items()}


def count_links(chains: Sequence[TrueChain]) -> Links:
    """How sound links look and how others do, which are few: chains count in which bodies were missed, too."""
    counts = {sound: {clue: np.full(LINK_BINS[clue], _PSEUDO_COUNT) for clue in LinkClue} for sound in (True, False)}
    numbers = dict.fromkeys(counts, _PSEUDO_COUNT)
    for chain in chains:
        for part in parts_of(chain.evidence):
            first, stop = part.bodies.start, part.bodies.stop
            seen = observe_links(chain.evidence[first:stop])
            for sound, bins in zip(chain.sound_links[first : stop - 1], seen, strict=True):
                numbers[sound] += 1.0
                for clue, bin_ in bins.items():
                    counts[sound][clue][bin_] += 1.0
    shares = {
        sound: {clue: tuple((row / row.sum()).tolist()) for clue, row in rows.items()} for sound, rows in counts.items()
    }
    return Links(sound_share=numbers[True] / sum(numbers.values()), sound=shares[True], unsound=shares[False])


def count_sizes(chains: Sequence[TrueChain]) -> Sizes:
    """Tables of area and length; the first and the last body of a chain may be cut, and are left out."""
    return Sizes(
        area=_table(chains, lambda body: body.volume_mm3 / body.length_mm),
        length=_table(chains, lambda body: body.length_mm),
    )


def _table(chains: Sequence[TrueChain], size: _Size) -> SizeTable:
    """Means by place, and how persons and single bodies differ from them; some bodies are broken."""
    rows = [row for chain in chains if len((row := _logarithms(chain, size))[0]) >= _LEAST_INNER]
    if not rows:
        raise LevelsUnknown(f"in none of {len(chains)} scans were {_LEAST_INNER} whole bodies found; take more persons")
    places = np.concatenate([places for places, _ in rows])
    persons = np.concatenate([np.full(len(places), number) for number, (places, _) in enumerate(rows)])
    values = np.concatenate([values for _, values in rows])
    offsets = np.zeros(len(rows))
    means = np.zeros(SIZES)
    # Means and persons in turn, until they agree.
    for _ in range(_ROUNDS):
        for place in range(SIZES):
            there = places == place
            means[place] = np.median((values - offsets[persons])[there]) if there.any() else np.nan
        known = np.flatnonzero(np.isfinite(means))
        means = np.interp(np.arange(SIZES), known, means[known])
        apart = values - means[places]
        offsets = np.array([stats.trim_mean(apart[persons == number], _TRIMMED) for number in range(len(rows))])
        offsets -= offsets.mean()
    own = values - means[places] - offsets[persons]
    # A person's offset takes up one of their deviations.
    freedom = len(own) / (len(own) - len(rows))
    return SizeTable(
        log_means=tuple(means.tolist()),
        person_sd=max(_LEAST_SD, float(stats.median_abs_deviation(offsets, scale="normal"))),
        own_sd=max(_LEAST_SD, float(stats.median_abs_deviation(own, scale="normal")) * freedom**0.5),
    )


def _logarithms(chain: TrueChain, size: _Size) -> tuple[NDArray[np.int64], Float64]:
    pairs = [
        (round(place.size_place - FIRST_PLACE + 1.0), np.log(size(body)))
        for body, place in list(zip(chain.evidence, chain.truth, strict=True))[1:-1]
        if place is not None
    ]
    places, values = (np.array(each) for each in zip(*pairs, strict=True)) if pairs else (np.zeros(0), np.zeros(0))
    return places.astype(np.int64), values.astype(np.float64)
