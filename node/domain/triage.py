"""Whether a study should be read soon, and why."""

from __future__ import annotations

from dataclasses import dataclass

from node.domain.finding import CtBoneFindings
from node.domain.levels import VertebralLevel
from node.domain.measurement import Quantity
from node.domain.study import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class TriagePolicy:
    """What makes a study urgent. `l1_hu_below` is a mean core CT number of L1 in HU; `None` raises nothing."""

    l1_hu_below: float | None = None


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
            if vertebra.level is VertebralLevel.L1 and hu is not None and hu < policy.l1_hu_below:
                because = f"L1 trabecular core {hu:.0f} HU, below {policy.l1_hu_below:.0f} HU"
                return Triage(priority=Priority.URGENT, because=(because,))
    return Triage(priority=Priority.ROUTINE)
