"""Associations that stay open between deliveries: one a destination and process, closed when idle."""

from __future__ import annotations

import threading
from typing import Protocol

from node.dispatch.association import ScuSettings, StoreAssociation
from node.dispatch.contexts import RESULT_OFFERS, offers_for
from node.dispatch.dicom_file import DicomFile
from node.dispatch.failures import DestinationUnavailable
from node.domain.destination import Destination

#: Shorter than the time after which archives end a silent association (Orthanc 30 s, dcm4chee 60 s).
IDLE_S = 20.0


class ObjectSender(Protocol):
    """Sends a file to a destination and gives the status of the answer."""

    def send(self, destination: Destination, file: DicomFile) -> int:
        """The C-STORE status; errors as for `StoreAssociation`."""
        ...


class AssociationPool:
    """Keeps one association to each destination open from delivery to delivery.

    Opening costs a connection, a handshake and a negotiation, several times what a small object costs.
    """

    def __init__(self, settings: ScuSettings, *, idle_s: float = IDLE_S) -> None:
        self._settings = settings
        self._idle_s = idle_s
        self._guard = threading.Lock()
        self._lines: dict[Destination, _Line] = {}

    def send(self, destination: Destination, file: DicomFile) -> int:
        """Send a file on the destination's association, opened where there is none.

        Raises
        ------
        DestinationUnavailable, DestinationRefuses
            As for `StoreAssociation`.
        """
        with self._guard:
            line = self._lines.setdefault(destination, _Line(destination, self._settings, self._idle_s))
        return line.send(file)

    def close(self) -> None:
        """Release all associations."""
        with self._guard:
            lines = tuple(self._lines.values())
        for line in lines:
            line.close()


class _Line:
    """The association to one destination, if any, and the timer that ends it when nothing more comes."""

    def __init__(self, destination: Destination, settings: ScuSettings, idle_s: float) -> None:
        self._destination = destination
        self._settings = settings
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._offers = RESULT_OFFERS
        self._association: StoreAssociation | None = None
        self._timer: threading.Timer | None = None

    def send(self, file: DicomFile) -> int:
        with self._lock:
            self._stop_timer()
            try:
                return self._send(file)
            finally:
                self._start_timer()

    def close(self) -> None:
        with self._lock:
            self._stop_timer()
            self._drop()

    def _send(self, file: DicomFile) -> int:
        kept = self._association
        reused = kept is not None and kept.is_open and kept.proposed(file)
        try:
            return self._open_for(file).send(file)
        except DestinationUnavailable:
            self._drop()
            if not reused:
                raise
        # The peer may end an association that was idle just when it is used again: only a new one tells whether the
        # destination is there. To send twice is harmless: the same bytes under the same UID.
        try:
            return self._open_for(file).send(file)
        except DestinationUnavailable:
            self._drop()
            raise

    def _open_for(self, file: DicomFile) -> StoreAssociation:
        """The open association, or a new one where there is none or where it cannot carry the file."""
        current = self._association
        if current is not None and current.is_open and current.proposed(file):
            return current
        self._drop()
        self._offers |= offers_for(file)
        self._association = StoreAssociation.open(self._destination, self._offers, settings=self._settings)
        return self._association

    def _drop(self) -> None:
        if self._association is not None:
            self._association.close()
            self._association = None

    def _start_timer(self) -> None:
        if self._association is None:
            return
        self._timer = threading.Timer(self._idle_s, self.close)
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
