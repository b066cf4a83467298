"""A role that one process has at a time, and loses when it is silent."""

from __future__ import annotations

import datetime

from sqlalchemy import Engine, or_, select, update

from node.store.engine import reading, writing
from node.store.schema import role
from node.store.upserts import insert_new

SWEEPER = "sweeper"


class Role:
    """The right of one process to do what only one should do.

    Parameters
    ----------
    holder
        Name of this process, different from all others.
    lasts_s
        A holder that is silent for this long has lost the role.
    """

    def __init__(self, engine: Engine, name: str, *, holder: str, lasts_s: float = 15.0) -> None:
        self._engine = engine
        self._name = name
        self._holder = holder
        self._lasts = datetime.timedelta(seconds=lasts_s)

    def take(self, *, now: datetime.datetime) -> bool:
        """Take or keep the role; whether this process has it."""
        with reading(self._engine) as connection:
            known = connection.execute(select(role).where(role.c.name == self._name)).first()
        if known is not None and known.until > now:
            if known.holder != self._holder:
                return False
            if known.until - now > self._lasts / 2:
                return True  # renewed early enough next time: a write less
        return self._write(now)

    def give_up(self, *, now: datetime.datetime) -> None:
        """Let another process take the role at once."""
        with writing(self._engine) as connection:
            mine = update(role).where(role.c.name == self._name, role.c.holder == self._holder)
            connection.execute(mine.values(until=now))

    def _write(self, now: datetime.datetime) -> bool:
        columns = {"holder": self._holder, "until": now + self._lasts}
        with writing(self._engine) as connection:
            if insert_new(connection, role, {"name": self._name, **columns}):
                return True
            free = or_(role.c.holder == self._holder, role.c.until <= now)
            taken = connection.execute(update(role).where(role.c.name == self._name, free).values(**columns))
            return taken.rowcount == 1
