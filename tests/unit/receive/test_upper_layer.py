"""What the short way for image data takes for granted of pynetdicom."""

from __future__ import annotations

import inspect
import struct

import pytest
from pynetdicom import dul, fsm
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.pdu_primitives import P_DATA

from node.receive.contexts import TRANSFER_SYNTAXES, listener_contexts
from node.receive.upper_layer import MalformedPdu, _data_values, command_pdu


def test_data_in_an_established_association_is_action_dt_2_and_changes_no_state() -> None:
    (event,) = (event for code, (_, event) in dul._PDU_TYPES.items() if code == b"\x04")

    assert fsm.TRANSITION_TABLE[event, "Sta6"] == "DT-2"
    assert fsm.ACTIONS["DT-2"][2] == "Sta6"


def test_dt_2_does_nothing_but_hand_the_data_to_the_dimse_provider() -> None:
    body = inspect.getsource(fsm.DT_2).rpartition('"""')[2]
    statements = [line.strip() for line in body.splitlines() if line.strip() and not line.strip().startswith("#")]

    assert statements == [
        "pdu = dul._recv_pdu.get(False)",
        'dul.assoc.dimse.receive_primitive(cast("P_DATA", pdu.to_primitive()))',
        'return "Sta6"',
    ]


def test_dt_1_does_nothing_but_send_and_changes_no_state() -> None:
    body = inspect.getsource(fsm.DT_1).rpartition('"""')[2]
    statements = [line.strip() for line in body.splitlines() if line.strip() and not line.strip().startswith("#")]

    assert fsm.TRANSITION_TABLE["Evt9", "Sta6"] == "DT-1"
    assert statements == [
        'primitive = cast("P_DATA", dul.to_provider_queue.get(False))',
        "dul._send(P_DATA_TF(primitive))",
        'return "Sta6"',
    ]


def test_an_answer_is_the_pdu_that_pynetdicom_would_send() -> None:
    primitive = P_DATA()
    primitive.presentation_data_value_list = [[5, b"\x03command"]]

    assert command_pdu(5, b"command") == P_DATA_TF(primitive).encode()


def test_the_reactor_waits_where_we_wait() -> None:
    reactor = inspect.getsource(dul.DULServiceProvider.run_reactor)

    assert "elif self._is_transport_event():" in reactor
    assert "if self._process_recv_primitive():" in reactor
    assert "time.sleep(self._run_loop_delay)" in reactor


def test_data_values_are_those_that_pynetdicom_reads() -> None:
    primitive = P_DATA()
    primitive.presentation_data_value_list = [[1, b"\x03command"], [3, b"\x02" + bytes(300)]]
    pdu = P_DATA_TF(primitive).encode()

    values = [(context, control, bytes(data)) for context, control, data in _data_values(memoryview(pdu)[6:])]

    assert values == [(1, 3, b"command"), (3, 2, bytes(300))]


@pytest.mark.parametrize("pdu", [b"\x00\x00", struct.pack(">LBB", 1, 1, 3), struct.pack(">LBB", 3, 1, 3)])
def test_contradicting_lengths_are_refused(pdu: bytes) -> None:
    with pytest.raises(MalformedPdu):
        list(_data_values(memoryview(pdu)))


def test_explicit_little_endian_is_preferred_and_nothing_is_offered_twice() -> None:
    assert TRANSFER_SYNTAXES[0] == "1.2.840.10008.1.2.1"
    assert len(TRANSFER_SYNTAXES) == len(set(TRANSFER_SYNTAXES))
    assert len({each.abstract_syntax for each in listener_contexts()}) == len(listener_contexts())
