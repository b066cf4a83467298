"""Masks in a DICOM SEG become truth on the grid of their CT."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes

from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.volume import LabelMap, Volume
from tests.builders.ct import AXIAL, SAGITTAL, CtSpec, ct_affine, ct_series, rotated, write_series
from tests.builders.encoded import encode
from tests.builders.results import assessed_result
from training.evaluation.case import load_case
from training.evaluation.seg_mask import read_segmentation

GEOMETRIES = {
    "axial": CtSpec(),
    "sagittal": CtSpec(orientation=SAGITTAL),
    "oblique": CtSpec(orientation=rotated(AXIAL, about_x_deg=17.0, about_z_deg=-8.0)),
    "many small slices": CtSpec(slices=60, rows=13, columns=15),
}


def an_empty_ct(spec: CtSpec) -> Volume:
    hu = np.zeros((spec.slices, spec.rows, spec.columns), dtype=np.float32)
    return Volume(hu=hu, affine=ct_affine(spec), frame_of_reference=Uid(spec.uid("frame of reference")))


def our_own(spec: CtSpec, folder: Path) -> Path:
    """A segmentation that the node wrote, in a file."""
    path = folder / "seg.dcm"
    made = encode(assessed_result(spec), spec, folder / "ct")[ObjectKind.SEG]
    path.write_bytes(made.content)
    return path


def expected(label_map: LabelMap) -> np.ndarray:
    """The label map in numbers of levels."""
    truth = np.zeros(label_map.labels.shape, dtype=np.uint8)
    for segment in label_map.segments:
        assert segment.level is not None
        truth[label_map.labels == segment.value] = segment.level.number
    return truth


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in GEOMETRIES.items()])
def test_what_the_node_wrote_is_read_voxel_for_voxel(tmp_path: Path, spec: CtSpec) -> None:
    truth = read_segmentation(our_own(spec, tmp_path), an_empty_ct(spec))

    label_map = assessed_result(spec).label_map
    assert label_map is not None
    np.testing.assert_array_equal(truth, expected(label_map))


def test_a_ct_whose_slices_run_the_other_way_has_the_same_voxels_marked(tmp_path: Path) -> None:
    spec = CtSpec()
    ct = an_empty_ct(spec)
    matrix = ct.affine.matrix.copy()
    matrix[:3, 3] = ct.affine.to_lps(np.array((spec.slices - 1.0, 0.0, 0.0)))
    matrix[:3, 0] *= -1.0
    backwards = Volume(hu=ct.hu, affine=Affine(matrix), frame_of_reference=ct.frame_of_reference)
    path = our_own(spec, tmp_path)

    truth = read_segmentation(path, backwards)

    np.testing.assert_array_equal(truth[::-1], read_segmentation(path, ct))


def foreign(spec: CtSpec, folder: Path, *labels: str) -> Path:
    """A segmentation of another program: a general code for every segment, and these labels."""
    algorithm = hd.AlgorithmIdentificationSequence("drawn", codes.DCM.ArtificialIntelligence, "1")
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Vertebra,
            algorithm_type="SEMIAUTOMATIC",
            algorithm_identification=algorithm,
        )
        for number, label in enumerate(labels, start=1)
    ]
    pixels = np.zeros((spec.slices, spec.rows, spec.columns, len(labels)), dtype=np.uint8)
    for number in range(len(labels)):
        pixels[number, 2:5, 3:6, number] = 1
    made = hd.seg.Segmentation(
        source_images=ct_series(spec),
        pixel_array=pixels,
        segmentation_type="BINARY",
        segment_descriptions=descriptions,
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="another",
        manufacturer_model_name="another",
        software_versions="1",
        device_serial_number="1",
    )
    path = folder / "mask.dcm"
    made.save_as(path)
    return path


def test_levels_are_taken_from_labels_where_codes_name_none(tmp_path: Path) -> None:
    spec = CtSpec()

    truth = read_segmentation(foreign(spec, tmp_path, "vertebrae_T12", "L1 body", "Aorta"), an_empty_ct(spec))

    assert set(np.unique(truth).tolist()) == {0, VertebralLevel.T12.number, VertebralLevel.L1.number}
    assert (truth[0, 2:5, 3:6] == VertebralLevel.T12.number).all()


def test_a_segmentation_that_names_no_level_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="names a vertebra"):
        read_segmentation(foreign(CtSpec(), tmp_path, "Aorta"), an_empty_ct(CtSpec()))


def test_two_segments_of_one_level_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="two of its segments are L1"):
        read_segmentation(foreign(CtSpec(), tmp_path, "L1", "L1 core"), an_empty_ct(CtSpec()))


def test_a_segmentation_between_the_voxels_of_the_ct_is_refused(tmp_path: Path) -> None:
    ct = an_empty_ct(CtSpec())
    matrix = ct.affine.matrix.copy()
    matrix[:3, 3] += 0.4 * matrix[:3, 2]
    beside = Volume(hu=ct.hu, affine=Affine(matrix), frame_of_reference=ct.frame_of_reference)

    with pytest.raises(InputRejected, match="must lie on the voxels"):
        read_segmentation(our_own(CtSpec(), tmp_path), beside)


def test_voxels_outside_the_ct_are_refused(tmp_path: Path) -> None:
    ct = an_empty_ct(CtSpec())
    small = Volume(hu=ct.hu[:, :6], affine=ct.affine, frame_of_reference=ct.frame_of_reference)

    with pytest.raises(InputRejected, match="outside its CT"):
        read_segmentation(our_own(CtSpec(), tmp_path), small)


def test_a_segmentation_of_another_frame_of_reference_is_refused(tmp_path: Path) -> None:
    ct = an_empty_ct(CtSpec())
    another = Volume(hu=ct.hu, affine=ct.affine, frame_of_reference=Uid("1.2.3.4"))

    with pytest.raises(InputRejected, match="another frame of reference"):
        read_segmentation(our_own(CtSpec(), tmp_path), another)


def test_a_case_with_two_masks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    our_own(CtSpec(slices=12), tmp_path)
    (tmp_path / "mask.nii.gz").write_bytes(b"")

    with pytest.raises(InputRejected, match="several masks"):
        load_case(tmp_path)


def test_a_file_that_is_no_segmentation_is_refused(tmp_path: Path) -> None:
    write_series(ct_series(CtSpec()), tmp_path)
    some_slice = next(tmp_path.iterdir())
    assert dcmread(some_slice).Modality == "CT"

    with pytest.raises(InputRejected, match="cannot be read as a segmentation"):
        read_segmentation(some_slice, an_empty_ct(CtSpec()))


def test_a_case_may_hold_dicom_alone(tmp_path: Path) -> None:
    spec = CtSpec(slices=12)
    (tmp_path / "ct").mkdir()

    our_own(spec, tmp_path)

    case = load_case(tmp_path)
    assert [str(level) for level in case.levels] == ["L1", "L2"]
