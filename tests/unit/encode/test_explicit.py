"""What is written in fewer steps is what pydicom writes by itself."""

import io

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from node.encode.explicit import keep_raw, settle


def code(value: str, meaning: str | list[str] = "Wirbelkörper") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def tree() -> Dataset:
    """Sequences in sequences, with codes of every kind and text beyond ASCII."""
    nameless, several = code("6", ""), code("7", ["a", "b"])
    versioned = code("5", "Body")
    versioned.CodingSchemeVersion = "2"
    inner = Dataset()
    inner.ConceptNameCodeSequence = [code("1")]
    inner.ConceptCodeSequence = [code("3", "Vertebral body")]
    inner.AnatomicRegionSequence = [code("4", "Spine"), code("4", "Spine")]
    inner.MeasurementUnitsCodeSequence = [versioned]
    inner.PurposeOfReferenceCodeSequence = [nameless]
    inner.ModifierCodeSequence = [several]
    inner.NumericValue = "12.5"
    outer = Dataset()
    outer.ContentSequence = [inner, Dataset()]
    outer.ConceptNameCodeSequence = [code("2")]
    whole = Dataset()
    whole.SpecificCharacterSet = "ISO_IR 192"
    whole.ContentSequence = [outer]
    return whole


def written(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_items_without_ambiguous_types_are_written_alike():
    kept = tree()
    keep_raw(kept)
    settle(kept)

    assert written(kept) == written(tree())


def test_items_of_a_code_which_many_share_are_not_changed():
    shared = code("8", "Level")
    whole = Dataset()
    whole.ConceptNameCodeSequence = [shared]
    whole.ModifierCodeSequence = [shared, code("9")]
    before = shared.original_encoding
    settle(whole)

    assert shared.original_encoding == before
    assert shared == code("8", "Level")


def test_items_that_were_read_in_another_encoding_are_translated():
    read = dcmread(io.BytesIO(written(tree(), ImplicitVRLittleEndian)))
    whole = Dataset()
    whole.SpecificCharacterSet = "ISO_IR 192"
    whole.ContentSequence = read.ContentSequence
    keep_raw(whole)
    settle(whole)

    assert written(whole) == written(tree())


def test_a_type_that_depends_on_other_elements_is_refused_and_never_guessed():
    item = Dataset()
    item.add_new("PixelPaddingValue", "US or SS", 5)
    whole = Dataset()
    whole.ContentSequence = [item]
    keep_raw(whole)
    settle(whole)

    with pytest.raises(ValueError, match="ambiguous VR"):
        written(whole)
