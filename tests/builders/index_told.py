"""What the index says of the studies in it."""

from sqlalchemy import select

from node.domain.state import RevisionState
from node.store.decisions import load_decisions
from node.store.engine import reading
from node.store.history import history_of
from node.store.history_kinds import HistoryKind
from node.store.schema import revision
from tests.builders.index import uid
from tests.builders.index_node import IndexNode


def revisions(node: IndexNode) -> list[RevisionState]:
    """The states of all revisions, oldest first."""
    with reading(node.engine) as connection:
        return list(connection.execute(select(revision.c.state).order_by(revision.c.number)).scalars())


def decisions(node: IndexNode, study: str = "1", number: int = 1):
    """Which series were chosen, and why others were not."""
    with reading(node.engine) as connection:
        return load_decisions(connection, uid(study), number)


def history(node: IndexNode) -> list[HistoryKind]:
    """What happened to the first study, in order."""
    with reading(node.engine) as connection:
        return [entry.what for entry in history_of(connection, uid("1"))]
