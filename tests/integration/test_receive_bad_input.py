"""What is broken or hostile gets a clear status, and harms nothing else."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from node.receive import arriving
from node.receive.upper_layer import MAX_PDU_BYTES
from tests.builders.ct import CtSpec, ct_series
from tests.integration.listening import Listening, listening
from tests.integration.raw_association import (
    COMMAND_LAST,
    DATA,
    DATA_LAST,
    Aborted,
    Encoded,
    RawAssociation,
    store_command,
)
from tests.integration.senders import encoded, send
from tests.peers import wait_until

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "store") as running:
        yield running


def slice_(**changes: object) -> Encoded:
    """One CT slice; attributes set to `None` are missing."""
    dataset = ct_series(CtSpec(slices=1))[0]
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return encoded(dataset)


def good() -> Encoded:
    """A second slice, with which nothing is wrong."""
    return encoded(ct_series(CtSpec(slices=2))[1])


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        pytest.param(lambda: replace(slice_(), content=slice_().content[:-100]), 0xC000, id="truncated pixels"),
        pytest.param(lambda: replace(slice_(), content=slice_().content[:333]), 0xC000, id="truncated header"),
        pytest.param(lambda: replace(slice_(), content=b""), 0xC002, id="empty"),
        pytest.param(lambda: replace(slice_(), content=os.urandom(5000)), 0xC000, id="noise"),
        pytest.param(lambda: wrong_length(slice_()), 0xC000, id="wrong length"),
        pytest.param(lambda: slice_(StudyInstanceUID=None), 0xC002, id="no study UID"),
        pytest.param(lambda: slice_(SeriesInstanceUID=None), 0xC002, id="no series UID"),
        pytest.param(lambda: replace(slice_(), sop_instance="1.2.3.4"), 0xA900, id="other instance than the command"),
        pytest.param(lambda: in_class(slice_(), "1.2.840.10008.5.1.4.1.1.4"), 0xA900, id="other class"),
        pytest.param(lambda: hostile(b"../../../../tmp/escaped"), 0xC001, id="study UID climbs out"),
        pytest.param(lambda: hostile(b"1." * 5000 + b"1"), 0xC001, id="study UID of 10,001 characters"),
        pytest.param(lambda: hostile(b"1.2.03"), 0xC001, id="study UID with a leading zero"),
        pytest.param(lambda: hostile(b"/etc/passwd"), 0xC001, id="study UID is a path"),
        pytest.param(lambda: deflated(b"no deflated stream"), 0xC000, id="not deflated"),
        pytest.param(lambda: deflated(deflate(slice_().content)[:-60]), 0xC000, id="deflated and truncated"),
        pytest.param(lambda: nested(5000), 0xC000, id="sequences 5,000 levels deep"),
    ],
)
def test_a_broken_object_is_refused_with_its_status(listener: Listening, broken: object, status: int) -> None:
    bad = broken()  # type: ignore[operator]

    statuses = send(listener.port, bad, good())

    assert statuses == [status, 0x0000]
    assert set(listener.index.instances) == {good().sop_instance}
    assert len(listener.stored_files()) == 1
    assert listener.partial_files() == []


def wrong_length(sent: Encoded) -> Encoded:
    """The Study Instance UID says that it is 3,000 bytes longer than it is."""
    at = sent.content.index(struct.pack("<HH2s", 0x0020, 0x000D, b"UI")) + 6
    return replace(sent, content=sent.content[:at] + struct.pack("<H", 60_000) + sent.content[at + 2 :])


def in_class(sent: Encoded, sop_class: str) -> Encoded:
    """As if it were of another SOP class."""
    return replace(sent, sop_class=sop_class)


def hostile(value: bytes) -> Encoded:
    """A Study Instance UID that is none."""
    sent = slice_()
    at = sent.content.index(struct.pack("<HH2s", 0x0020, 0x000D, b"UI"))
    (length,) = struct.unpack_from("<H", sent.content, at + 6)
    value += b"\x00" * (len(value) % 2)
    element = struct.pack("<HH2sH", 0x0020, 0x000D, b"UI", len(value)) + value
    return replace(sent, content=sent.content[:at] + element + sent.content[at + 8 + length :])


def deflate(content: bytes) -> bytes:
    """As Deflated Explicit VR Little Endian has it: no zlib header."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def deflated(content: bytes) -> Encoded:
    """Sent as a deflated data set."""
    return replace(slice_(), transfer_syntax=str(DeflatedExplicitVRLittleEndian), content=content)


def nested(depth: int) -> Encoded:
    """A sequence in a sequence in a sequence, none with a length, before the pixels."""
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return replace(slice_(), content=(sequence + item) * depth + slice_().content)


def test_an_object_without_pixels_is_stored_and_says_so(listener: Listening) -> None:
    sent = slice_(PixelData=None)

    statuses = send(listener.port, sent)

    assert statuses == [0x0000]
    assert listener.index.instances[sent.sop_instance].facts.has_pixel_data is False


