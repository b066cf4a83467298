"""pynetdicom's upper layer, with a short way for the data of images.

pynetdicom copies a received PDU some six times between the socket and the data set, and looks for the next one every
millisecond. Here the data PDUs of an established association go from the socket into one buffer and from there to the
file, and a thread that has nothing to do sleeps until something comes. Everything else takes pynetdicom's own way.

The short way relies on three facts of pynetdicom 3.0, which `tests/unit/receive/test_upper_layer.py` holds it to: a
P-DATA-TF PDU in state Sta6 is action DT-2, DT-2 does nothing but hand the data to the DIMSE provider, and it leaves the
state as it is.
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
#: Longest PDU of another kind. A request with 128 contexts of 60 transfer syntaxes has 200,000 bytes.
MAX_CONTROL_PDU_BYTES = 1 << 20
#: How often timers are looked at while nothing comes, s.
TICK_S = 0.1

_PDU_HEADER = struct.Struct(">BxL")  # PS3.8 table 9-11 and others: type, reserved, length
_PDV_HEADER = struct.Struct(">LBB")  # PS3.8 table 9-23 and annex E.2: length, context, message control header
_PDV_LENGTH = 4  # bytes of the length itself, which does not count itself
_P_DATA_TF = 0x04
_ESTABLISHED = "Sta6"  # PS3.8 table 9-5: association established and ready for data transfer


class MalformedPdu(InputRejected):
    """A PDU contradicts itself; the association cannot go on."""


class StreamingUpperLayer(DULServiceProvider):
    """Reads and writes the PDUs of one association in a thread of its own."""

    def __init__(self, assoc: StoringAssociation) -> None:
        super().__init__(assoc)
        self.wakeup = Wakeup()
        self._run_loop_delay = 0.0  # `_is_transport_event` waits instead
        self._buffer = memoryview(bytearray(MAX_PDU_BYTES))
        self._heard_at = time.monotonic()
        self.is_busy = False

    def quiet_s(self) -> float:
        """For how long nothing came from the peer; 0 while the node itself is what the peer waits for."""
        return 0.0 if self.is_busy else time.monotonic() - self._heard_at

    def send_pdu(self, primitive: object) -> None:
        """Queue a primitive, and wake the thread that sends it."""
        super().send_pdu(primitive)
        self.wakeup.ring()

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
        peer = cast("PeerSocket", self.socket)
        if self.state_machine.current_state == "Sta13":
            return bool(super()._is_transport_event())
        if not peer.wait(self.wakeup, 0.0 if self.event_queue.qsize() else TICK_S):
            return False
        self._read_pdu_data()
        self._heard_at = time.monotonic()
        return True

    def _read_pdu_data(self) -> None:
        peer = cast("PeerSocket", self.socket)
        try:
            header = peer.recv(_PDU_HEADER.size)
            if len(header) < _PDU_HEADER.size:
                self.event_queue.put("Evt17")  # transport connection closed
                return
            kind, length = _PDU_HEADER.unpack(header)
            is_data = kind == _P_DATA_TF and self.state_machine.current_state == _ESTABLISHED
            if length > (MAX_PDU_BYTES if is_data else MAX_CONTROL_PDU_BYTES):
                logger.warning(
                    "association aborted: a PDU of %d bytes is longer than agreed",
                    length,
                    extra=event(Event.ASSOCIATION_ABORTED),
                )
                self.event_queue.put("Evt19")  # unrecognized or invalid PDU
            elif is_data:
                self._read_data(peer, length)
            else:
                peer.push_back(bytes(header))
                super()._read_pdu_data()
        except OSError:
            self.event_queue.put("Evt17")

    def _read_data(self, peer: PeerSocket, length: int) -> None:
        """Hand the presentation data values of one P-DATA-TF PDU to the DIMSE provider."""
        pdu = self._buffer[:length]
        if peer.fill(pdu) < length:
            self.event_queue.put("Evt17")
            return
        self.is_busy = True
        try:
            for context_id, control, data in _data_values(pdu):
                self.assoc.dimse.receive_fragment(context_id, control, data)
        except InputRejected as error:
            logger.warning("association aborted: %s", error, extra=event(Event.ASSOCIATION_ABORTED))
            self.event_queue.put("Evt19")
        finally:
            self._heard_at = time.monotonic()
            self.is_busy = False


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
