"""pynetdicom's DIMSE provider, with data sets of C-STORE going to disk as they come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from node.domain.errors import InputRejected
from node.observe.events import Event
from node.observe.logging import event
from node.receive.arriving import Arriving
from node.receive.commands import (
    C_STORE_RQ,
    MalformedCommand,
    StoreRequest,
    command_elements,
    command_field,
    store_request,
    store_response,
)
from node.receive.statuses import SUCCESS, Answer

if TYPE_CHECKING:
    from node.receive.association import StoringAssociation

logger = logging.getLogger(__name__)

# PS3.8 annex E.2: bits of the message control header.
_IS_COMMAND, _IS_LAST = 0x01, 0x02

#: A command set has a dozen short elements; one that grows beyond this is none.
MAX_COMMAND_BYTES = 65_536
#: Data sets of other messages than C-STORE, which no accepted context allows, are held in memory by pynetdicom.
MAX_OTHER_DATA_SET_BYTES = 65_536


class MessageOutOfPlace(InputRejected):
    """A message came that the association does not allow at this place."""


class StreamingMessages(DIMSEServiceProvider):
    """Puts the fragments of one association's messages together: C-STORE here, all others by pynetdicom.

    A C-STORE is answered by the thread that reads: until the sender has its answer it sends nothing more, since one
    operation at a time is what is negotiated, and one that does it nevertheless waits in its own TCP window.
    """

    def __init__(self, assoc: StoringAssociation) -> None:
        super().__init__(assoc)
        self._command = bytearray()
        self._request: StoreRequest | None = None
        self._arriving: Arriving | Answer | None = None
        self._context_id = 0
        self._other_bytes = 0

    @property
    def is_receiving(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._request is not None or bool(self._command)

    def receive_fragment(self, context_id: int, control: int, data: memoryview) -> None:
        """Take one presentation data value, which is valid only during this call.

        Raises
        ------
        MalformedCommand, MessageOutOfPlace
            Where it makes no sense; the association is aborted then.
        """
        if control & _IS_COMMAND:
            self._add_to_command(context_id, control, data)
        elif self._request is not None:
            self._add_to_object(context_id, control, data)
        elif self.message is not None:
            self._other_bytes += len(data)
            if self._other_bytes > MAX_OTHER_DATA_SET_BYTES:
                raise MessageOutOfPlace("only C-STORE may have a large data set")
            self._hand_on(context_id, control, data)
        else:
            raise MessageOutOfPlace("a data set came without a command")

    def discard(self) -> None:
        """Leave nothing of an object that did not arrive completely."""
        if isinstance(self._arriving, Arriving):
            self._arriving.discard()
        self._arriving = self._request = None

    def _add_to_command(self, context_id: int, control: int, data: memoryview) -> None:
        if self._request is not None:
            raise MessageOutOfPlace("a command came inside of a data set")
        self._command += data
        if len(self._command) > MAX_COMMAND_BYTES:
            raise MalformedCommand(f"a command must not be longer than {MAX_COMMAND_BYTES} bytes")
        if not control & _IS_LAST:
            return
        encoded, self._command = bytes(self._command), bytearray()
        elements = command_elements(encoded)
        if command_field(elements) == C_STORE_RQ:
            self._begin(context_id, store_request(elements))
        else:
            self._other_bytes = 0
            self._hand_on(context_id, control, memoryview(encoded))

    def _begin(self, context_id: int, request: StoreRequest) -> None:
        sender = self.assoc.sender(context_id)
        self._request, self._context_id = request, context_id
        self._arriving = self.assoc.intake.begin(request, sender)
        if not request.has_data_set:
            self._finish()

    def _add_to_object(self, context_id: int, control: int, data: memoryview) -> None:
        if context_id != self._context_id:
            raise MessageOutOfPlace("a data set came in another context than its command")
        if isinstance(self._arriving, Arriving):
            self._arriving.add(data)
        if control & _IS_LAST:
            self._finish()

    def _finish(self) -> None:
        request, arriving = self._request, self._arriving
        if request is None or arriving is None:
            raise MessageOutOfPlace("an object ended that never began")
        answer = self.assoc.intake.keep(arriving) if isinstance(arriving, Arriving) else arriving
        self._request = self._arriving = None
        self.assoc.tally(answer)
        if answer is not SUCCESS:
            logger.warning(
                "object refused: %s",
                answer.comment,
                extra=event(Event.INSTANCE_REFUSED, status=f"0x{answer.status:04X}", calling_ae=self.assoc.calling_ae),
            )
        self.assoc.dul.answer(self._context_id, store_response(request, answer))

    def _hand_on(self, context_id: int, control: int, data: memoryview) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list = [[context_id, bytes([control]) + bytes(data)]]
        self.receive_primitive(primitive)
