"""A level model is made from what a network saw, and goes with that network alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from models.bundle import RIBS_CT, SPINE_CT, load_card
from models.levels.clues import Clue
from models.levels.file import load_levels, save_levels
from models.levels.model import LevelModel
from models.levels.naming import name_levels
from models.levels.rule import LevelRule
from node.domain.errors import ConfigurationError
from tests.builders.level_chains import true_chain
from training.levels import learn
from training.levels.chains import LevelsUnknown, TrueChain
from training.levels.counting import count_shares
from training.levels.learn import LevelPlan, chains_folder, keep_seen, learn_levels, see_person
from training.levels.weighing import Weights


def a_plan(work: Path, *, persons: int) -> LevelPlan:
    return LevelPlan(bundle=SPINE_CT, ribs=RIBS_CT, work=work, seed=4, persons=persons, scans_a_person=1)


def test_what_was_seen_before_is_not_drawn_again_and_makes_the_model(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, persons=40)
    seen = (true_chain("T9", "S1"), true_chain("C7", "L2"), true_chain("L1", "S1"), None)
    for person in range(plan.persons):
        keep_seen(chains_folder(plan), person, seen)
    watched: list[int] = []

    learned = learn_levels(plan, version="3", command="a command", watch=watched.append)

    assert watched == list(range(1, 41))
    assert (learned.version, learned.command) == ("3", "a command")
    assert learned.network_sha256 == load_card(SPINE_CT).weights_sha256
    assert learned.model.calibration is not None
    # three scans each in which something was seen
    assert learned.model.calibration.data.startswith("120 synthetic scans of 40 persons")
    names = name_levels(true_chain("T9", "S1").evidence, LevelRule(model=learned.model, asked=0.99)).labels
    assert [str(label.level) for label in names] == ["T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5", "None"]
    save_levels(tmp_path, learned)
    loaded = load_levels(tmp_path, load_card(SPINE_CT), load_card(RIBS_CT))
    assert loaded is not None
    assert loaded[0] == learned.model


def test_each_half_of_the_persons_weighs_clues_that_were_counted_on_the_other_where_there_is_a_place_to_count_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(tmp_path, persons=10)
    middle = true_chain("T2", "T10")
    halves = (true_chain("T9", "S1"), middle), (true_chain("C7", "L2"), middle)
    for person in range(plan.persons):
        keep_seen(chains_folder(plan), person, halves[person % 2])
    weighed: list[list[tuple[LevelModel, list[TrueChain]]]] = []

    def all_alike(counted: Iterable[tuple[LevelModel, Iterable[TrueChain]]]) -> Weights:
        weighed.append([(model, list(chains)) for model, chains in counted])
        return Weights(clues=dict.fromkeys(Clue, 1.0), size=1.0)

    monkeypatch.setattr(learn, "weigh", all_alike)
    learned = learn_levels(plan, version="3", command="a command", watch=lambda done: None)

    # the last model is that of all persons
    for (model, chains), own, others in zip(weighed[-1], halves, halves[::-1], strict=True):
        assert chains == [own[0]] * 5
        assert model.shares == count_shares([*others] * 5)
    assert learned.model.shares == count_shares([*halves[0], *halves[1]] * 5)


def test_a_person_is_drawn_scanned_and_looked_at(tmp_path: Path) -> None:
    (chain_seen,) = see_person(a_plan(tmp_path, persons=5), person=1)

    assert chain_seen is not None
    assert any(place is not None and place.level is not None for place in chain_seen.truth)


def test_a_network_that_sees_nothing_gets_no_level_model(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, persons=5)
    for person in range(plan.persons):
        keep_seen(chains_folder(plan), person, (None,))

    with pytest.raises(LevelsUnknown, match="in none of 0 scans was every body found"):
        learn_levels(plan, version="1", command="none", watch=lambda done: None)


def test_scans_without_a_landmark_cannot_calibrate(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, persons=5)
    for person in range(plan.persons):
        keep_seen(chains_folder(plan), person, (true_chain("T2", "T10"),))

    with pytest.raises(LevelsUnknown, match="was a landmark seen"):
        learn_levels(plan, version="1", command="none", watch=lambda done: None)


def test_too_few_persons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least 5 persons"):
        a_plan(tmp_path, persons=4)
