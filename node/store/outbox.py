"""What encoding and delivery ask the index about objects."""

from __future__ import annotations

from sqlalchemy import Engine

from node.domain.errors import Bug
from node.domain.identifiers import Uid
from node.domain.outgoing import OutgoingObject
from node.store.engine import reading
from node.store.objects import find_object, find_previous_report


class SqlOutbox:
    """Adapter of `node.domain.ports.Outbox`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def object(self, object_uid: Uid) -> OutgoingObject:
        """An object that was registered when `encode` completed.

        Raises
        ------
        Bug
            Where there is none: a delivery exists only for registered objects.
        """
        found = self.existing(object_uid)
        if found is None:
            raise Bug("a delivery must be of a registered object, and this one is not")
        return found

    def existing(self, object_uid: Uid) -> OutgoingObject | None:
        """The object of this UID, or `None` where none was made."""
        with reading(self._engine) as connection:
            return find_object(connection, object_uid)

    def previous_report(self, study_uid: Uid, *, before_revision: int, pipeline: str) -> OutgoingObject | None:
        """The newest SR of an earlier revision that may have left the node, which a new one supersedes."""
        with reading(self._engine) as connection:
            return find_previous_report(connection, study_uid, before_revision=before_revision, pipeline=pipeline)
