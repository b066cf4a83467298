"""The chain of vertebral bodies in a scan: where each lies on the coarse grid, what it shows, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from models.bodies import FoundBodies
from models.levels.naming import LevelNames, name_levels
from models.levels.rule import LevelRule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain(FoundBodies):
    """Found bodies and what each of them is."""

    names: LevelNames

    @property
    def vertebrae(self) -> list[int]:
        """Labels of the instances that are thoracic or lumbar vertebrae, or may be."""
        return [number for number, label in enumerate(self.names.labels, start=1) if label.is_vertebra]


def chain_of(bodies: FoundBodies, rule: LevelRule) -> Chain:
    """The bodies that were found with what they are."""
    return Chain(
        instances=bodies.instances,
        body=bodies.body,
        affine=bodies.affine,
        evidence=bodies.evidence,
        names=name_levels(bodies.evidence, rule),
    )
