"""Beliefs follow Bayes' rule, and calibrated ones the curve that was fitted."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle import SPINE_CT, load_card
from models.card import ModelCard
from models.levels.clues import BINS, Clue
from models.levels.file import COUNTED_BY, LEVELS, LevelFile, load_levels, save_levels
from models.levels.model import SIZES, Calibration, LevelModel, Sizes, SizeTable
from models.levels.placements import Kind, placements
from models.levels.plausible import PLAUSIBLE
from node.domain.errors import ConfigurationError
from node.domain.levels import VertebralLevel
from tests.builders.level_chains import chain, places
from tests.builders.level_files import level_file

BLIND = LevelModel(
    shares={clue: dict.fromkeys(Kind, (1.0 / BINS[clue],) * BINS[clue]) for clue in Clue},
    weights=dict.fromkeys(Clue, 1.0),
)


def test_without_evidence_every_placement_is_believed_as_often_as_its_spine_is_common() -> None:
    candidates = placements(4)
    priors = np.exp([placement.log_prior for placement in candidates])

    posterior = BLIND.beliefs(chain(places("L1", "L4")), candidates)

    assert posterior == pytest.approx(priors / priors.sum())


def test_one_clue_changes_beliefs_by_the_ratio_of_its_shares_to_the_power_of_its_weight() -> None:
    shares = dict(BLIND.shares[Clue.SACRAL_VOTE]) | {Kind.SACRAL: (0.1, 0.1, 0.1, 0.7)}
    model = replace(
        BLIND,
        shares=dict(BLIND.shares) | {Clue.SACRAL_VOTE: shares},
        weights=dict(BLIND.weights) | {Clue.SACRAL_VOTE: 0.5},
    )
    shown = chain(places("L5", "S1"))
    candidates = placements(2)
    blind, seeing = BLIND.beliefs(shown, candidates), model.beliefs(shown, candidates)

    ends = [
        index for index, placement in enumerate(candidates) if placement.levels[0] == "L5" and placement.lumbar == 5
    ]
    others = [index for index, placement in enumerate(candidates) if placement.levels == ("L1", "L2")]
    # the second body looks sacral (bin 3), the first does not (bin 0): 0.7 against 0.25
    ratio = (seeing[ends[0]] / seeing[others[0]]) / (blind[ends[0]] / blind[others[0]])
    assert ratio == pytest.approx((0.7 / 0.25) ** 0.5)


@pytest.mark.parametrize("level", [VertebralLevel.L1, VertebralLevel.L3, VertebralLevel.L5, None])
@pytest.mark.parametrize(
    ("ribs_mm", "log_odds"), [((41.0, 60.0), -7.0), ((39.0, 60.0), 0.0)], ids=["both are long", "one is not"]
)
def test_a_pair_of_long_ribs_tells_that_a_vertebra_is_no_lumbar_one_and_no_sacral_one(
    ribs_mm: tuple[float, float], log_odds: float, level: VertebralLevel | None
) -> None:
    lower = chain(places("L1", "L2"))
    candidates = placements(2)
    names = [placement.levels for placement in candidates]
    thoracic = next(index for index, (_, last) in enumerate(names) if last is VertebralLevel.T12)
    # without a name below one with a name: the sacrum
    lumbar = next(index for index, (upper, last) in enumerate(names) if last is level and upper is not None)
    before = BLIND.beliefs(lower, candidates)

    ribbed = BLIND.beliefs([lower[0], replace(lower[1], rib_mm=ribs_mm)], candidates)

    ratio = (ribbed[lumbar] / ribbed[thoracic]) / (before[lumbar] / before[thoracic])
    assert math.log(ratio) == pytest.approx(log_odds)


@pytest.mark.parametrize(
    ("shown", "thoracic", "lumbar"),
    [(("T8", "S1"), 12, 5), (("C7", "L2"), 12, 5), (("T8", "S1"), 12, 6), (("C7", "L1"), 11, 5), (("C7", "L1"), 13, 5)],
)
def test_a_chain_without_errors_is_placed_where_it_lies(shown: tuple[str, str], thoracic: int, lumbar: int) -> None:
    true = places(*shown, thoracic=thoracic, lumbar=lumbar)
    candidates = placements(len(true))

    best = candidates[int(PLAUSIBLE.beliefs(chain(true), candidates).argmax())]

    assert best.levels == tuple(place.level for place in true)


def test_sizes_that_are_all_larger_by_a_factor_are_a_large_person() -> None:
    table = SizeTable(log_means=tuple(0.05 * place for place in range(SIZES)), person_sd=0.1, own_sd=0.02)
    where = np.arange(3.0, 8.0)
    expected = 0.05 * (where + 1.0)

    fit = table.fit(expected + 0.1, where)

    # the person takes 0.1 n / (n + own^2 / person^2) of it, each body the rest
    person = 0.1 * 5 / (5 + 0.04)
    assert fit == pytest.approx(-0.5 * 5 * ((0.1 - person) / 0.02) ** 2 - 0.5 * (person / 0.1) ** 2)


def test_one_crushed_body_says_no_more_than_three_standard_deviations() -> None:
    table = SizeTable(log_means=(0.0,) * SIZES, person_sd=1e-6, own_sd=0.1)
    where = np.arange(5.0)

    crushed, flat = (np.array([0.0, 0.0, value, 0.0, 0.0]) for value in (-0.5, -2.0))

    assert table.fit(crushed, where) == pytest.approx(-4.5, abs=1e-3)
    assert table.fit(flat, where) == pytest.approx(-4.5, abs=1e-3)


def test_the_first_and_the_last_body_have_no_size() -> None:
    table = SizeTable(log_means=(0.0,) * SIZES, person_sd=1.0, own_sd=1.0)
    shown = list(chain(places("L1", "L4")))
    placement = placements(4)[0]
    sizes = Sizes(area=table, length=table)
    before = sizes.fit(shown, placement)

    shown[0] = replace(shown[0], length_mm=1.0)
    shown[-1] = replace(shown[-1], volume_mm3=1.0)

    assert sizes.fit(shown, placement) == before


def test_a_calibration_of_slope_one_leaves_beliefs_as_they_are() -> None:
    plain = Calibration(slope=1.0, intercept=0.0, scans=10_000, data="none")
    humble = Calibration(slope=0.5, intercept=-1.0, scans=10_000, data="none")

    assert plain.probability(0.9) == pytest.approx(0.9)
    assert humble.probability(0.9) == pytest.approx(1.0 / (1.0 + math.exp(1.0 - 0.5 * math.log(9.0))))
    assert plain.probability(1.0) == 1.0 - 1.0 / 10_002.0
    assert Calibration(slope=1.0, intercept=3.0, scans=10_000, data="none").probability(0.9) == 0.9


@pytest.mark.parametrize(("slope", "intercept"), [(-0.1, 0.0), (1000.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_a_curve_that_is_none_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ConfigurationError, match="a calibration must have a slope"):
        Calibration(slope=slope, intercept=intercept, scans=10_000, data="none")


def test_a_table_that_does_not_sum_to_one_is_refused() -> None:
    rows = dict(BLIND.shares[Clue.RIB]) | {Kind.LUMBAR: (0.2, *(0.1,) * 7)}

    with pytest.raises(ConfigurationError, match="positive shares of sum 1"):
        replace(BLIND, shares=dict(BLIND.shares) | {Clue.RIB: rows})


def test_numbers_that_are_none_are_refused() -> None:
    rows = dict(BLIND.shares[Clue.RIB]) | {Kind.LUMBAR: (0.4, *(0.1,) * 6, math.nan)}

    with pytest.raises(ConfigurationError, match="positive shares"):
        replace(BLIND, shares=dict(BLIND.shares) | {Clue.RIB: rows})
    with pytest.raises(ConfigurationError, match="must not be negative"):
        replace(BLIND, size_weight=math.nan)
    with pytest.raises(ConfigurationError, match="positive deviations"):
        SizeTable(log_means=(0.1,) * SIZES, person_sd=math.nan, own_sd=0.05)
    with pytest.raises(ConfigurationError, match="a calibration must have a slope"):
        Calibration(slope=math.nan, intercept=0.0, scans=10_000, data="none")


@pytest.fixture
def card() -> ModelCard:
    return load_card(SPINE_CT)


@pytest.fixture
def file(card: ModelCard) -> LevelFile:
    table = SizeTable(log_means=(0.1,) * SIZES, person_sd=0.1, own_sd=0.05)
    model = replace(
        PLAUSIBLE,
        sizes=Sizes(area=table, length=table),
        size_weight=0.3,
        calibration=Calibration(slope=0.7, intercept=0.2, scans=10_000, data="12 scans"),
    )
    return level_file(model, card, card, version="1")


def test_a_level_model_is_read_as_it_was_written(tmp_path: Path, file: LevelFile, card: ModelCard) -> None:
    save_levels(tmp_path, file)

    loaded = load_levels(tmp_path, card, card)

    assert loaded is not None
    assert loaded[0] == file.model
    assert (loaded[1].name, loaded[1].version) == ("spine-levels", "1")


@pytest.mark.parametrize("kind", Kind)
def test_by_reason_thoracic_vertebrae_show_ribs_at_a_close_look_and_no_others(kind: Kind) -> None:
    none, *_, pair = PLAUSIBLE.shares[Clue.OWN_RIBS][kind]

    assert (pair > none) is ("thoracic" in kind)


def test_a_level_model_goes_with_its_network_and_grid_alone(tmp_path: Path, file: LevelFile, card: ModelCard) -> None:
    save_levels(tmp_path, file)

    for other in (replace(card, weights_sha256="b" * 64), replace(card, spacing_mm=(4.0, 4.0, 4.0))):
        with pytest.raises(ConfigurationError, match="goes with weights"):
            load_levels(tmp_path, other, card)


def test_a_level_model_goes_with_the_network_that_saw_the_ribs_alone(
    tmp_path: Path, file: LevelFile, card: ModelCard
) -> None:
    save_levels(tmp_path, file)

    for other in (replace(card, weights_sha256="b" * 64), replace(card, spacing_mm=(2.0, 2.0, 2.0))):
        with pytest.raises(ConfigurationError, match=r"that see ribs.*workers\.ribs_bundle"):
            load_levels(tmp_path, card, other)


def test_a_level_model_that_was_counted_otherwise_or_is_none_is_refused(
    tmp_path: Path, file: LevelFile, card: ModelCard
) -> None:
    save_levels(tmp_path, replace(file, counted_by="other"))
    with pytest.raises(
        ConfigurationError, match=r"was counted by 'other'.*make it anew with osteonode-train fit levels"
    ):
        load_levels(tmp_path, card, card)

    # one that was made before ribs were looked at: neither their network nor their clue stands in it
    older = {"version": "0", "network_sha256": "a" * 64, "counted_by": "older", "model": {"shares": {}}}
    (tmp_path / LEVELS).write_text(json.dumps(older))
    with pytest.raises(ConfigurationError, match=r"levels\.json was counted by 'older'"):
        load_levels(tmp_path, card, card)

    (tmp_path / LEVELS).write_text(json.dumps({"counted_by": COUNTED_BY}))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_levels(tmp_path, card, card)


def test_a_level_model_that_contradicts_itself_is_refused_with_its_path(
    tmp_path: Path, file: LevelFile, card: ModelCard
) -> None:
    save_levels(tmp_path, file)
    content = json.loads((tmp_path / LEVELS).read_text())
    content["model"]["size_weight"] = -1.0
    (tmp_path / LEVELS).write_text(json.dumps(content))

    with pytest.raises(ConfigurationError, match=r"levels\.json contradicts itself: weights .* must not be negative"):
        load_levels(tmp_path, card, card)


def test_a_bundle_without_a_level_model_has_none(tmp_path: Path, card: ModelCard) -> None:
    assert load_levels(tmp_path, card, card) is None
