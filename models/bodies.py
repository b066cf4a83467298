"""The bodies that were found in a scan, and what each shows of its level."""

from __future__ import annotations

from dataclasses import dataclass

from models.column import body_probability
from models.instances import Instances
from models.levels.evidence import Evidence, gather_evidence
from node.domain.geometry import Affine
from node.domain.volume import Float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundBodies:
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
    """

    instances: Instances
    body: Float32
    affine: Affine
    evidence: tuple[Evidence, ...]


def found_bodies(probabilities: Float32, affine: Affine, instances: Instances) -> FoundBodies:
    """What the bodies show, by the probabilities of all classes, shape (class, k, j, i)."""
    return FoundBodies(
        instances=instances,
        body=body_probability(probabilities),
        affine=affine,
        evidence=gather_evidence(probabilities, instances),
    )
