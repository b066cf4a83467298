"""The two command sets of a C-STORE, read and written without a data set in between.

A command is a dozen elements, implicit VR little endian. pydicom would check each value and warn of ten thousand
characters in a UID; here a value is taken as it came, and whoever uses it decides.

References
----------
[1] DICOM PS3.7, table 9.3-1 (C-STORE-RQ), 9.3-2 (C-STORE-RSP), section 6.3.1 (encoding) and annex E (elements).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from node.domain.errors import InputRejected, InvalidIdentifier
from node.domain.identifiers import Uid
from node.receive.statuses import Answer

C_STORE_RQ = 0x0001
_C_STORE_RSP = 0x8001
_NO_DATA_SET = 0x0101

_COMMAND_FIELD, _SOP_CLASS, _MESSAGE_ID, _DATA_SET_TYPE, _SOP_INSTANCE = 0x0100, 0x0002, 0x0110, 0x0800, 0x1000
_RESPONDED_TO, _STATUS, _COMMENT = 0x0120, 0x0900, 0x0902
_HEADER = struct.Struct("<HHI")


class MalformedCommand(InputRejected):
    """A command set cannot be read; the association cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRequest:
    """A C-STORE-RQ. An identifier that is missing or follows no grammar is `None`."""

    message_id: int
    sop_class: Uid | None
    sop_instance: Uid | None
    has_data_set: bool


def command_elements(encoded: bytes) -> dict[int, bytes]:
    """The elements of a command set by their element number.

    Raises
    ------
    MalformedCommand
        Where an element is not of group 0000 or ends behind the end.
    """
    elements = {}
    at = 0
    while at < len(encoded):
        if at + _HEADER.size > len(encoded):
            raise MalformedCommand("the command set ends inside of an element")
        group, element, length = _HEADER.unpack_from(encoded, at)
        at += _HEADER.size
        if group != 0 or at + length > len(encoded):
            raise MalformedCommand(f"an element of group 0000 was expected, got ({group:04X},{element:04X})")
        elements[element] = encoded[at : at + length]
        at += length
    return elements


def command_field(elements: dict[int, bytes]) -> int:
    """What kind of message a command set begins."""
    return _number(elements, _COMMAND_FIELD)


def store_request(elements: dict[int, bytes]) -> StoreRequest:
    """The C-STORE-RQ that a command set is.

    Raises
    ------
    MalformedCommand
        Where it has no message identifier or does not say whether a data set follows.
    """
    return StoreRequest(
        message_id=_number(elements, _MESSAGE_ID),
        sop_class=_uid(elements, _SOP_CLASS),
        sop_instance=_uid(elements, _SOP_INSTANCE),
        has_data_set=_number(elements, _DATA_SET_TYPE) != _NO_DATA_SET,
    )


def store_response(request: StoreRequest, answer: Answer) -> bytes:
    """The encoded C-STORE-RSP, with those identifiers of the request that are some."""
    body = b""
    if request.sop_class is not None:
        body += _text(_SOP_CLASS, request.sop_class, b"\x00")
    body += _element(_COMMAND_FIELD, struct.pack("<H", _C_STORE_RSP))
    body += _element(_RESPONDED_TO, struct.pack("<H", request.message_id))
    body += _element(_DATA_SET_TYPE, struct.pack("<H", _NO_DATA_SET))
    body += _element(_STATUS, struct.pack("<H", answer.status))
    if answer.comment:
        body += _text(_COMMENT, answer.comment, b" ")
    if request.sop_instance is not None:
        body += _text(_SOP_INSTANCE, request.sop_instance, b"\x00")
    return _element(0x0000, struct.pack("<I", len(body))) + body


def _number(elements: dict[int, bytes], element: int) -> int:
    value = elements.get(element, b"")
    if len(value) != 2:
        raise MalformedCommand(f"(0000,{element:04X}) must be a number of two bytes, got {len(value)} bytes")
    return int.from_bytes(value, "little")


def _element(element: int, value: bytes) -> bytes:
    return _HEADER.pack(0, element, len(value)) + value


def _text(element: int, text: str, padding: bytes) -> bytes:
    value = text.encode("ascii")
    return _element(element, value + padding if len(value) % 2 else value)


def _uid(elements: dict[int, bytes], element: int) -> Uid | None:
    try:
        return Uid.from_dicom(elements.get(element, b"").decode("ascii", "replace"))
    except InvalidIdentifier:
        return None
