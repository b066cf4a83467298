"""The breakers of all destinations, kept in the index so that all processes share them."""

from __future__ import annotations

import datetime
import logging

from sqlalchemy import Connection, Engine, select, update

from node.domain.breaker import Breaker, BreakerPolicy, BreakerState, admitted, after_failure, after_success
from node.domain.breaker import refuses_until as breaker_refuses_until
from node.domain.ports import Clock
from node.domain.state import WorkState
from node.observe.events import Event
from node.observe.logging import event
from node.store.engine import reading, writing
from node.store.schema import breaker, work
from node.store.upserts import insert_if_absent

logger = logging.getLogger(__name__)


class SqlBreakers:
    """Adapter of `node.domain.ports.Breakers`."""

    def __init__(self, engine: Engine, clock: Clock, policy: BreakerPolicy) -> None:
        self._engine = engine
        self._clock = clock
        self._policy = policy

    def admits(self, destination: str) -> bool:
        """Whether a delivery may be tried now; where the breaker was open, the one who hears yes is the probe."""
        now = self._clock.now()
        with reading(self._engine) as connection:
            # the usual case needs no write, and so no wait for other writers
            if _load(connection, destination).state is BreakerState.CLOSED:
                return True
        with writing(self._engine) as connection:
            known = _load(connection, destination, lock=True)
            if breaker_refuses_until(known, now=now) is not None:
                return False
            _save(connection, destination, admitted(known, self._policy, now=now))
            return True

    def succeeded(self, destination: str) -> None:
        """The destination answered: the breaker closes, and the deliveries that waited for it are due."""
        with reading(self._engine) as connection:
            known = _load(connection, destination)
        if known == after_success():
            return
        with writing(self._engine) as connection:
            _save(connection, destination, after_success())
            if known.state is not BreakerState.CLOSED:
                _wait_no_longer(connection, destination, now=self._clock.now())
        if known.state is not BreakerState.CLOSED:
            logger.info("breaker closed", extra=event(Event.BREAKER_CLOSED, destination=destination))

    def failed(self, destination: str) -> None:
        """The destination could not be reached: after so many times in a row the breaker opens."""
        now = self._clock.now()
        with writing(self._engine) as connection:
            known = _load(connection, destination, lock=True)
            following = after_failure(known, self._policy, now=now)
            _save(connection, destination, following)
        if following.state is BreakerState.OPEN and known.state is not BreakerState.OPEN:
            opened = event(Event.BREAKER_OPENED, destination=destination, count=following.failures)
            logger.warning("breaker opened", extra=opened)


def refuses_until(connection: Connection, destination: str, *, now: datetime.datetime) -> datetime.datetime | None:
    """When a destination may be asked again, or `None` where it may be asked now. Asking this makes nobody a probe."""
    return breaker_refuses_until(_load(connection, destination), now=now)


def _wait_no_longer(connection: Connection, destination: str, *, now: datetime.datetime) -> None:
    waiting = (work.c.destination == destination, work.c.state == WorkState.READY, work.c.due_at > now)
    connection.execute(update(work).where(*waiting).values(due_at=now))


def _load(connection: Connection, destination: str, *, lock: bool = False) -> Breaker:
    query = select(breaker).where(breaker.c.destination == destination)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return Breaker()
    return Breaker(state=row.state, failures=row.failures, retry_at=row.retry_at)


def _save(connection: Connection, destination: str, known: Breaker) -> None:
    columns = {"state": known.state, "failures": known.failures, "retry_at": known.retry_at}
    insert_if_absent(connection, breaker, [{"destination": destination, **columns}])
    connection.execute(update(breaker).where(breaker.c.destination == destination).values(**columns))
