"""One listener process: accepts associations, keeps what they bring, and stops without losing anything."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pydicom import config as pydicom_config
from pynetdicom import AE, _config, evt

from node.domain.mark import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from node.domain.ports import Clock, InstanceIndex, SystemClock
from node.domain.pseudonym import Pseudonymizer
from node.observe.events import Event
from node.observe.logging import event
from node.receive.admission import Admission, AssociationRequest
from node.receive.association import StoringAssociation, Surroundings
from node.receive.commit import GroupCommit, Turn
from node.receive.intake import Intake, Limits, free_bytes
from node.receive.recovery import recover
from node.receive.server import SharedSocketServer
from node.receive.settings import ListenerSettings
from node.receive.slots import AssociationSlots
from node.receive.tls import server_context
from node.receive.upper_layer import MAX_PDU_BYTES
from node.store.files import DurableFolders
from node.store.layout import StoreLayout

logger = logging.getLogger(__name__)

SLOTS_FILE = "associations.lock"
TURN_FILE = "commit.lock"
_LOCK_FILE = "process.lock"


class Listener:
    """Serves one shared socket in threads of its own.

    Parameters
    ----------
    shared
        A listening socket; this listener closes its handle of it in the end.
    number
        Which of the listener processes this is, from 0: it alone uses the incoming folder of this number.
    free
        Tells the free disk at a path, bytes.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        shared: socket.socket,
        *,
        index: InstanceIndex,
        pseudonymizer: Pseudonymizer,
        number: int = 0,
        clock: Clock | None = None,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._settings = settings
        self._free = free
        layout = StoreLayout(root=settings.store)
        incoming = layout.incoming(number)
        settings.store.mkdir(parents=True, exist_ok=True, mode=0o700)
        DurableFolders(settings.store).make(incoming)
        self._lock = _hold(incoming / _LOCK_FILE)
        self._turn = Turn(incoming.parent / TURN_FILE)
        limits = Limits(
            max_object_bytes=settings.max_object_bytes, min_free_bytes=settings.min_free_bytes, free_bytes=free
        )
        intake = Intake(
            layout,
            incoming,
            commit=GroupCommit(index, self._turn),
            limits=limits,
            pseudonymizer=pseudonymizer,
            clock=clock or SystemClock(),
        )
        recover(incoming, intake)
        if number == 0:
            _recover_abandoned(incoming.parent, settings.processes, intake)
        self._slots = AssociationSlots(incoming.parent / SLOTS_FILE, settings.max_associations)
        tls = None if settings.tls is None else server_context(settings.tls)
        surroundings = Surroundings(settings=settings, intake=intake, slots=self._slots, tls=tls)
        self._server = SharedSocketServer(
            _application_entity(settings), shared, surroundings, [(evt.EVT_REQUESTED, self._admit)]
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="listener", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Accept associations from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more, let associations end in their own time for a while, then abort them."""
        self._server.shutdown()
        self._thread.join()
        deadline = time.monotonic() + self._settings.drain_s
        while self._associations() and time.monotonic() < deadline:
            time.sleep(0.01)
        for association in self._associations():
            # what is rejected or not yet accepted has no association to abort (PS3.8, table 9-10)
            if association.is_established:
                association.abort()
            else:
                association.kill()
        for association in self._associations():
            association.join(self._settings.dimse_timeout_s)
        self._slots.close()
        self._turn.close()
        os.close(self._lock)

    def _associations(self) -> list[StoringAssociation]:
        active: list[StoringAssociation] = self._server.active_associations
        return active

    def _admit(self, requested: evt.Event) -> None:
        """Reject an association that is not welcome; pynetdicom accepts the others."""
        association: StoringAssociation = requested.assoc
        primitive = association.requestor.primitive
        settings = self._settings
        admission = Admission(
            ae_title=settings.ae_title,
            allowed_calling_aes=settings.allowed_calling_aes,
            min_free_bytes=settings.min_free_bytes,
        )
        rejection = admission.rejection(
            AssociationRequest(
                called_ae=primitive.called_ae_title,
                calling_ae=primitive.calling_ae_title,
                peer=association.requestor.address,
                has_room=association.slot is not None,
                free_bytes=self._free(settings.store),
            )
        )
        if rejection is not None:
            association.reject(rejection)
        else:
            logger.info(
                "association accepted", extra=event(Event.ASSOCIATION_ACCEPTED, calling_ae=association.calling_ae)
            )


def quiet_libraries() -> None:
    """Switch off, for this process, what pynetdicom writes of each message and what pydicom says of each bad value."""
    _config.LOG_HANDLER_LEVEL = "none"
    pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE


def _application_entity(settings: ListenerSettings) -> AE:
    entity = AE(ae_title=settings.ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.maximum_pdu_size = MAX_PDU_BYTES
    # the shared slots are the limit; pynetdicom's own counts one process only
    entity.maximum_associations = 10 * settings.max_associations + 100
    entity.acse_timeout = settings.acse_timeout_s
    entity.dimse_timeout = settings.dimse_timeout_s
    entity.network_timeout = None
    return entity


def _recover_abandoned(folder: Path, processes: int, intake: Intake) -> None:
    """Recover what processes left that are no longer configured."""
    for each in folder.iterdir():
        if each.name.isdigit() and int(each.name) >= processes:
            recover(each, intake)


def _hold(file: Path) -> int:
    """Lock a file until the process ends, waiting for a predecessor that is still ending."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logger.warning("another listener works in %s; this one starts when that one has ended", file.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle
