"""A folder of DICOM files is sent, and every file is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts

from node.dispatch.association import ScuSettings
from node.dispatch.send_folder import NotSent, Sent, find_dicom_files, send_files
from node.domain.destination import Destination
from node.domain.errors import InputRejected
from node.domain.identifiers import AETitle
from tests import peers
from tests.builders.ct import CtSpec, ct_series, with_file_meta, write_series
from tests.scripted_scp import scripted_scp

#: JPEG processes 6 and 8, and 10 and 12: retired, and still in archives.
RETIRED_JPEG = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
SETTINGS = ScuSettings(calling_ae=AETitle("SENDER"), connect_timeout_s=1.0, acse_timeout_s=2.0, dimse_timeout_s=2.0)


def test_a_folder_arrives_in_orthanc_as_a_whole(orthanc: peers.Orthanc, tmp_path: Path) -> None:
    series = ct_series(CtSpec(slices=12))
    write_series(series, tmp_path / "study" / "series")
    destination = Destination(name="pacs", host="127.0.0.1", port=orthanc.dicom_port, ae_title=AETitle(orthanc.aet))

    told = list(send_files(find_dicom_files(tmp_path / "study").files, destination, settings=SETTINGS))

    assert all(isinstance(each, Sent) for each in told)
    assert orthanc.sop_instance_uids() == {each.SOPInstanceUID for each in series}


def test_files_that_are_no_dicom_are_named_and_the_rest_is_found(tmp_path: Path) -> None:
    (image,) = write_series(ct_series(CtSpec(slices=1)), tmp_path)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty.dcm").touch()

    found = find_dicom_files(tmp_path)

    assert [file.path for file in found.files] == [image]
    assert {each.file.name for each in found.others} == {"notes.txt", "empty.dcm"}


def test_a_folder_without_dicom_files_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")

    with pytest.raises(InputRejected, match="holds no DICOM file; 1 other"):
        find_dicom_files(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="is none"):
        find_dicom_files(tmp_path / "absent")


def test_a_failure_names_its_file_and_status_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_series(ct_series(CtSpec(slices=3)), tmp_path)
    files = find_dicom_files(tmp_path).files

    with scripted_scp(0, 0xA700) as scp:
        told = list(send_files(files, scp.destination(), settings=SETTINGS))

    assert told == [
        Sent(file=files[0].path, status=0),
        NotSent(file=files[1].path, status=0xA700, because="refused: out of resources"),
        Sent(file=files[2].path, status=0),
    ]


def test_a_warning_counts_as_sent_and_says_so(tmp_path: Path) -> None:
    write_series(ct_series(CtSpec(slices=1)), tmp_path)

    with scripted_scp(0xB000) as scp:
        (told,) = send_files(find_dicom_files(tmp_path).files, scp.destination(), settings=SETTINGS)

    assert told == Sent(file=told.file, status=0xB000, warning="coercion of data elements")


def test_every_file_is_told_of_when_nobody_listens(tmp_path: Path) -> None:
    write_series(ct_series(CtSpec(slices=3)), tmp_path)
    nobody = Destination(name="pacs", host="127.0.0.1", port=peers.free_port(), ae_title=AETitle("NOBODY"))

    told = list(send_files(find_dicom_files(tmp_path).files, nobody, settings=SETTINGS))

    assert [type(each) for each in told] == [NotSent] * 3


def test_every_file_is_told_of_when_the_association_breaks(tmp_path: Path) -> None:
    write_series(ct_series(CtSpec(slices=3)), tmp_path)

    with scripted_scp(0, "abort") as scp:
        told = list(send_files(find_dicom_files(tmp_path).files, scp.destination(), settings=SETTINGS))

    assert [type(each) for each in told] == [Sent, NotSent, NotSent]


def test_more_kinds_of_files_than_one_association_can_negotiate_take_several(tmp_path: Path) -> None:
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts[:70]]
    for sop_class in classes:
        (dataset,) = ct_series(CtSpec(name=sop_class, slices=1))
        dataset.SOPClassUID = sop_class
        write_series([with_file_meta(dataset)], tmp_path)

    with scripted_scp(sop_classes=classes) as scp:
        told = list(send_files(find_dicom_files(tmp_path).files, scp.destination(), settings=SETTINGS))

    assert all(isinstance(each, Sent) for each in told)
    assert scp.associations == 2
    assert set(scp.syntaxes) == {ExplicitVRLittleEndian}


def test_every_transfer_syntax_goes_as_its_bytes_are_stored(shared_data: Path) -> None:
    files = find_dicom_files(shared_data / "dicom" / "transfer-syntaxes").files

    with scripted_scp(syntaxes=[*ALL_TRANSFER_SYNTAXES, *RETIRED_JPEG]) as scp:
        told = list(send_files(files, scp.destination(), settings=SETTINGS))

    assert [type(each) for each in told] == [Sent] * len(files)
    assert scp.syntaxes == [file.transfer_syntax for file in files]
    for file, received in zip(files, scp.data_sets, strict=True):
        assert file.path.read_bytes().endswith(received)