def test_values_that_are_malformed_count_as_unknown(listener: Listening) -> None:
    sent = slice_()
    content = sent.content
    for tag, vr, value in (
        (0x00200032, b"DS", b"left\\right\\up"),
        (0x00180060, b"DS", b"12O "),
        (0x00200013, b"IS", b"one "),
    ):
        at = content.index(struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr))
        (length,) = struct.unpack_from("<H", content, at + 6)
        element = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value
        content = content[:at] + element + content[at + 8 + length :]

    statuses = send(listener.port, replace(sent, content=content))

    facts = listener.index.instances[sent.sop_instance].facts
    assert statuses == [0x0000]
    assert (facts.position, facts.kvp, facts.instance_number) == (None, None, None)
    assert facts.modality == "CT"


@pytest.mark.parametrize("uid", ["../../etc/cron.d/job", "1." * 5000 + "1", "", "1..2", "1.2.3\\4.5.6"])
def test_a_hostile_instance_uid_in_the_command_gets_a_status(listener: Listening, uid: str) -> None:
    with RawAssociation(listener.port, [(CT, EXPLICIT)]) as association:
        association.send(1, COMMAND_LAST, store_command(CT, uid, 7))
        association.send(1, DATA_LAST, slice_().content)
        answer = association.response()
        after = association.store(good())

    assert answer[0x0900] == 0xC001
    assert answer[0x0120] == 7
    assert after == 0x0000
    assert set(listener.index.instances) == {good().sop_instance}


def test_a_store_without_a_data_set_gets_a_status(listener: Listening) -> None:
    with RawAssociation(listener.port, [(CT, EXPLICIT)]) as association:
        association.send(1, COMMAND_LAST, store_command(CT, "1.2.3", 1, data_set=0x0101))
        status = association.status()

    assert status == 0xC003


def test_an_object_that_is_too_large_is_refused_and_the_association_goes_on(tmp_path: Path) -> None:
    with listening(tmp_path / "store", max_object_bytes=20_000) as listener:
        large = replace(slice_(), content=slice_().content + b"\x00" * 20_000)

        statuses = send(listener.port, large, good())

        assert statuses == [0xA700, 0x0000]
        assert listener.partial_files() == []


def test_a_deflated_object_that_inflates_without_end_is_refused(
    listener: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.store.headers.MAX_INFLATED", 1 << 20)
    bomb = deflated(deflate(slice_().content + b"\x00" * (1 << 22)))

    statuses = send(listener.port, bomb)

    assert statuses == [0xC000]


def test_a_disk_that_fills_up_while_an_object_arrives_is_told_and_survived(
    listener: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, data: memoryview) -> int:
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(handle, data)

    class FullDisk:
        write = staticmethod(full)
        open, close, fdatasync = os.open, os.close, os.fdatasync
        O_RDWR, O_CREAT, O_EXCL, O_CLOEXEC = os.O_RDWR, os.O_CREAT, os.O_EXCL, os.O_CLOEXEC

    with monkeypatch.context() as patch:
        patch.setattr(arriving, "os", FullDisk)
        refused = send(listener.port, slice_())
    accepted = send(listener.port, slice_())

    assert refused == [0xA700]
    assert accepted == [0x0000]
    assert listener.partial_files() == []


def test_an_association_that_is_cut_half_way_leaves_nothing_half(listener: Listening) -> None:
    sent = slice_()
    association = RawAssociation(listener.port, [(CT, EXPLICIT)])

    with association:
        first = association.store(good())
        association.begin(sent)
        association.send(1, DATA, sent.content[:500])
        wait_until(lambda: len(listener.partial_files()) == 1, "the object to begin")
        association.connection.close()
    wait_until(lambda: listener.partial_files() == [], "the half object to go")

    assert first == 0x0000
    assert set(listener.index.instances) == {good().sop_instance}
    assert len(listener.stored_files()) == 1


def test_an_aborted_association_leaves_nothing_half(listener: Listening) -> None:
    sent = slice_()

    with RawAssociation(listener.port, [(CT, EXPLICIT)]) as association:
        association.begin(sent)
        association.send(1, DATA, sent.content[:500])
        wait_until(lambda: len(listener.partial_files()) == 1, "the object to begin")
        association.connection.sendall(struct.pack(">BxLxxBB", 0x07, 4, 0, 0))
        wait_until(lambda: listener.partial_files() == [], "the half object to go")
        association.connection.close()

    assert listener.index.instances == {}


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(struct.pack(">BxL", 0x04, MAX_PDU_BYTES + 1), id="PDU longer than agreed"),
        pytest.param(struct.pack(">BxLLBB", 0x04, 6, 600, 1, 2), id="data value longer than its PDU"),
        pytest.param(struct.pack(">BxLLBB", 0x04, 6, 2, 1, DATA_LAST), id="data without a command"),
        pytest.param(struct.pack(">BxLLBB", 0x04, 14, 10, 99, COMMAND_LAST) + b"\x00" * 8, id="unknown context"),
        pytest.param(struct.pack(">BxLLBB", 0x04, 26, 22, 1, COMMAND_LAST) + os.urandom(20), id="noise for a command"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
    ],
)
def test_nonsense_ends_the_association_and_nothing_else(listener: Listening, nonsense: bytes) -> None:
    with RawAssociation(listener.port, [(CT, EXPLICIT)]) as association:
        association.connection.sendall(nonsense)
        with pytest.raises(Aborted):
            association.receive()
        association.connection.close()

    assert send(listener.port, good()) == [0x0000]


