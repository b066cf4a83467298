"""One association: pynetdicom's, with the streaming providers, a slot of the shared limit, and no polling."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from dataclasses import dataclass
from queue import Queue
from typing import cast

from pynetdicom import evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import AETitle, Uid
from node.observe.events import Event
from node.observe.logging import event
from node.receive.admission import Rejection
from node.receive.arriving import Sender
from node.receive.intake import Intake
from node.receive.messages import MessageOutOfPlace, StreamingMessages
from node.receive.settings import ListenerSettings
from node.receive.slots import AssociationSlots
from node.receive.statuses import Answer, StoreStatus
from node.receive.transport import PeerSocket
from node.receive.upper_layer import TICK_S, StreamingUpperLayer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all associations of a process share."""

    settings: ListenerSettings
    intake: Intake
    slots: AssociationSlots
    tls: ssl.SSLContext | None


class _NoticingQueue(Queue[object]):
    """A queue that rings when something is put."""

    def __init__(self, bell: threading.Event) -> None:
        super().__init__()
        self._bell = bell

    def _put(self, item: object) -> None:
        super()._put(item)
        self._bell.set()


class StoringAssociation(Association):
    """An association as acceptor, from the connection to its end."""

    def __init__(self, ae: ApplicationEntity, surroundings: Surroundings) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        self._surroundings = surroundings
        self._bell = threading.Event()
        self.dul = StreamingUpperLayer(self)
        self.dimse = StreamingMessages(self)
        self.dul.to_user_queue = _NoticingQueue(self._bell)
        self.dimse.msg_queue = _NoticingQueue(self._bell)
        # pynetdicom sets the timers of the providers through these
        self.acse_timeout = surroundings.settings.acse_timeout_s
        self.dimse_timeout = surroundings.settings.dimse_timeout_s
        self.network_timeout = None
        self._senders: dict[int, Sender] = {}
        self.slot = surroundings.slots.take()
        self._kept = self._refused = 0
        self._began_at = time.monotonic()

    @property
    def intake(self) -> Intake:
        """Where objects go."""
        return self._surroundings.intake

    @property
    def calling_ae(self) -> str:
        """Who sends, as the log may show it."""
        primitive = self.requestor.primitive
        return "" if primitive is None else str(primitive.calling_ae_title).strip()

    def sender(self, context_id: int) -> Sender:
        """What was agreed for a presentation context.

        Raises
        ------
        MessageOutOfPlace
            Where the context was not accepted.
        """
        known = self._senders.get(context_id)
        if known is not None:
            return known
        context = self._accepted_cx.get(context_id)
        if context is None:
            raise MessageOutOfPlace(f"presentation context {context_id} was not accepted")
        try:
            ae_title = AETitle(self.calling_ae)
        except InvalidIdentifier:
            ae_title = None
        sender = Sender(
            ae_title=ae_title,
            transfer_syntax=Uid(context.transfer_syntax[0]),
            abstract_syntax=Uid(context.abstract_syntax),
        )
        self._senders[context_id] = sender
        return sender

    def tally(self, answer: Answer) -> None:
        """Count an object for the association's line in the log."""
        if answer.status is StoreStatus.SUCCESS:
            self._kept += 1
        else:
            self._refused += 1

    def reject(self, rejection: Rejection) -> None:
        """Answer the request with a rejection, and end."""
        logger.warning(
            "association rejected: %s",
            rejection.reason,
            extra=event(Event.ASSOCIATION_REJECTED, calling_ae=self.calling_ae, reason=rejection.reason),
        )
        self._give_slot_back()
        self.acse.send_reject(rejection.result, rejection.source, rejection.diagnostic)
        self.kill()

    def run_reactor(self) -> None:
        """Live from the connection to its end; whatever happens, nothing half is left."""
        try:
            if self._is_secured():
                super().run_reactor()
        finally:
            self._close()

    def _is_secured(self) -> bool:
        """Whether the connection is what it should be: encrypted, where the listener speaks TLS."""
        if self._surroundings.tls is None:
            return True
        try:
            self._peer.secure(self._surroundings.tls, patience_s=self.acse_timeout)
        except OSError as error:
            logger.warning("TLS handshake failed", extra=event(Event.ASSOCIATION_REJECTED, error=type(error).__name__))
            return False
        return True

    def _run_reactor(self) -> None:
        """Wait for requests other than C-STORE, for the end of the association and for silence.

        pynetdicom's own loop does the same a thousand times a second, and reads the time-out from one timer only.
        """
        while not self._kill:
            self._bell.wait(TICK_S)
            self._bell.clear()
            context_id, message = self.dimse.get_msg(block=False)
            if message is not None:
                self._bell.set()  # there may be another one
                self._serve_request(message, context_id)
            elif self.is_established and self.acse.is_release_requested():
                self._release()
            elif self.acse.is_aborted():
                self._end_aborted()
            elif not self.dul.is_alive():
                self.kill()
            elif self.dul.quiet_s() > self._patience_s():
                self._cut_off()

    def _patience_s(self) -> float:
        settings = self._surroundings.settings
        is_within = self.dimse.is_receiving or len(self._peer.received) > 0
        return settings.dimse_timeout_s if is_within else settings.network_timeout_s

    def _release(self) -> None:
        self._give_slot_back()
        self.acse.send_release(is_response=True)
        self.is_released = True
        self.is_established = False
        evt.trigger(self, evt.EVT_RELEASED, {})
        self.kill()

    def _end_aborted(self) -> None:
        self.dul.receive_pdu(wait=False)
        self.is_aborted = True
        self.is_established = False
        evt.trigger(self, evt.EVT_ABORTED, {})
        self.kill()

    def _cut_off(self) -> None:
        logger.warning("the sender was silent for too long", extra=self._summary(Event.ASSOCIATION_ABORTED))
        self.abort()
        self.kill()

    @property
    def _peer(self) -> PeerSocket:
        return cast("PeerSocket", self.dul.socket)

    def _close(self) -> None:
        self._peer.close()
        self.dimse.discard()
        self.dul.wakeup.close()
        self._give_slot_back()
        if self.is_released or self._kept or self._refused:
            ended = Event.ASSOCIATION_ENDED if self.is_released else Event.ASSOCIATION_ABORTED
            logger.info("association over, %d objects refused", self._refused, extra=self._summary(ended))

    def _give_slot_back(self) -> None:
        """Before the peer hears that this association is over: it may ask for the next one at once."""
        slot, self.slot = self.slot, None
        if slot is not None:
            self._surroundings.slots.give_back(slot)

    def _summary(self, name: Event) -> dict[str, object]:
        seconds = round(time.monotonic() - self._began_at, 3)
        return event(name, calling_ae=self.calling_ae, count=self._kept, seconds=seconds)
