"""When a vertebra gets a name."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

from models.levels.model import LevelModel, log_odds
from node.domain.confidence import LevelConfidence
from node.domain.errors import ConfigurationError
from node.domain.networks import USUAL_LEVEL_PROBABILITY

#: A name must have this score where no calibration says what a score is worth, and its odds must be as much higher as
#: the site asks for higher odds than usual.
LEAST_SCORE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """How sure names must be, and what says so.

    Parameters
    ----------
    model
        Says how sure a name is.
    asked
        How probable a name must be; see `node.domain.networks.SpineChoice`.

    Raises
    ------
    ConfigurationError
        Where more is asked than the calibration of the model can tell.
    """

    model: LevelModel
    asked: float

    def __post_init__(self) -> None:
        calibration = self.model.calibration
        if calibration is not None and self.asked > calibration.most:
            raise ConfigurationError(
                f"workers.level_probability asks for {self.asked:g}; the level model was compared with "
                f"{calibration.scans} scans and can tell nothing above {calibration.most:.4f}"
            )

    @property
    def least(self) -> float:
        """The least confidence of a name that is given."""
        if self.model.calibration is not None:
            return self.asked
        more = max(0.0, log_odds(self.asked) - log_odds(USUAL_LEVEL_PROBABILITY))
        return float(special.expit(log_odds(LEAST_SCORE) + more))

    def confidence(self, belief: float) -> LevelConfidence:
        """How sure a name is that the model believes in so much, 0 to 1."""
        calibration = self.model.calibration
        if calibration is None:
            return LevelConfidence(value=min(max(belief, 0.0), 1.0), calibrated=False)
        return LevelConfidence(value=calibration.probability(belief), calibrated=True)
