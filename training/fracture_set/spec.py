"""What a scan of the fracture set is to be like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.domain.height_loss import MILD_FROM_PERCENT
from node.domain.levels import VertebralLevel
from node.domain.morphology import MorphologyClass
from training.cohort.manifest import Cohort
from training.phantom.changes import FractureKind
from training.phantom.spec import PhantomSpec


class Family(StrEnum):
    """Which generator draws a scan."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class FractureScan:
    """One person in one scanner.

    Parameters
    ----------
    number
        In the set, from 0.
    cohort
        What the scan is for.
    family
        Who draws it; the second family is in the cohort `EXTERNAL` alone.
    spec
        Everything else; the second family makes another person of the seed, and takes the rest as it is said.

    Raises
    ------
    ValueError
        Where a scan of the second family is learned from.
    """

    number: int
    cohort: Cohort
    family: Family
    spec: PhantomSpec

    def __post_init__(self) -> None:
        if (self.family is Family.SECOND) is not (self.cohort is Cohort.EXTERNAL):
            raise ValueError(f"the second family is the external cohort, got {self.family} for {self.cohort}")

    @property
    def name(self) -> str:
        """Of its files and of its person."""
        return f"fracture-{self.number:03d}"

    def morphology(self, level: VertebralLevel) -> MorphologyClass:
        """What is true of a level: a body that has lost less than a fifth of its height counts as none, as in life."""
        fracture = self.spec.fracture_of(level)
        if fracture is None or fracture.percent < MILD_FROM_PERCENT:
            return MorphologyClass.NONE
        return MorphologyClass.BURST if fracture.kind is FractureKind.BURST else MorphologyClass.COMPRESSION
