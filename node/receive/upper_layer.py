"""pynetdicom's upper layer, with a short way for the data of images.

pynetdicom copies a received PDU some six times between the socket and the data set, and looks for the next one every
millisecond. Here the data PDUs of an established association go from the socket into one buffer and from there to the
file, and a thread that has nothing to do sleeps until something comes. Everything else takes pynetdicom's own way.

The short way relies on facts of pynetdicom 3.0, which `tests/unit/receive/test_upper_layer.py` holds it to: a P-DATA-TF
PDU in state Sta6 is action DT-2, data to be sent is action DT-1; DT-2 does nothing but hand the data to the DIMSE
provider, DT-1 nothing but send them; and both leave the state as it is.
"""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from pynetdicom.dul import DULServiceProvider

from node.domain.errors import InputRejected
from node.observe.events import Event
from node.observe.logging import event
from node.receive.transport import PeerSocket, Wakeup

if TYPE_CHECKING:
    from node.receive.association import StoringAssociation

logger = logging.getLogger(__name__)

#: Longest P-DATA-TF PDU that is offered, bytes behind its header of 6. Larger ones gain nothing: DCMTK sends 131,072.
MAX_PDU_BYTES = 262_144
#: Longest PDU of another kind in an established association: these have four bytes.
MAX_CONTROL_PDU_BYTES = 65_536
#: How often timers are looked at while nothing comes, s.
TICK_S = 0.1

_PDU_HEADER = struct.Struct(">BxL")  # PS3.8 table 9-11 and others: type, reserved, length
_PDV_HEADER = struct.Struct(">LBB")  # PS3.8 table 9-23 and annex E.2: length, context, message control header
_PDV_LENGTH = 4  # bytes of the length itself, which does not count itself
_P_DATA_TF = 0x04
#: PS3.8 annex E.2, message control header: the last fragment of a command.
_LAST_COMMAND = 0x03
_ESTABLISHED = "Sta6"  # PS3.8 table 9-5: association established and ready for data transfer


class MalformedPdu(InputRejected):
    """A PDU contradicts itself; the association cannot go on."""


class StreamingUpperLayer(DULServiceProvider):
    """Reads and writes the PDUs of one association in a thread of its own."""

    def __init__(self, assoc: StoringAssociation) -> None:
        super().__init__(assoc)
        self.wakeup = Wakeup()
        self._run_loop_delay = 0.0  # `_is_transport_event` waits instead
        self._heard_at = time.monotonic()
        self.is_busy = False

    def run_reactor(self) -> None:
        """Work until the connection is over, and tell who still waits for an association request."""
        try:
            super().run_reactor()
        finally:
            self.to_user_queue.put(None)

    def quiet_s(self) -> float:
        """For how long nothing came from the peer; 0 while the node itself is what the peer waits for."""
        return 0.0 if self.is_busy else time.monotonic() - self._heard_at

    def send_pdu(self, primitive: object) -> None:
        """Queue a primitive, and wake the thread that sends it."""
        super().send_pdu(primitive)
        self.wakeup.ring()

    def answer(self, context_id: int, command: bytes) -> None:
        """Send a command set at once; only for the thread that reads, which does so in an established association.

        Raises
        ------
        OSError
            Where the peer does not take it: it may be cut off in the middle, so that nothing can follow.
        """
        cast("PeerSocket", self.socket).send_whole(command_pdu(context_id, command))

    def kill_dul(self) -> None:
        """End the thread."""
        super().kill_dul()
        self.wakeup.ring()

    def stop_dul(self) -> bool:
        """End the thread where the association is over."""
        self.wakeup.ring()
        return bool(super().stop_dul())

    def _is_transport_event(self) -> bool:
        """Wait for the peer or for something to send, and read what there is."""
        if not self.event_queue.empty():
            return False  # the state machine takes one event at a time: here the connection, and then its first PDU
        if self.state_machine.current_state == _ESTABLISHED:
            return self._stream()
        peer = cast("PeerSocket", self.socket)
        if self.state_machine.current_state != "Sta13" and not peer.wait(self.wakeup, TICK_S):
            return False
        self._heard_at = time.monotonic()
        return bool(super()._is_transport_event())

    def _stream(self) -> bool:
        """Read until a message is complete, something is to be sent, or nothing comes for a while."""
        peer = cast("PeerSocket", self.socket)
        try:
            while not self._consume(peer):
                if not peer.wait(self.wakeup, TICK_S):
                    return False
                if not peer.receive_more():
                    self.event_queue.put("Evt17")  # transport connection closed
                    return True
        except OSError:
            self.event_queue.put("Evt17")
        except InputRejected as error:
            logger.warning("association aborted: %s", error, extra=event(Event.ASSOCIATION_ABORTED))
            self.event_queue.put("Evt19")  # unrecognized or invalid PDU
        return True

    def _consume(self, peer: PeerSocket) -> bool:
        """Work off the complete PDUs in the buffer; true once there is something for the state machine to do."""
        while len(received := peer.received) >= _PDU_HEADER.size:
            kind, length = _PDU_HEADER.unpack_from(received)
            end = _PDU_HEADER.size + length
            if length > (MAX_PDU_BYTES if kind == _P_DATA_TF else MAX_CONTROL_PDU_BYTES):
                raise MalformedPdu(f"a PDU must not be longer than agreed, got {length} bytes")
            if end > len(received):
                return False
            self._heard_at = time.monotonic()
            if kind != _P_DATA_TF:
                self._read_pdu_data()
                return True
            self._hand_on(received[_PDU_HEADER.size : end])
            peer.drop(end)
            if not self.to_provider_queue.empty():
                return True
        return False

    def _hand_on(self, pdu: memoryview) -> None:
        """Give the presentation data values of one P-DATA-TF PDU to the DIMSE provider."""
        self.is_busy = True
        try:
            for context_id, control, data in _data_values(pdu):
                self.assoc.dimse.receive_fragment(context_id, control, data)
        finally:
            self._heard_at = time.monotonic()
            self.is_busy = False


def command_pdu(context_id: int, command: bytes) -> bytes:
    """A whole command set as one P-DATA-TF PDU (PS3.8 table 9-22)."""
    length = _PDV_HEADER.size - _PDV_LENGTH + len(command)
    head = _PDU_HEADER.pack(_P_DATA_TF, _PDV_LENGTH + length)
    return head + _PDV_HEADER.pack(length, context_id, _LAST_COMMAND) + command


def _data_values(pdu: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Context, message control header and fragment of each presentation data value in a PDU.

    Raises
    ------
    MalformedPdu
        Where their lengths contradict the PDU's.
    """
    at = 0
    while at < len(pdu):
        if at + _PDV_HEADER.size > len(pdu):
            raise MalformedPdu("a PDU ends inside of the header of a presentation data value")
        length, context_id, control = _PDV_HEADER.unpack_from(pdu, at)
        start, end = at + _PDV_HEADER.size, at + _PDV_LENGTH + length
        if end < start or end > len(pdu):
            raise MalformedPdu(f"a presentation data value must fit into its PDU, got {length} bytes")
        yield context_id, control, pdu[start:end]
        at = end
