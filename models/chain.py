"""The chain of vertebral bodies in a scan: where each lies on the coarse grid, what it shows, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from models.column import body_probability
from models.instances import Instances
from models.levels.evidence import Evidence, gather_evidence
from models.levels.naming import LevelNames, name_levels
from models.levels.rule import LevelRule
from node.domain.geometry import Affine
from node.domain.volume import Float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """The bodies from head to foot, S1 and cervical ones among them.

    Parameters
    ----------
    instances
        Where they lie.
    body
        Probability of any vertebral body, shape (k, j, i), on the grid of the instances.
    affine
        Of that grid.
    evidence
        What each shows of its level.
    names
        What each is.
    """

    instances: Instances
    body: Float32
    affine: Affine
    evidence: tuple[Evidence, ...]
    names: LevelNames

    @property
    def vertebrae(self) -> list[int]:
        """Labels of the instances that are thoracic or lumbar vertebrae, or may be."""
        return [number for number, label in enumerate(self.names.labels, start=1) if label.is_vertebra]


def chain_of(probabilities: Float32, affine: Affine, instances: Instances, rule: LevelRule) -> Chain:
    """What the bodies that were found are, by the probabilities of all classes, shape (class, k, j, i)."""
    evidence = gather_evidence(probabilities, instances)
    return Chain(
        instances=instances,
        body=body_probability(probabilities),
        affine=affine,
        evidence=evidence,
        names=name_levels(evidence, rule),
    )
