"""A segmentation holds the label map that it was made from, voxel for voxel, wherever the slices lie."""

from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

from node.domain.errors import Bug
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.volume import LabelMap, Segment, Structure
from tests.builders.ct import AXIAL, CORONAL, SAGITTAL, CtSpec, ct_affine, ct_series, rotated
from tests.builders.encoded import encode, encode_on, read
from tests.builders.enhanced_ct import enhanced_ct
from tests.builders.results import assessed_result, label_map

GEOMETRIES = {
    "axial": CtSpec(),
    "backwards": CtSpec(backwards=True),
    "duplicated slices": CtSpec(duplicated=frozenset({0, 3})),
    "duplicated and backwards": CtSpec(duplicated=frozenset({1}), backwards=True),
    "sagittal": CtSpec(orientation=SAGITTAL),
    "coronal": CtSpec(orientation=CORONAL),
    "oblique": CtSpec(orientation=rotated(AXIAL, about_x_deg=17.0, about_z_deg=-8.0)),
    "oblique sagittal": CtSpec(orientation=rotated(SAGITTAL, about_x_deg=9.0, about_z_deg=13.0), backwards=True),
    "row direction reversed": CtSpec(orientation=(-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
    "frame of a size that fills no whole bytes": CtSpec(rows=17, columns=19),
    "many small slices": CtSpec(slices=60, rows=13, columns=15),
}


def segments_in_patient(made) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each segment's label: its mask as highdicom reads it, and the affine to LPS, both sorted along the normal."""
    segmentation = hd.seg.Segmentation.from_dataset(read(made))
    volume = segmentation.get_volume()
    labels = [segmentation.get_segment_description(n).segment_label for n in segmentation.segment_numbers]
    return {label: (volume.array[..., place], volume.affine) for place, label in enumerate(labels)}


def points(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """LPS of all voxels of a mask, sorted, rounded to a hundredth of a millimetre."""
    index = np.argwhere(mask)
    lps = np.round(index @ affine[:3, :3].T + affine[:3, 3], 2) + 0.0
    return lps[np.lexsort(lps.T)]


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in GEOMETRIES.items()])
def test_a_segmentation_read_back_is_the_label_map(tmp_path, spec):
    result = assessed_result(spec)

    made = encode(result, spec, tmp_path)[ObjectKind.SEG]

    found = segments_in_patient(made)
    assert set(found) == {"L1", "L2", "L1 trabecular core"}
    for each in (result.label_map, result.cores):
        for segment in each.segments:
            expected = points(each.mask(segment), each.affine.matrix)
            np.testing.assert_allclose(points(*found[segment.label]), expected, atol=0.011)


@pytest.mark.parametrize("spec", [CtSpec(), CtSpec(backwards=True), CtSpec(duplicated=frozenset({2}))])
def test_frames_refer_to_the_slice_at_their_own_place(tmp_path, spec):
    sources = ct_series(spec)
    positions = {dataset.SOPInstanceUID: list(dataset.ImagePositionPatient) for dataset in sources}

    made = read(encode_on(assessed_result(spec), sources, tmp_path)[ObjectKind.SEG])

    for frame in made.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert list(frame.PlanePositionSequence[0].ImagePositionPatient) == positions[source]


def test_a_multi_frame_source_is_referred_to_by_frame(tmp_path):
    spec = CtSpec(slices=6, backwards=True)
    source = enhanced_ct(spec)
    result = assessed_result(spec)

    made = encode_on(result, [source], tmp_path)[ObjectKind.SEG]

    for segment in result.label_map.segments:
        expected = points(result.label_map.mask(segment), result.label_map.affine.matrix)
        np.testing.assert_allclose(points(*segments_in_patient(made)[segment.label]), expected, atol=0.011)
    for frame in read(made).PerFrameFunctionalGroupsSequence:
        (reference,) = frame.DerivationImageSequence[0].SourceImageSequence
        groups = source.PerFrameFunctionalGroupsSequence[reference.ReferencedFrameNumber - 1]
        assert frame.PlanePositionSequence[0].ImagePositionPatient == (
            groups.PlanePositionSequence[0].ImagePositionPatient
        )


def turned(result_map: LabelMap) -> LabelMap:
    """The same labels with exchanged axes, one of them running backwards."""
    labels = np.ascontiguousarray(result_map.labels.transpose(2, 0, 1)[:, ::-1, :])
    steps = result_map.affine.matrix
    last = result_map.labels.shape[0] - 1
    affine = Affine.from_steps(
        k=steps[:3, 2], j=-steps[:3, 0], i=steps[:3, 1], origin=steps[:3, 3] + last * steps[:3, 0]
    )
    return replace(result_map, labels=labels, affine=affine)


def cropped(result_map: LabelMap) -> LabelMap:
    """The part of the labels from voxel (0, 2, 1) on."""
    labels = np.ascontiguousarray(result_map.labels[:, 2:, 1:])
    return replace(result_map, labels=labels, affine=result_map.affine.shifted((0, 2, 1)))


@pytest.mark.parametrize("change", [turned, cropped])
def test_a_label_map_with_other_axes_or_a_part_of_the_grid_marks_the_same_voxels(tmp_path, change):
    spec = CtSpec()
    plain = encode(assessed_result(spec, labels=label_map(spec)), spec, tmp_path / "plain")[ObjectKind.SEG]

    changed = encode(assessed_result(spec, labels=change(label_map(spec))), spec, tmp_path / "changed")

    assert read(changed[ObjectKind.SEG]).PixelData == read(plain).PixelData


def test_a_label_map_between_the_voxels_of_its_source_is_refused(tmp_path):
    spec = CtSpec()
    matrix = ct_affine(spec).matrix.copy()
    matrix[0, 3] += 0.3
    shifted = replace(label_map(spec), affine=Affine(matrix))

    with pytest.raises(Bug, match="fall on voxels"):
        encode(assessed_result(spec, labels=shifted), spec, tmp_path)


def test_a_label_map_of_another_frame_of_reference_is_refused(tmp_path):
    spec = CtSpec()
    other = replace(label_map(spec), frame_of_reference="1.2.3")

    with pytest.raises(Bug, match="frame of reference"):
        encode(assessed_result(spec, labels=other), spec, tmp_path)


def segmentation(tmp_path, **changes) -> Dataset:
    spec = CtSpec()
    return read(encode(assessed_result(spec, **changes), spec, tmp_path)[ObjectKind.SEG])


def test_a_segment_is_coded_as_the_body_of_its_vertebra(tmp_path):
    made = segmentation(tmp_path)

    (first, second, _) = made.SegmentSequence
    assert (first.SegmentLabel, second.SegmentLabel) == ("L1", "L2")
    assert first.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == "66794005"
    modifier = first.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert modifier.CodeValue == "3572006"
    assert first.AnatomicRegionSequence[0].CodeValue == "122496007"
    assert first.SegmentAlgorithmType == "AUTOMATIC"
    assert first.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "spine-ct"
    assert "ab" * 32 in first.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert first.TrackingID == "L1"
    assert first.TrackingUID != second.TrackingUID


def test_a_core_is_coded_as_a_region_of_its_vertebra_and_tracked_by_itself(tmp_path):
    made = segmentation(tmp_path)

    (body, _, core) = made.SegmentSequence
    assert (core.SegmentNumber, core.SegmentLabel, core.TrackingID) == (3, "L1 trabecular core", "L1 trabecular core")
    assert core.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"
    kind = core.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("SEG001", "99OSTEONODE")
    assert core.AnatomicRegionSequence[0].CodeValue == "66794005"
    assert core.SegmentationAlgorithmIdentificationSequence == body.SegmentationAlgorithmIdentificationSequence
    assert core.TrackingUID != body.TrackingUID


def test_a_segmentation_says_that_segments_overlap_where_it_has_cores(tmp_path):
    assert segmentation(tmp_path / "cores").SegmentsOverlap == "YES"
    assert segmentation(tmp_path / "bodies", labels=label_map(CtSpec())).SegmentsOverlap == "NO"


def test_a_study_that_an_older_worker_measured_has_the_segments_of_its_bodies(tmp_path):
    spec = CtSpec()
    left_by_an_older_one = replace(assessed_result(spec), cores=None)

    made = read(encode(left_by_an_older_one, spec, tmp_path)[ObjectKind.SEG])

    assert [segment.SegmentLabel for segment in made.SegmentSequence] == ["L1", "L2"]


def test_cores_on_another_grid_are_refused(tmp_path):
    spec = CtSpec()
    result = assessed_result(spec)

    with pytest.raises(Bug, match="frame of reference"):
        encode(replace(result, cores=replace(result.cores, frame_of_reference="1.2.3")), spec, tmp_path)


def test_the_type_is_binary_and_segments_count_from_one_without_background(tmp_path):
    made = segmentation(tmp_path)

    assert made.SOPClassUID == SegmentationStorage
    assert made.SegmentationType == "BINARY"
    assert [segment.SegmentNumber for segment in made.SegmentSequence] == [1, 2, 3]
    assert "PixelPaddingValue" not in made
    assert made.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_empty_frames_are_left_out(tmp_path):
    made = segmentation(tmp_path)

    assert made.NumberOfFrames == 6  # two slices for each of two boxes and one core
    frames = made.PerFrameFunctionalGroupsSequence
    assert [frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber for frame in frames] == [1, 1, 2, 2, 3, 3]
    assert [list(frame.FrameContentSequence[0].DimensionIndexValues) for frame in frames] == [
        [1, 1],
        [1, 2],
        [2, 3],
        [2, 4],
        [3, 1],
        [3, 2],
    ]


def test_spacing_is_the_sources_though_slices_are_left_out(tmp_path):
    made = segmentation(tmp_path)

    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SpacingBetweenSlices == 2.5
    assert list(measures.PixelSpacing) == [0.8, 0.7]


def test_only_slices_that_hold_labels_are_named_as_sources(tmp_path):
    made = segmentation(tmp_path)

    assert len(made.SourceImageSequence) == 4
    assert len(made.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 4


def test_a_segment_without_voxels_is_left_out(tmp_path):
    levels = label_map(CtSpec())
    with_empty = replace(levels, segments=(Segment(value=7, level=VertebralLevel.T7), *levels.segments))

    made = segmentation(tmp_path, labels=with_empty)

    assert [segment.SegmentLabel for segment in made.SegmentSequence] == ["L1", "L2"]


def test_a_label_map_without_voxels_gives_no_segmentation(tmp_path):
    spec = CtSpec()
    empty = replace(label_map(spec), labels=np.zeros((8, 18, 20), dtype=np.uint8))

    made = encode(assessed_result(spec, labels=empty), spec, tmp_path)

    assert ObjectKind.SEG not in made


def test_a_single_segment_says_its_number_in_every_frame(tmp_path):
    made = segmentation(tmp_path, labels=label_map(CtSpec(), {VertebralLevel.L1: 20}))

    assert hd.seg.Segmentation.from_dataset(made).number_of_segments == 1
    assert all("SegmentIdentificationSequence" in frame for frame in made.PerFrameFunctionalGroupsSequence)
    assert "SegmentIdentificationSequence" not in made.SharedFunctionalGroupsSequence[0]


def test_cores_unnamed_and_transitional_vertebrae_are_segments_with_codes_of_their_own(tmp_path):
    spec = CtSpec()
    labels = label_map(spec, {VertebralLevel.T12: 1, VertebralLevel.L1: 2, VertebralLevel.L6: 3})
    segments = (
        Segment(value=1, level=None, ordinal=4),
        Segment(value=2, level=VertebralLevel.L1, structure=Structure.TRABECULAR_CORE),
        Segment(value=3, level=VertebralLevel.L6),
    )

    made = segmentation(tmp_path, labels=replace(labels, segments=segments))

    found = {
        segment.SegmentLabel: segment.SegmentedPropertyTypeCodeSequence[0].CodeValue for segment in made.SegmentSequence
    }
    assert found == {"vertebra 4": "51282000", "L1 trabecular core": "SEG001", "L6": "SEG002"}


def test_research_stands_in_the_label_only_where_it_is_the_intended_use(tmp_path):
    research = segmentation(tmp_path / "research")
    clinical = segmentation(tmp_path / "clinical", intended_use=IntendedUse.CLINICAL)

    assert research.ContentLabel == "RESEARCH"
    assert "RESEARCH" in research.SeriesDescription
    assert "RESEARCH" in research.ContentDescription
    assert clinical.ContentLabel == "VERTEBRAE"
    assert "RESEARCH" not in clinical.SeriesDescription + clinical.ContentDescription


def test_a_later_study_of_the_patient_shares_tracking_uids(tmp_path):
    def tracking(study: str, patient: str) -> list[str]:
        spec = CtSpec(study=study, patient_id=patient)
        made = encode(assessed_result(spec), spec, tmp_path / study)
        return [segment.TrackingUID for segment in read(made[ObjectKind.SEG]).SegmentSequence]

    assert tracking("first", "patient a") == tracking("second", "patient a")
    assert set(tracking("third", "patient b")).isdisjoint(tracking("fourth", "patient a"))


def test_the_bytes_are_the_bits_of_the_frames_in_order(tmp_path):
    spec = CtSpec()
    result = assessed_result(spec)

    made = read(encode(result, spec, tmp_path)[ObjectKind.SEG])

    masks = [result.label_map.labels[k] == value for value, k in ((20, 0), (20, 1), (21, 2), (21, 3))]
    masks += [result.cores.labels[k] == 20 for k in (0, 1)]
    expected = np.packbits(np.concatenate([mask.ravel() for mask in masks]), bitorder="little").tobytes()
    assert made.PixelData.rstrip(b"\x00") == expected.rstrip(b"\x00")