def test_a_request_that_is_too_long_is_not_read(listener: Listening) -> None:
    association = RawAssociation(listener.port, [(CT, EXPLICIT)])
    association.connection.sendall(struct.pack(">BxL", 0x01, 0xFFFFFFF0) + b"\x00" * 1000)

    with pytest.raises(Aborted):
        association.receive()

    association.connection.close()
    assert send(listener.port, good()) == [0x0000]


def test_a_sender_that_stalls_within_an_object_is_cut_off(tmp_path: Path) -> None:
    with listening(tmp_path / "store", dimse_timeout_s=0.5, network_timeout_s=30.0) as listener:
        with RawAssociation(listener.port, [(CT, EXPLICIT)]) as association:
            association.begin(slice_())
            association.send(1, DATA, slice_().content[:500])
            with pytest.raises(Aborted):
                association.receive()
            association.connection.close()
        wait_until(lambda: listener.partial_files() == [], "the half object to go")


def test_a_sender_that_never_reads_its_answers_is_cut_off(tmp_path: Path) -> None:
    with listening(tmp_path / "store", dimse_timeout_s=0.5, network_timeout_s=30.0) as listener:
        with RawAssociation(listener.port, [(CT, EXPLICIT)], receive_buffer=4096) as association:
            with pytest.raises(ConnectionError):
                pour_commands(association, seconds=20)
            association.connection.close()
        assert send(listener.port, good()) == [0x0000]


def pour_commands(association: RawAssociation, *, seconds: float) -> None:
    """Ask again and again to store nothing, without a look at what is answered."""
    command = store_command(CT, "1.2.3", 1, data_set=0x0101)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        association.send(1, COMMAND_LAST, command)


def test_a_sender_that_drips_single_bytes_is_cut_off(tmp_path: Path) -> None:
    with listening(tmp_path / "store", dimse_timeout_s=0.6, network_timeout_s=30.0) as listener:
        with RawAssociation(listener.port, [(CT, EXPLICIT)]) as association:
            association.connection.sendall(struct.pack(">BxL", 0x04, 5000))
            with pytest.raises(ConnectionError):
                drip(association.connection, seconds=20)
            association.connection.close()
        assert send(listener.port, good()) == [0x0000]


def drip(connection: socket.socket, *, seconds: float) -> None:
    """Send a byte now and then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection.sendall(b"\x00")
        time.sleep(0.05)


def test_an_idle_association_is_ended(tmp_path: Path) -> None:
    with (
        listening(tmp_path / "store", network_timeout_s=0.4) as listener,
        RawAssociation(listener.port, [(CT, EXPLICIT)]) as association,
    ):
        with pytest.raises(Aborted):
            association.receive()
        association.connection.close()


def test_a_connection_that_never_asks_for_anything_is_closed(tmp_path: Path) -> None:
    with listening(tmp_path / "store", acse_timeout_s=0.4) as listener:
        association = RawAssociation(listener.port, [(CT, EXPLICIT)])

        closed = association.connection.recv(1)

        association.connection.close()
        assert closed == b""
        assert send(listener.port, good()) == [0x0000]


def test_a_slow_index_does_not_count_as_a_silent_sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(tmp_path / "store", network_timeout_s=0.3, dimse_timeout_s=0.3) as listener:
        record = type(listener.index).record

        def slowly(index, batch):  # type: ignore[no-untyped-def]
            threading.Event().wait(1.0)
            return record(index, batch)

        monkeypatch.setattr(type(listener.index), "record", slowly)

        assert send(listener.port, slice_()) == [0x0000]


def test_what_nobody_foresaw_costs_one_object_and_not_the_listener(
    listener: Listening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("node.receive.intake.read_header", broken)
        refused = send(listener.port, slice_())

    assert refused == [0x0110]
    assert any(record.exc_info for record in caplog.records)
    assert send(listener.port, slice_()) == [0x0000]


def test_no_identity_reaches_the_log(listener: Listening, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    dataset = ct_series(CtSpec(slices=1, patient_name="Findling^Frieda", patient_id="PID-4711"))[0]
    whole = encoded(dataset)

    send(listener.port, whole, replace(whole, content=whole.content[:-50]), whole)

    told = " ".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("node")
    )
    assert "Findling" not in told
    assert "4711" not in told
    assert dataset.StudyInstanceUID not in told
