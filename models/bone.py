"""From crops of vertebral bodies to findings about bone."""

from __future__ import annotations

from models.crops import SpineCrops
from node.domain.finding import CtBoneFindings
from node.domain.reasons import Reason


def measure_bone(spine: SpineCrops) -> CtBoneFindings:
    """CT numbers of every vertebra that has a certain level and is whole, and what L1 says about bone density."""
    raise NotImplementedError


def not_evaluable(reason: Reason) -> CtBoneFindings:
    """The findings of a scan in which nothing could be evaluated: L1 and L2 carry the reason."""
    raise NotImplementedError
