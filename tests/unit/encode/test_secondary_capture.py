"""The picture in the archive is the picture that was drawn, of the same study, and says nothing of the patient."""

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from tests.builders.ct import CtSpec
from tests.builders.encoded import encode, encode_capture, read
from tests.builders.results import assessed_result


@pytest.fixture
def capture(tmp_path) -> Dataset:
    spec = CtSpec(patient_name="Builder^Series")
    return read(encode_capture(assessed_result(spec), spec, tmp_path))


def test_the_pixels_are_those_of_the_picture(capture):
    pixels = capture.pixel_array

    expected = np.zeros((12, 16, 3), dtype=np.uint8)
    expected[0, 0] = (255, 0, 0)
    expected[0, 1] = (0, 255, 0)
    expected[1, 0] = (0, 0, 255)
    np.testing.assert_array_equal(pixels, expected)
    assert (capture.PhotometricInterpretation, capture.SamplesPerPixel, capture.BitsAllocated) == ("RGB", 3, 8)


def test_another_library_reads_it_as_an_image_of_its_class(capture):
    image = hd.Image.from_dataset(capture)

    assert image.SOPClassUID == SecondaryCaptureImageStorage
    np.testing.assert_array_equal(image.get_frame(1, apply_icc_profile=False), capture.pixel_array)


def test_it_says_that_no_identity_is_burned_in_and_no_face_is_seen(capture):
    assert capture.BurnedInAnnotation == "NO"
    assert capture.RecognizableVisualFeatures == "NO"
    assert capture.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert capture.ConversionType == "WSD"
    assert not capture.PatientOrientation


def test_it_is_filed_with_the_patient_and_study_of_the_scan_at_the_time_of_its_making(capture):
    assert capture.PatientName == "Builder^Series"
    assert capture.StudyInstanceUID == CtSpec().study_uid
    assert (capture.DateOfSecondaryCapture, capture.TimeOfSecondaryCapture) == ("20260501", "120000")


def test_research_stands_in_its_texts_only_where_it_is_the_intended_use(capture, tmp_path):
    spec = CtSpec()
    clinical = read(encode_capture(assessed_result(spec, intended_use=IntendedUse.CLINICAL), spec, tmp_path / "c"))

    assert "RESEARCH" in capture.SeriesDescription
    assert "RESEARCH" in capture.DerivationDescription
    assert "RESEARCH" not in clinical.SeriesDescription + clinical.DerivationDescription


def test_its_uids_follow_from_the_same_work_as_those_of_the_report(tmp_path):
    spec = CtSpec()
    result = assessed_result(spec)

    first, again = (encode_capture(result, spec, tmp_path / name) for name in ("first", "again"))
    report = encode(result, spec, tmp_path / "report")[ObjectKind.SR]

    assert first.sop_instance_uid == again.sop_instance_uid
    assert first.content == again.content
    assert report.sop_instance_uid != first.sop_instance_uid
    assert report.series_uid != first.series_uid
