"""A level model for a network: counted, weighed and calibrated on whole synthetic scans."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter

from models.backends.own import OwnNetwork
from models.bundle import Bundle, load_bundle, load_card
from models.levels import evidence
from models.levels.clues import Clue
from models.levels.file import COUNTED_BY, LevelFile
from models.levels.model import LevelModel
from node.domain.errors import ConfigurationError
from training.anatomy.template import build_template
from training.levels import scans
from training.levels.calibrating import calibrate, judge
from training.levels.chains import LevelsUnknown, TrueChain, see_chain
from training.levels.counting import count_links, count_shares, count_sizes
from training.levels.scans import View, draw_level_scan
from training.levels.weighing import EXPECTED, weigh
from training.pool import Stream

#: Persons are judged in so many groups, each by a model that was made of the others.
_GROUPS = 5

#: So many processes draw and look at once, each on one core.
_PROCESSES = 2

#: What each person is scanned for, and how often.
_VIEW_SHARES = {
    View.CHEST: 0.2,
    View.ABDOMEN: 0.2,
    View.UPPER_ABDOMEN: 0.2,
    View.LUMBAR: 0.15,
    View.TRUNK: 0.15,
    View.MIDDLE: 0.1,
}

_CHAINS = TypeAdapter(tuple[TrueChain | None, ...])

#: Told after each person how many are done.
Watcher = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPlan:
    """How a level model is made.

    Parameters
    ----------
    bundle, ribs
        Folders of the networks whose errors are counted: of the whole scan, and of the ribs of one vertebra.
    work
        Folder for what it saw; resumed from.
    seed
        Everything random follows from it.
    persons
        How many trunks are drawn: to show that one name in a hundred is wrong takes several hundred scans.
    scans_a_person
        How many scans of each.
    """

    bundle: Path
    ribs: Path
    work: Path
    seed: int
    persons: int = 95
    scans_a_person: int = 6

    def __post_init__(self) -> None:
        if self.persons < _GROUPS or self.scans_a_person < 1:
            raise ConfigurationError(
                f"a level model needs at least {_GROUPS} persons and a scan of each, "
                f"got {self.persons} and {self.scans_a_person}"
            )


def learn_levels(plan: LevelPlan, *, version: str, command: str, watch: Watcher) -> LevelFile:
    """Count and weigh on all persons, and calibrate on each by a model that was made of others.

    Raises
    ------
    LevelsUnknown
        Where the network sees too little.
    """
    persons = [tuple(chain for chain in person if chain is not None) for person in _seen(plan, watch)]
    judged = []
    for group in range(_GROUPS):
        others = _model_of([person for number, person in enumerate(persons) if number % _GROUPS != group])
        judged += [
            scan for person in persons[group::_GROUPS] for chain in person if (scan := judge(chain, others)).odds
        ]
    if not judged:
        raise LevelsUnknown(f"in no scan of {len(persons)} persons was a landmark seen; the network is of no use here")
    calibration = calibrate(
        judged,
        data=f"{len(judged)} synthetic scans of {len(persons)} persons of the family that the network learned from, "
        "each judged by what was counted on others",
    )
    card, ribs = load_card(plan.bundle), load_card(plan.ribs)
    return LevelFile(
        version=version,
        network_sha256=card.weights_sha256,
        spacing_mm=card.spacing_mm,
        ribs_sha256=ribs.weights_sha256,
        ribs_spacing_mm=ribs.spacing_mm,
        counted_by=COUNTED_BY,
        command=command,
        model=replace(_model_of(persons), calibration=calibration),
    )


def _model_of(persons: Sequence[tuple[TrueChain, ...]]) -> LevelModel:
    """Counted on all persons, with weights from each half of them on what was counted on the other.

    Chains without a place to count from, as of a chest without its last ribs, do not say what clues weigh.
    """
    halves = persons[::2], persons[1::2]
    weights = weigh(
        (_count(others), [chain for person in half for chain in person if chain.is_sound and chain.shows_landmark])
        for half, others in (halves, halves[::-1])
    )
    return replace(_count(persons), weights=weights.clues, size_weight=weights.size)


def _count(persons: Sequence[tuple[TrueChain, ...]]) -> LevelModel:
    chains = [chain for person in persons for chain in person]
    sound = [chain for chain in chains if chain.is_sound]
    if not sound:
        raise LevelsUnknown(f"in none of {len(chains)} scans was every body found; the network is of no use here")
    return LevelModel(
        shares=count_shares(sound),
        weights=dict.fromkeys(Clue, EXPECTED),
        links=count_links(chains),
        sizes=count_sizes(sound),
        size_weight=EXPECTED,
    )


def chains_folder(plan: LevelPlan) -> Path:
    """Where lies what these networks saw of these persons, and of no others."""
    card, ribs = load_card(plan.bundle), load_card(plan.ribs)
    networks = "-".join(
        f"{each.weights_sha256[:12]}-{'x'.join(f'{mm:g}' for mm in each.spacing_mm)}" for each in (card, ribs)
    )
    forms = f"{evidence.FORM}-{scans.FORM}"
    return plan.work / f"chains-{networks}-{forms}-{plan.seed}-{plan.scans_a_person}"


def keep_seen(folder: Path, person: int, chains: tuple[TrueChain | None, ...]) -> None:
    """Write what the network saw of a person's scans, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, person)
    partial = path.with_suffix(".partial")
    partial.write_bytes(_CHAINS.dump_json(chains))
    partial.rename(path)


def _path(folder: Path, person: int) -> Path:
    return folder / f"{person:04d}.json"


def _seen(plan: LevelPlan, watch: Watcher) -> Iterator[tuple[TrueChain | None, ...]]:
    """What the network sees of each person's scans, drawn by some processes and kept on disk."""
    folder = chains_folder(plan)
    with ProcessPoolExecutor(_PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {
            person: pool.submit(_see_and_keep, plan, folder, person)
            for person in range(plan.persons)
            if not _path(folder, person).exists()
        }
        try:
            for person in range(plan.persons):
                if person in waiting:
                    waiting[person].result()
                watch(person + 1)
                yield _CHAINS.validate_json(_path(folder, person).read_bytes())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _see_and_keep(plan: LevelPlan, folder: Path, person: int) -> None:
    keep_seen(folder, person, see_person(plan, person))


def see_person(plan: LevelPlan, person: int) -> tuple[TrueChain | None, ...]:
    """Draw a person and some scans of them, and look at each with the network."""
    torch.set_num_threads(1)
    template = build_template(np.random.default_rng((plan.seed, Stream.LEVEL_TEMPLATES, person)))
    found = []
    for scan in range(plan.scans_a_person):
        rng = np.random.default_rng((plan.seed, Stream.LEVEL_SCANS, person, scan))
        views, shares = zip(*_VIEW_SHARES.items(), strict=True)
        view = views[int(rng.choice(len(views), p=shares))]
        drawn = draw_level_scan(template, rng, view)
        found.append(see_chain(drawn.volume, drawn.truth, _network(plan.bundle), _ribs(plan.ribs)))
    return tuple(found)


@cache
def _network(bundle: Path) -> OwnNetwork:
    return OwnNetwork(load_bundle(bundle, torch.device("cpu")))


@cache
def _ribs(bundle: Path) -> Bundle:
    return load_bundle(bundle, torch.device("cpu"))
