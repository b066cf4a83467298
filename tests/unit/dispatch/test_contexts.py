"""Presentation contexts fit into associations."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1

from node.dispatch.contexts import MAX_CONTEXTS, RESULT_OFFERS, grouped, offers_for, presentation_contexts
from node.dispatch.dicom_file import DicomFile
from node.domain.identifiers import Uid
from node.domain.outgoing import ObjectKind


def file_of(sop_class: int, syntax: str = ExplicitVRLittleEndian) -> DicomFile:
    """A file of a made-up SOP class."""
    return DicomFile(
        path=Path(f"{sop_class}.dcm"),
        sop_class_uid=Uid(f"1.2.{sop_class}"),
        sop_instance_uid=Uid(f"1.3.{sop_class}"),
        transfer_syntax=Uid(syntax),
    )


def test_an_uncompressed_file_may_be_sent_in_either_uncompressed_syntax() -> None:
    offered = {offer.transfer_syntax for offer in offers_for(file_of(1))}

    assert offered == {ExplicitVRLittleEndian, ImplicitVRLittleEndian}


def test_a_compressed_file_is_sent_only_as_it_is() -> None:
    offered = {offer.transfer_syntax for offer in offers_for(file_of(1, JPEGLosslessSV1))}

    assert offered == {JPEGLosslessSV1}


def test_files_of_one_class_go_on_one_association() -> None:
    groups = list(grouped([file_of(1)] * 400))

    assert [len(files) for _, files in groups] == [400]


@given(st.lists(st.integers(min_value=1, max_value=200), max_size=300))
def test_no_group_needs_more_contexts_than_an_association_holds_and_no_file_is_lost(classes: list[int]) -> None:
    files = [file_of(each) for each in classes]

    groups = list(grouped(files))

    assert [file for _, group in groups for file in group] == files
    for offers, group in groups:
        assert len(presentation_contexts(offers)) <= MAX_CONTEXTS
        assert all(offers_for(file) <= offers for file in group)


def test_deliveries_propose_every_kind_of_result_in_both_uncompressed_syntaxes() -> None:
    classes = {offer.sop_class_uid for offer in RESULT_OFFERS}

    assert len(classes) == len(ObjectKind)
    assert len(RESULT_OFFERS) == 2 * len(ObjectKind)
