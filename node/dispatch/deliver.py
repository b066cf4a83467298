"""The stage `deliver`: one object to one destination, tried once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from node.dispatch.dicom_file import DicomFile, read_dicom_file
from node.dispatch.failures import DestinationPaused, DestinationRefuses, DestinationUnavailable
from node.dispatch.pool import ObjectSender
from node.dispatch.statuses import Verdict, store_status
from node.domain.destination import Destination
from node.domain.errors import Bug, TransientFailure
from node.domain.outgoing import OutgoingObject
from node.domain.ports import Breakers, Outbox
from node.domain.routing import accepts
from node.domain.work import Lease, StageOutcome
from node.observe.events import Event
from node.observe.logging import event

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What delivering needs; `deliver` is the stage function.

    Parameters
    ----------
    store_root
        Folder that the objects' file names are relative to.
    destinations
        The configured destinations by name.
    sender
        Keeps the associations.
    monotonic
        Seconds from any fixed moment on.
    """

    outbox: Outbox
    breakers: Breakers
    store_root: Path
    destinations: Mapping[str, Destination]
    sender: ObjectSender
    monotonic: Callable[[], float] = time.monotonic

    def deliver(self, lease: Lease) -> StageOutcome:
        """Send the lease's object to the lease's destination.

        Raises
        ------
        DestinationPaused
            Where the destination's breaker is open; nothing was tried.
        DestinationUnavailable
            Where the destination cannot take the object now.
        DestinationRefuses
            Where it refuses for good, or the configuration no longer lets the object go there.
        TransientFailure
            Where the object's file is missing or not what was made.
        """
        made, destination = self._what_and_where(lease)
        file = self._file(made)
        if not self.breakers.admits(destination.name):
            raise DestinationPaused(f"{destination.name} failed several times in a row and is left alone for a while")
        started = self.monotonic()
        try:
            note = self._send(file, destination)
        except DestinationRefuses:
            logger.warning("object refused", extra=_event(Event.OBJECT_REFUSED, lease, made))
            raise
        seconds = self.monotonic() - started
        told = {"status": note or "success", "seconds": round(seconds, 3)}
        logger.info("object sent", extra=_event(Event.OBJECT_SENT, lease, made) | told)
        return StageOutcome(assessable=True, timings_s={"deliver": seconds}, note=note)

    def _what_and_where(self, lease: Lease) -> tuple[OutgoingObject, Destination]:
        item = lease.item
        if item.object_uid is None or item.destination is None:
            raise Bug("a delivery without an object or a destination was handed to `deliver`")
        made = self.outbox.object(item.object_uid)
        destination = self.destinations.get(item.destination)
        if destination is None:
            raise DestinationRefuses(f"{item.destination} is no longer a destination of this node")
        if not accepts(destination, made):
            raise DestinationRefuses(f"{item.destination} is no longer configured to receive this object")
        return made, destination

    def _file(self, made: OutgoingObject) -> DicomFile:
        """The object's file, proved to be the one that was made."""
        path = self.store_root / made.file
        try:
            digest = blake3(path.read_bytes()).hexdigest()
        except OSError as error:
            raise TransientFailure("the object's file cannot be read from the store") from error
        if digest != made.digest:
            raise TransientFailure("the object's file does not have the hash that it was written with")
        return read_dicom_file(path)

    def _send(self, file: DicomFile, destination: Destination) -> str:
        """Send, tell the breaker, and give a word for the history: empty for plain success."""
        try:
            code = self.sender.send(destination, file)
        except DestinationRefuses:
            self.breakers.succeeded(destination.name)  # it is there, and said no
            raise
        except BaseException:
            self.breakers.failed(destination.name)  # also where a time limit ended the wait
            raise
        row = store_status(code)
        message = f"status {code:04X}H, {row.meaning}"
        if row.verdict is Verdict.EXHAUSTED:
            self.breakers.failed(destination.name)
            raise DestinationUnavailable(f"{destination.name} answered {message}")
        self.breakers.succeeded(destination.name)  # it is there: what it said of this object delays no other
        if row.verdict is Verdict.TRANSIENT:
            raise DestinationUnavailable(f"{destination.name} answered {message}")
        if row.verdict is Verdict.PERMANENT:
            raise DestinationRefuses(f"{destination.name} answered {message}")
        return message if row.verdict is Verdict.WARNING else ""


def _event(name: Event, lease: Lease, made: OutgoingObject) -> dict[str, object]:
    return event(name, work_id=lease.item.work_id, destination=lease.item.destination, kind=made.kind)
