"""What well-behaved senders send is stored byte for byte, indexed once, and acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE, AllStoragePresentationContexts
from pynetdicom.sop_class import CTImageStorage, Verification

from node.receive.contexts import TRANSFER_SYNTAXES
from tests import peers
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.memory_index import MemoryIndex
from tests.integration.listening import Listening, listening
from tests.integration.raw_association import COMMAND_LAST, DATA_LAST, RawAssociation, store_command
from tests.integration.senders import encoded, from_file, send

LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "store") as running:
        yield running


def test_echoscu_gets_its_answer(listener: Listening) -> None:
    done = peers.dcmtk("echoscu", "-aec", "OSTEONODE", "127.0.0.1", str(listener.port))

    assert done.returncode == 0, done.stderr


def test_a_series_from_storescu_is_stored_and_indexed(listener: Listening, tmp_path: Path) -> None:
    series = ct_series(CtSpec(slices=5))
    write_series(series, tmp_path / "series")

    done = peers.dcmtk(
        "storescu", "-aec", "OSTEONODE", "+sd", "127.0.0.1", str(listener.port), str(tmp_path / "series")
    )

    assert done.returncode == 0, done.stderr
    assert set(listener.index.instances) == {each.SOPInstanceUID for each in series}
    assert len(listener.stored_files()) == 5
    assert listener.partial_files() == []


def test_every_real_file_is_stored_byte_for_byte(tmp_path: Path, shared_data: Path) -> None:
    files = sorted((shared_data / "dicom" / "transfer-syntaxes").glob("*.dcm"))
    assert len(files) >= 16

    for number, file in enumerate(files):
        with listening(tmp_path / str(number)) as listener:
            sent = from_file(file)

            (status,) = send(listener.port, sent)

            (stored,) = listener.index.instances.values()
            assert status == 0x0000, file.name
            assert listener.content(sent.sop_instance) == sent.content, file.name
            assert stored.transfer_syntax == sent.transfer_syntax
            assert stored.facts.rows == 512
            assert dcmread(listener.settings.store / stored.file).file_meta.TransferSyntaxUID == sent.transfer_syntax


def test_all_storage_classes_are_accepted(listener: Listening) -> None:
    classes = [each.abstract_syntax for each in AllStoragePresentationContexts]
    assert LABEL_MAP_SEGMENTATION in classes

    for start in range(0, len(classes), 120):
        sender = AE()
        for each in classes[start : start + 120]:
            sender.add_requested_context(each)
        association = sender.associate("127.0.0.1", listener.port, ae_title="OSTEONODE")
        accepted = {each.abstract_syntax for each in association.accepted_contexts}
        association.release()

        assert accepted == set(classes[start : start + 120])


def test_every_transfer_syntax_is_accepted(listener: Listening) -> None:
    sender = AE()
    sender.add_requested_context(Verification)
    for each in TRANSFER_SYNTAXES:
        sender.add_requested_context(CTImageStorage, each)

    association = sender.associate("127.0.0.1", listener.port, ae_title="OSTEONODE")
    accepted = {
        each.transfer_syntax[0] for each in association.accepted_contexts if each.abstract_syntax != Verification
    }
    association.release()

    assert accepted == set(TRANSFER_SYNTAXES)


def test_the_instance_says_what_its_header_says(listener: Listening) -> None:
    dataset = ct_series(CtSpec(slices=1, kvp=100.0))[0]
    dataset.ContrastBolusAgent = "Iomeprol"

    send(listener.port, encoded(dataset))

    (instance,) = listener.index.instances.values()
    assert instance.study_uid == dataset.StudyInstanceUID
    assert instance.series_uid == dataset.SeriesInstanceUID
    assert instance.facts.modality == "CT"
    assert instance.facts.kvp == 100.0
    assert instance.facts.position == tuple(dataset.ImagePositionPatient)
    assert instance.facts.contrast_agent is True
    assert instance.facts.has_pixel_data is True
    assert instance.facts.made_by_node is False


def test_two_patients_in_one_study_have_different_digests(listener: Listening) -> None:
    first, second, third = ct_series(CtSpec(slices=3))
    third.PatientID = "SOMEBODY-ELSE"

    send(listener.port, encoded(first), encoded(second), encoded(third))

    digests = {uid: each.patient for uid, each in listener.index.instances.items()}
    assert digests[first.SOPInstanceUID] == digests[second.SOPInstanceUID]
    assert digests[first.SOPInstanceUID] != digests[third.SOPInstanceUID]


def test_a_name_that_is_not_ascii_is_no_obstacle(listener: Listening) -> None:
    dataset = ct_series(CtSpec(slices=1, patient_name="Ångström^Zoë=山田^太郎"))[0]
    sent = encoded(dataset)

    (status,) = send(listener.port, sent)

    assert status == 0x0000
    assert listener.content(sent.sop_instance) == sent.content


def test_our_own_objects_are_recognised(listener: Listening) -> None:
    dataset = ct_series(CtSpec(slices=1))[0]
    dataset.Manufacturer = "OsteoNode"

    send(listener.port, encoded(dataset))

    (instance,) = listener.index.instances.values()
    assert instance.facts.made_by_node is True


def test_the_same_bytes_again_are_a_success_and_nothing_new(listener: Listening) -> None:
    sent = encoded(ct_series(CtSpec(slices=1))[0])

    statuses = send(listener.port, sent, sent)

    assert statuses == [0x0000, 0x0000]
    assert len(listener.stored_files()) == 1
    assert listener.index.conflicts == []


def test_other_bytes_under_a_known_uid_are_kept_aside_and_the_first_stays(listener: Listening) -> None:
    dataset = ct_series(CtSpec(slices=1))[0]
    first = encoded(dataset)
    dataset.SeriesDescription = "changed since"
    second = encoded(dataset)

    statuses = send(listener.port, first, second, second)

    (conflict,) = listener.index.conflicts
    assert statuses == [0x0000, 0x0000, 0x0000]
    assert listener.content(first.sop_instance) == first.content
    assert conflict.file.startswith("conflicts/")
    assert len(list(listener.settings.store.glob("conflicts/*/*/*.dcm"))) == 1


def test_a_first_that_the_index_never_saw_is_healed_by_a_conflict(tmp_path: Path) -> None:
    dataset = ct_series(CtSpec(slices=1))[0]
    first = encoded(dataset)
    with listening(tmp_path / "store") as listener:
        send(listener.port, first)
    dataset.SeriesDescription = "changed since"
    index = MemoryIndex()  # a crash between file and index: the file is there, the row is not

    with listening(tmp_path / "store", index=index) as listener:
        send(listener.port, encoded(dataset))

        assert listener.content(first.sop_instance) == first.content
        assert len(index.conflicts) == 1


def test_success_is_not_said_before_the_index_has_it(tmp_path: Path) -> None:
    index = MemoryIndex(refuses=True)
    sent = encoded(ct_series(CtSpec(slices=1))[0])
    with listening(tmp_path / "store", index=index) as listener:
        refused = send(listener.port, sent)
        index.refuses = False
        accepted = send(listener.port, sent)

        assert refused == [0xA700]
        assert accepted == [0x0000]
        assert listener.content(sent.sop_instance) == sent.content


def test_a_complete_file_that_the_index_missed_is_recorded_at_the_next_start(tmp_path: Path) -> None:
    sent = encoded(ct_series(CtSpec(slices=1))[0])
    with listening(tmp_path / "store", index=MemoryIndex(refuses=True)) as listener:
        assert send(listener.port, sent) == [0xA700]

    with listening(tmp_path / "store") as listener:
        assert set(listener.index.instances) == {sent.sop_instance}
        assert listener.partial_files() == []


def test_a_partial_file_is_removed_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "store" / "incoming" / "0" / "1-1.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of an object")

    with listening(tmp_path / "store") as listener:
        assert not left.exists()
        assert listener.index.instances == {}


def test_what_waits_at_the_same_time_is_committed_together(tmp_path: Path) -> None:
    class SlowIndex(MemoryIndex):
        def record(self, batch):  # type: ignore[no-untyped-def]
            threading.Event().wait(0.05)
            return super().record(batch)

    index = SlowIndex()
    series = [encoded(each) for each in ct_series(CtSpec(slices=16))]
    with listening(tmp_path / "store", index=index) as listener:
        senders = [threading.Thread(target=send, args=(listener.port, *series[part::4])) for part in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    assert sum(index.batches) == 16
    assert max(index.batches) > 1
    assert set(index.instances) == {each.sop_instance for each in series}


def test_objects_sent_without_waiting_for_answers_are_all_stored(listener: Listening) -> None:
    series = [encoded(each) for each in ct_series(CtSpec(slices=3))]
    context = (series[0].sop_class, series[0].transfer_syntax)

    with RawAssociation(listener.port, [context]) as association:
        for number, sent in enumerate(series, 1):
            association.send(1, COMMAND_LAST, store_command(sent.sop_class, sent.sop_instance, number))
            association.send(1, DATA_LAST, sent.content)
        statuses = [association.status() for _ in series]

    assert statuses == [0x0000] * 3
    assert len(listener.index.instances) == 3
