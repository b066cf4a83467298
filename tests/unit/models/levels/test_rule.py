"""How sure a name must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.levels.model import Calibration
from models.levels.naming import name_levels
from models.levels.plausible import PLAUSIBLE
from models.levels.rule import LEAST_SCORE, LevelRule
from node.domain.errors import ConfigurationError
from node.domain.networks import SpineChoice
from tests.builders.level_chains import chain, places
from tests.builders.level_names import PLAUSIBLE_AND_CALIBRATED
from tests.builders.spine_network import A_RULE


def test_a_site_that_wants_to_be_surer_gets_fewer_names() -> None:
    shown = chain(places("T9", "S1"))

    asked = [LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=value) for value in (0.5, 0.9, 0.999_99)]
    given = [sum(label.level is not None for label in name_levels(shown, rule).labels) for rule in asked]

    assert given[0] == given[1] == 9
    assert given[2] == 0


@pytest.mark.parametrize("asked", [0.49, 1.0])
def test_a_level_cannot_be_asked_for_with_certainty_nor_against_the_odds(asked: float) -> None:
    with pytest.raises(ConfigurationError, match="levels must be asked for"):
        SpineChoice(level_probability=asked)


def test_a_site_cannot_ask_for_more_than_a_calibration_can_tell() -> None:
    calibrated = replace(PLAUSIBLE, calibration=Calibration(slope=1.0, intercept=0.0, scans=198, data="none"))

    assert LevelRule(model=calibrated, asked=0.995).confidence(1.0).value == 0.995
    with pytest.raises(ConfigurationError, match=r"198 scans and can tell nothing above 0\.9950"):
        LevelRule(model=calibrated, asked=0.996)


def test_where_nothing_is_calibrated_a_site_may_ask_for_more_but_not_for_less() -> None:
    usual, bold, wary = (LevelRule(model=PLAUSIBLE, asked=asked).least for asked in (0.99, 0.5, 0.999))

    assert usual == bold == pytest.approx(LEAST_SCORE)
    # 999 to 1 are 10.1 times the odds of 99 to 1
    assert wary / (1.0 - wary) == pytest.approx(19.0 * 999.0 / 99.0)


def test_a_model_that_nobody_compared_with_truth_gives_scores() -> None:
    shown = chain(places("T9", "S1"))

    scores = {label.confidence.word for label in name_levels(shown, A_RULE).labels if label.confidence}
    bold = LevelRule(model=PLAUSIBLE_AND_CALIBRATED, asked=0.9)
    probabilities = {label.confidence.word for label in name_levels(shown, bold).labels if label.confidence}

    assert (scores, probabilities) == ({"score"}, {"probability"})
