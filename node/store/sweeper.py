"""One sweep over the index: closes studies, finds what was lost, queues what is due. The safety net of the node."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from node.store.closing import RevisionCloser
from node.store.enqueuing import Enqueuer
from node.store.lost_workers import LostWorkers
from node.store.removed_destinations import RemovedDestinations
from node.store.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep did.

    Parameters
    ----------
    active
        Whether this process has the sweeper's role; without it nothing is done.
    closed
        Revisions that were closed.
    next_closing_at
        When the next quiet period ends, where one runs.
    taken_back
        Pieces of work whose worker was lost.
    lost
        Messages that nobody took.
    given_up
        Deliveries whose destination is no longer configured.
    queued
        Messages that the broker took.
    """

    active: bool
    closed: int = 0
    next_closing_at: datetime.datetime | None = None
    taken_back: int = 0
    lost: int = 0
    given_up: int = 0
    queued: int = 0


class Sweeper:
    """Sweeps. Two sweeps at once do no harm, since every change is compare-and-set; the role saves the work."""

    def __init__(
        self,
        *,
        role: Role,
        closer: RevisionCloser,
        lost_workers: LostWorkers,
        removed_destinations: RemovedDestinations,
        enqueuer: Enqueuer,
    ) -> None:
        self._role = role
        self._closer = closer
        self._lost_workers = lost_workers
        self._removed_destinations = removed_destinations
        self._enqueuer = enqueuer

    def sweep_once(self, now: datetime.datetime) -> Swept:
        """Do all that is due at this moment.

        Raises
        ------
        TransientFailure
            Where the index cannot be used now; sweep again later.
        """
        if not self._role.take(now=now):
            return Swept(active=False)
        closings = self._closer.close_due(now=now)
        return Swept(
            active=True,
            closed=closings.count,
            next_closing_at=closings.next_at,
            taken_back=self._lost_workers.take_back(now=now),
            lost=self._enqueuer.return_lost(now=now),
            given_up=self._removed_destinations.give_up(now=now),
            queued=self._enqueuer.send_due(now=now),
        )

    def stop(self, now: datetime.datetime) -> None:
        """Give the role up, so that another process need not wait for it."""
        self._role.give_up(now=now)
