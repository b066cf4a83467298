"""Whether a study should be read soon, and why."""

from __future__ import annotations

from dataclasses import dataclass

from node.domain.finding import CtBoneFindings
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.study import Priority
from node.domain.whole_numbers import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class TriagePolicy:
    """What makes a study urgent. `l1_hu_below` is a mean core CT number of L1 in HU; `None` raises nothing."""

    l1_hu_below: float | None = None

    def raises(self, hu: float) -> bool:
        """Whether a CT number of L1, HU, makes a study urgent; it is judged as precisely as it is told: a tenth."""
        return self.l1_hu_below is not None and round(hu, 1) < self.l1_hu_below


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """How soon the study should be read, and the findings that say so."""

    priority: Priority
    because: tuple[str, ...] = ()


def triage(findings: CtBoneFindings, policy: TriagePolicy) -> Triage:
    """The priority that the findings give the study under the site's policy.

    A CT number of a scan in which the limits of the band do not hold is below no limit either, and one that the
    classifier contradicts is for a reader to judge.
    """
    screening = findings.screening
    holds = screening is not None and screening.hu_band is not None and screening.disagreement is None
    if policy.l1_hu_below is not None and holds:
        for vertebra in findings.vertebrae:
            hu = vertebra.value(Quantity.CORE_MEAN_HU)
            if vertebra.level is VertebralLevel.L1 and hu is not None and policy.raises(hu):
                because = f"L1 trabecular core {whole(hu, policy.raises)} HU, below {policy.l1_hu_below:.0f} HU"
                return Triage(priority=Priority.URGENT, because=(because,))
    return Triage(priority=Priority.ROUTINE)
