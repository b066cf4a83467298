"""Files go to real receivers as they are stored, and every way to fail is told apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.acse import ACSE
from pynetdicom.dsutils import split_dataset
from pynetdicom.sop_class import CTImageStorage, MRImageStorage

from node.dispatch.association import ScuSettings, StoreAssociation, open_association
from node.dispatch.contexts import Offer, offers_for, presentation_contexts
from node.dispatch.dicom_file import DicomFile, read_dicom_file
from node.dispatch.echo import echo
from node.dispatch.failures import DestinationRefuses, DestinationUnavailable
from node.domain.destination import Destination
from node.domain.identifiers import AETitle, Uid
from tests import peers
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.scripted_scp import scripted_scp

SETTINGS = ScuSettings(calling_ae=AETitle("OSTEONODE"), connect_timeout_s=1.0, acse_timeout_s=2.0, dimse_timeout_s=1.0)


@pytest.fixture
def file(tmp_path: Path) -> DicomFile:
    """One CT image on disk."""
    (path,) = write_series(ct_series(CtSpec(slices=1)), tmp_path / "image")
    return read_dicom_file(path)


def destination_of(peer: peers.Orthanc | peers.StoreScp, *, port: int | None = None) -> Destination:
    """A real receiver as a destination."""
    there = port or (peer.dicom_port if isinstance(peer, peers.Orthanc) else peer.port)
    return Destination(name="pacs", host=peer.host, port=there, ae_title=AETitle(peer.aet))


def send_to(destination: Destination, file: DicomFile) -> int:
    """Send one file on an association of its own."""
    association = StoreAssociation.open(destination, offers_for(file), settings=SETTINGS)
    try:
        return association.send(file)
    finally:
        association.close()


def data_set_bytes(path: Path) -> bytes:
    """What follows the file meta information."""
    _, offset = split_dataset(path)
    return path.read_bytes()[offset:]


def test_orthanc_stores_an_image(orthanc: peers.Orthanc, file: DicomFile) -> None:
    status = send_to(destination_of(orthanc), file)

    assert status == 0x0000
    assert orthanc.sop_instance_uids() == {file.sop_instance_uid}


def test_the_bytes_arrive_as_they_are_stored(storescp: peers.StoreScp, file: DicomFile) -> None:
    send_to(destination_of(storescp), file)

    (received,) = storescp.files()
    assert data_set_bytes(received) == data_set_bytes(file.path)


def test_a_receiver_of_implicit_vr_alone_gets_the_same_values_in_implicit_vr(file: DicomFile, tmp_path: Path) -> None:
    with peers.storescp_server(tmp_path / "implicit", "+xi") as scp:
        status = send_to(destination_of(scp), file)

        (received,) = scp.files()
    assert status == 0x0000
    there = dcmread(received)
    assert there.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert there.PixelData == dcmread(file.path).PixelData


def test_a_file_goes_in_explicit_vr_where_both_are_accepted(file: DicomFile) -> None:
    with scripted_scp() as scp:
        send_to(scp.destination(), file)

    assert scp.syntaxes == [ExplicitVRLittleEndian]


def test_nobody_listening_is_transient(file: DicomFile) -> None:
    nobody = Destination(name="pacs", host="127.0.0.1", port=peers.free_port(), ae_title=AETitle("NOBODY"))

    with pytest.raises(DestinationUnavailable, match="cannot be reached"):
        send_to(nobody, file)


def test_an_unknown_called_ae_title_is_permanent(file: DicomFile) -> None:
    with scripted_scp(require_called=True) as scp, pytest.raises(DestinationRefuses, match="called AE title"):
        send_to(scp.destination(), file)


def test_an_unknown_calling_ae_title_is_permanent(file: DicomFile) -> None:
    with scripted_scp(require_calling=["FRIEND"]) as scp, pytest.raises(DestinationRefuses, match="calling AE title"):
        send_to(scp.destination(), file)


def test_too_many_associations_are_transient(file: DicomFile) -> None:
    with scripted_scp(maximum=1) as scp:
        first = StoreAssociation.open(scp.destination(), offers_for(file), settings=SETTINGS)

        with pytest.raises(DestinationUnavailable, match="local limit exceeded"):
            send_to(scp.destination(), file)
        first.close()


def test_a_receiver_that_rejects_without_a_reason_is_tried_again(file: DicomFile, tmp_path: Path) -> None:
    refusing = peers.storescp_server(tmp_path / "refusing", "--refuse")

    with refusing as scp, pytest.raises(DestinationUnavailable, match="no reason given"):
        send_to(destination_of(scp), file)


def test_a_rejection_that_comes_at_once_is_not_taken_for_a_lost_connection(
    file: DicomFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_request = ACSE.send_request

    def send_and_be_late(acse: ACSE) -> None:
        send_request(acse)
        deadline = time.monotonic() + 10
        while acse.dul.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not acse.dul.is_alive()

    monkeypatch.setattr(ACSE, "send_request", send_and_be_late)
    refusing = peers.storescp_server(tmp_path / "refusing", "--refuse")

    with refusing as scp, pytest.raises(DestinationUnavailable, match="no reason given"):
        send_to(destination_of(scp), file)


def test_an_aborted_association_is_transient(file: DicomFile) -> None:
    with scripted_scp("abort") as scp, pytest.raises(DestinationUnavailable, match="no valid answer"):
        send_to(scp.destination(), file)


def test_a_receiver_that_does_not_answer_in_time_is_transient(file: DicomFile) -> None:
    with scripted_scp("silence") as scp, pytest.raises(DestinationUnavailable, match="time was up"):
        send_to(scp.destination(), file)


class _ReactorComesFirst(Queue[object]):
    """Where messages arrive: the thread that looks for requests looks before the one that waits is woken."""

    def __init__(self, looked_for: Callable[[], object]) -> None:
        super().__init__()
        self._looked_for = looked_for

    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
        with self.mutex:
            self._put(item)
        self._looked_for()
        with self.mutex:
            self.not_empty.notify()


def test_an_answer_is_not_taken_from_who_waits_for_it(storescp: peers.StoreScp, file: DicomFile) -> None:
    contexts = presentation_contexts(offers_for(file))
    association = open_association(destination_of(storescp), contexts, settings=SETTINGS)
    dimse = association.dimse
    dimse.msg_queue = _ReactorComesFirst(lambda: dimse.get_msg(block=False))

    answer = association.send_c_store(file.path)

    association.release()
    assert answer.get("Status") == 0x0000


def test_a_receiver_that_accepts_no_context_at_all_refuses(file: DicomFile) -> None:
    picky = scripted_scp(sop_classes=[MRImageStorage])

    with picky as scp, pytest.raises(DestinationRefuses, match="none of the presentation contexts"):
        send_to(scp.destination(), file)


def test_a_class_that_was_not_accepted_among_others_is_refused(file: DicomFile) -> None:
    with scripted_scp(sop_classes=[MRImageStorage]) as scp:
        other = Offer(sop_class_uid=Uid(MRImageStorage), transfer_syntax=file.transfer_syntax)
        offers = offers_for(file) | {other}
        association = StoreAssociation.open(scp.destination(), offers, settings=SETTINGS)

        with pytest.raises(DestinationRefuses, match="no presentation context was accepted"):
            association.send(file)
        association.close()


@pytest.mark.parametrize("status", [0xA700, 0xB000, 0xC123, 0x0122])
def test_the_receiver_s_status_is_handed_on(file: DicomFile, status: int) -> None:
    with scripted_scp(status, sop_classes=[CTImageStorage]) as scp:
        assert send_to(scp.destination(), file) == status


def test_an_echo_is_answered_by_orthanc(orthanc: peers.Orthanc) -> None:
    echo(destination_of(orthanc), calling="OSTEONODE")


def test_an_echo_to_nobody_fails_with_a_reason() -> None:
    nobody = Destination(name="pacs", host="127.0.0.1", port=peers.free_port(), ae_title=AETitle("NOBODY"))

    with pytest.raises(DestinationUnavailable, match="pacs"):
        echo(nobody, calling="OSTEONODE")
