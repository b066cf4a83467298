"""Source headers are read as far as references to them need."""

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from node.domain.errors import NotAnalysable
from node.encode.sources import load_sources
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.enhanced_ct import enhanced_ct


def test_slices_come_with_position_and_orientation(tmp_path):
    spec = CtSpec(slices=3)

    sources = load_sources(write_series(ct_series(spec), tmp_path))

    assert sorted(frame.position for frame in sources.frames) == [spec.position(k) for k in range(3)]
    assert {frame.orientation for frame in sources.frames} == {spec.orientation}


def test_the_order_of_the_files_does_not_matter(tmp_path):
    paths = write_series(ct_series(CtSpec()), tmp_path)

    assert load_sources(paths).frames == load_sources(paths[::-1]).frames


def test_frames_of_a_multi_frame_object_are_numbered(tmp_path):
    spec = CtSpec(slices=3)

    sources = load_sources(write_series([enhanced_ct(spec)], tmp_path))

    assert [frame.number for frame in sources.frames] == [1, 2, 3]
    assert [frame.position for frame in sources.frames] == [spec.position(k) for k in range(3)]


def test_a_deflated_file_is_read_as_well(tmp_path):
    (dataset, *_) = ct_series(CtSpec(slices=2))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    sources = load_sources(write_series([dataset], tmp_path))

    assert sources.instances[0].sop_instance_uid == dataset.SOPInstanceUID
    assert len(sources.frames) == 1


def test_an_unreadable_file_is_left_out(tmp_path):
    paths = write_series(ct_series(CtSpec(slices=3)), tmp_path)
    paths[0].write_bytes(b"nothing")

    sources = load_sources(paths)

    assert len(sources.instances) == 2


def test_no_readable_file_is_a_result_and_not_a_crash(tmp_path):
    path = tmp_path / "broken.dcm"
    path.write_bytes(b"nothing")

    with pytest.raises(NotAnalysable, match="none of the 1 source files"):
        load_sources([path])


def test_a_slice_without_a_position_is_an_instance_but_no_frame(tmp_path):
    datasets = ct_series(CtSpec(slices=2))
    del datasets[0].ImagePositionPatient

    sources = load_sources(write_series(datasets, tmp_path))

    assert len(sources.instances) == 2
    assert len(sources.frames) == 1


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("position", [b"a\\b\\c ", b"1\\2 ", b"nan\\0\\0 "])
def test_a_slice_with_an_unreadable_position_is_an_instance_but_no_frame(tmp_path, position):
    (path,) = write_series(ct_series(CtSpec(slices=2))[:1], tmp_path)
    content = path.read_bytes()
    start = content.index(b"\x20\x00\x32\x00DS") + 8
    length = int.from_bytes(content[start - 2 : start], "little")
    path.write_bytes(content[:start] + position.ljust(length) + content[start + length :])

    sources = load_sources([path])

    assert len(sources.instances) == 1
    assert sources.frames == ()


def test_a_number_that_is_padded_wrongly_is_left_to_pydicom(tmp_path):
    datasets = ct_series(CtSpec(slices=2))
    for dataset in datasets:
        dataset.NumberOfFrames = "1"
    paths = write_series(datasets, tmp_path)
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"\x28\x00\x08\x00IS\x02\x001 ", b"\x28\x00\x08\x00IS\x02\x001\x00"))

    assert len(load_sources(paths).frames) == 2
