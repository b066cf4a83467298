"""Real images: every transfer syntax, a tilted gantry, two CT series."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from node.domain.reasons import Reason, ReasonCode
from workers.header import read_image_file
from workers.pixels import read_frames_into
from workers.refusal import ImageRefused
from workers.volume_io import LoadedSeries, load_series

LOSSLESS = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
)
#: Largest difference from the original that the lossy files of the collection have; a library that decodes none of it
#: right is off by hundreds.
LOSSY = {
    "1.2.840.10008.1.2.4.50": 70.0,  # eight bits for all of 4,400 HU
    "1.2.840.10008.1.2.4.51": 40.0,
    "1.2.840.10008.1.2.4.81": 1.0,
    "1.2.840.10008.1.2.4.91": 5.0,
}
RETIRED = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")


def syntax_file(shared_data: Path, syntax: str) -> Path:
    (found,) = (shared_data / "dicom" / "transfer-syntaxes").glob(f"CTImage.dcm_*_{syntax}.dcm")
    return found


def read(path: Path) -> np.ndarray:
    image = read_image_file(path)
    hu = np.empty((image.format.rows, image.format.columns), dtype=np.float32)
    read_frames_into(image, [(image.frames[0], hu)])
    return hu


@pytest.fixture(scope="module")
def original(shared_data) -> np.ndarray:
    """As pydicom reads the original: int16, intercept -1024."""
    dataset = pydicom.dcmread(shared_data / "dicom" / "transfer-syntaxes" / "CTImage.dcm")
    return dataset.pixel_array.astype(np.float32) - 1024


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_a_lossless_transfer_syntax_gives_the_original_values(syntax, shared_data, original):
    assert np.array_equal(read(syntax_file(shared_data, syntax)), original)


@pytest.mark.parametrize(("syntax", "largest"), LOSSY.items())
def test_a_lossy_transfer_syntax_gives_values_close_to_the_original(syntax, largest, shared_data, original):
    assert np.abs(read(syntax_file(shared_data, syntax)) - original).max() <= largest


@pytest.mark.parametrize("syntax", RETIRED)
def test_a_retired_transfer_syntax_without_a_decoder_is_refused(syntax, shared_data):
    with pytest.raises(ImageRefused, match="no decoder"):
        read(syntax_file(shared_data, syntax))


@pytest.mark.parametrize("syntax", [syntax for syntax in LOSSLESS if ".4." in syntax or syntax.endswith(".5")])
def test_a_compressed_image_cut_off_in_its_pixels_is_refused(syntax, shared_data, tmp_path):
    content = syntax_file(shared_data, syntax).read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(content[: len(content) * 3 // 4])

    with pytest.raises(ImageRefused) as refused:
        read(cut)

    assert refused.value.reason.code is ReasonCode.UNREADABLE


def test_a_tilted_gantry_is_refused_with_its_angle(shared_data):
    files = sorted((shared_data / "dicom" / "gantry-tilt").glob("*.dcm"))

    reason = load_series(files)

    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.GANTRY_TILT
    assert "18.5" in reason.detail


def test_a_real_series_lies_where_its_headers_say(shared_data):
    files = sorted((shared_data / "ct" / "matrad-liver").glob("*.dcm"))
    some = pydicom.dcmread(files[40])

    loaded = load_series(files)

    assert isinstance(loaded, LoadedSeries)
    assert loaded.volume.shape == (168, 217, 217)
    k, j, i = loaded.volume.affine.to_index(np.array(some.ImagePositionPatient, dtype=float))
    assert (j, i) == pytest.approx((0, 0), abs=1e-6)
    expected = some.pixel_array * np.float32(some.RescaleSlope) + np.float32(some.RescaleIntercept)
    assert np.allclose(loaded.volume.hu[round(k)], expected, atol=1e-3)
