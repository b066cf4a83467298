"""Images are loaded and results encoded on one grid: what is marked in the volume is marked in the segmentation."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from node.domain.outgoing import ObjectKind
from node.domain.volume import LabelMap, UInt8, Volume
from tests.builders.ct import AXIAL, SAGITTAL, CtSpec, ct_series, rotated, write_series
from tests.builders.encoded import encode_on, read
from tests.builders.enhanced_ct import enhanced_ct
from tests.builders.results import assessed_result, label_map
from workers.volume_io import LoadedSeries, load_series

OBLIQUE = rotated(AXIAL, about_x_deg=17.0, about_z_deg=-8.0)
#: 300 mm of slices, 512 columns and rows: what is small over one voxel adds up.
LONG = CtSpec(slices=121, rows=24, columns=512, spacing_mm=(2.5, 0.6, 0.6))
SPECS = {
    "straight": LONG,
    "oblique": replace(LONG, orientation=OBLIQUE),
    "0.1 degrees of drift": replace(LONG, tilt_deg=0.1),
    "0.4 degrees of drift, oblique": replace(LONG, tilt_deg=0.4, orientation=OBLIQUE),
    "0.1 degrees of drift, backwards, duplicated": replace(
        LONG, tilt_deg=0.1, orientation=SAGITTAL, backwards=True, duplicated=frozenset({0, 7, 120})
    ),
}


def rounded(sources: list[Dataset], digits: int) -> list[Dataset]:
    """The slices with their direction cosines rounded, as some scanners write them."""
    for dataset in sources:
        cosines = [round(float(value), digits) for value in dataset.ImageOrientationPatient]
        dataset.ImageOrientationPatient = [f"{value:.{digits}f}" for value in cosines]
    return sources


def random_labels(volume: Volume, spec: CtSpec) -> LabelMap:
    """Labels on the volume's grid that no shift and no mirroring leaves as they are."""
    labels: UInt8 = np.random.default_rng(3).integers(20, 22, volume.hu.shape).astype(np.uint8)
    labels[:: spec.slices - 1, 0, 0] = 0
    return replace(label_map(spec), labels=labels, affine=volume.affine)


def masks(segmentation: Dataset, places: dict[tuple[str, int], int], shape: tuple[int, ...]) -> dict[int, np.ndarray]:
    """For each segment number its mask with the slices where the source's are.

    Parameters
    ----------
    places
        Slice (k) of the volume by SOP Instance UID and frame number.
    """
    found = {segment.SegmentNumber: np.zeros(shape, dtype=bool) for segment in segmentation.SegmentSequence}
    pixels = segmentation.pixel_array
    for frame, groups in zip(pixels, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        (source,) = groups.DerivationImageSequence[0].SourceImageSequence
        k = places[source.ReferencedSOPInstanceUID, int(source.get("ReferencedFrameNumber", 1))]
        found[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber][k] = frame
    return found


def assert_is_the_same(sources: list[Dataset], places: dict[tuple[str, int], int], spec: CtSpec, folder: Path) -> None:
    """Load, mark at random, encode, and compare voxel for voxel."""
    loaded = load_series(write_series(sources, folder / "loaded"))
    assert isinstance(loaded, LoadedSeries), loaded
    labels = random_labels(loaded.volume, spec)

    made = encode_on(assessed_result(spec, labels=labels), sources, folder / "encoded")

    found = masks(read(made[ObjectKind.SEG]), places, loaded.volume.hu.shape)
    assert len(found) == 2
    for number, segment in enumerate(labels.segments, 1):
        assert np.array_equal(found[number], labels.mask(segment))


def slice_numbers(sources: list[Dataset], spec: CtSpec) -> dict[tuple[str, int], int]:
    """Slice (k) of each source, from how the builder names them."""
    by_uid = {spec.uid(f"slice {k} copy {copy}"): k for k in range(spec.slices) for copy in range(2)}
    return {(dataset.SOPInstanceUID, 1): by_uid[dataset.SOPInstanceUID] for dataset in sources}


@pytest.mark.parametrize("digits", [16, 4])
@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in SPECS.items()])
def test_a_mark_in_the_volume_is_the_same_mark_in_the_segmentation(spec: CtSpec, digits: int, tmp_path: Path) -> None:
    sources = ct_series(spec)
    if digits < 16:
        sources = rounded(sources, digits)

    assert_is_the_same(sources, slice_numbers(sources, spec), spec, tmp_path)


def test_a_mark_in_a_multi_frame_volume_is_the_same_mark_in_the_segmentation(tmp_path: Path) -> None:
    spec = replace(LONG, tilt_deg=0.1, orientation=OBLIQUE)
    source = enhanced_ct(spec)

    assert_is_the_same([source], {(source.SOPInstanceUID, k + 1): k for k in range(spec.slices)}, spec, tmp_path)


def test_the_drift_that_is_built_is_more_than_half_a_millimetre() -> None:
    spec = SPECS["0.1 degrees of drift"]

    aside = np.array(spec.position(spec.slices - 1)) - np.array(spec.position(0))

    assert math.hypot(aside[0], aside[1]) > 0.5
