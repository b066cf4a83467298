"""What the light Celery tasks work with, built once in every worker process."""

from __future__ import annotations

from dataclasses import dataclass

from node.dispatch.deliver import Delivery
from node.dispatch.pool import AssociationPool
from node.domain.ports import LeasedRunner
from node.encode_stage import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTaskParts:
    """The parts of the tasks that encode and deliver.

    Parameters
    ----------
    runner
        The door of every task.
    associations
        The open associations that `delivery` sends on; closed when the process ends.
    """

    runner: LeasedRunner
    encoding: Encoding
    delivery: Delivery
    associations: AssociationPool
