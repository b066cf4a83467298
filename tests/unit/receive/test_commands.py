"""Our command sets are those of pynetdicom."""

from __future__ import annotations

from io import BytesIO

import pytest
from pynetdicom import dimse_messages
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode

from node.domain.identifiers import Uid
from node.receive.commands import (
    C_STORE_RQ,
    MalformedCommand,
    StoreRequest,
    command_elements,
    command_field,
    store_request,
    store_response,
)
from node.receive.statuses import Answer, StoreStatus

CT = Uid("1.2.840.10008.5.1.4.1.1.2")


def request(**changes: object) -> StoreRequest:
    fields: dict[str, object] = {"message_id": 7, "sop_class": CT, "sop_instance": Uid("1.2.3"), "has_data_set": True}
    return StoreRequest(**(fields | changes))  # type: ignore[arg-type]


def test_a_request_of_pynetdicom_is_read() -> None:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 7, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = str(CT), "1.2.3"
    primitive.DataSet = BytesIO(b"\x08\x00\x05\x00CS\x00\x00")
    message = dimse_messages.C_STORE_RQ()
    message.primitive_to_message(primitive)
    first = next(message.encode_msg(1, 16_384)).presentation_data_value_list[0][1]

    elements = command_elements(first[1:])

    assert command_field(elements) == C_STORE_RQ
    assert store_request(elements) == request()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Answer(status=StoreStatus.SUCCESS), 0x0000),
        (Answer(status=StoreStatus.NOT_UNDERSTOOD, comment="an odd number of letters."), 0xC000),
    ],
)
def test_a_response_is_read_by_pydicom(said: Answer, status: int) -> None:
    response = decode(BytesIO(store_response(request(), said)), True, True)

    assert response.CommandField == 0x8001
    assert response.MessageIDBeingRespondedTo == 7
    assert response.CommandDataSetType == 0x0101
    assert response.Status == status
    assert response.get("ErrorComment", "") == said.comment
    assert (response.AffectedSOPClassUID, response.AffectedSOPInstanceUID) == (CT, "1.2.3")
    assert [element.tag for element in response] == sorted(element.tag for element in response)


def test_the_group_length_counts_what_follows_it() -> None:
    encoded = store_response(request(), Answer(status=StoreStatus.SUCCESS))

    assert int.from_bytes(encoded[8:12], "little") == len(encoded) - 12


def test_identifiers_that_are_none_are_not_echoed() -> None:
    encoded = store_response(request(sop_instance=None), Answer(status=StoreStatus.INVALID_IDENTIFIER))

    assert 0x1000 not in command_elements(encoded)
    assert 0x0002 in command_elements(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"\x00\x00\x00", id="too short for an element"),
        pytest.param(b"\x08\x00\x05\x00\x00\x00\x00\x00", id="not of group 0000"),
        pytest.param(b"\x00\x00\x00\x01\xff\x00\x00\x00\x01\x00", id="longer than there is"),
    ],
)
def test_a_malformed_command_is_refused(encoded: bytes) -> None:
    with pytest.raises(MalformedCommand):
        command_elements(encoded)


def test_a_command_without_a_message_identifier_is_refused() -> None:
    with pytest.raises(MalformedCommand, match="0000,0110"):
        store_request({0x0100: b"\x01\x00"})
