"""Readings of air, fat, muscle, blood and noise in trunks whose tissues are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from models.aorta import Tube, find_aorta
from models.crops import SpineCrops, crops_from_bytes, crops_to_bytes
from models.image_noise import measure_noise
from models.references import read_references
from models.surroundings import surroundings
from models.vertebra import Vertebra
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.reasons import Reason, ReasonCode
from node.domain.reference_tissues import ImageNoise, ReferenceTissue, TissueReading, TissueReferences
from node.domain.volume import Volume
from tests.builders.soft_trunk import Trunk, coarse, trunk_vertebrae, trunk_volume
from training.anatomy.labels import Part
from training.phantom.chest import make_chest_ct
from training.phantom.scene import TISSUE_STREAM
from training.phantom.spec import PhantomSpec
from training.phantom.tissues import soft_table


def references_of(trunk: Trunk) -> TissueReferences:
    volume = trunk_volume(trunk)
    return read_references(volume, coarse(volume), trunk_vertebrae())


def blood_of(trunk: Trunk) -> TissueReading:
    blood = references_of(trunk).blood
    assert isinstance(blood, TissueReading), blood
    return blood


@pytest.fixture(scope="module")
def usual() -> TissueReferences:
    return references_of(Trunk())


@pytest.mark.parametrize(
    ("tissue", "hu"),
    [
        (ReferenceTissue.AIR, -1000.0),
        (ReferenceTissue.FAT, -104.0),
        (ReferenceTissue.MUSCLE, 54.0),
        (ReferenceTissue.BLOOD, 43.0),
    ],
)
def test_every_tissue_reads_what_it_is(usual: TissueReferences, tissue: ReferenceTissue, hu: float) -> None:
    reading = usual.reading(tissue)

    assert reading is not None
    assert reading.mean_hu == pytest.approx(hu, abs=1.5)
    assert reading.volume_mm3 > 5000.0


def test_noise_is_that_of_the_slices_and_not_of_the_coarse_grid(usual: TissueReferences) -> None:
    assert isinstance(usual.noise, ImageNoise)
    assert usual.noise.sd_hu == pytest.approx(10.0, rel=0.1)
    # White noise fills a square of frequencies up to 0.5 a mm: (sqrt(2) + asinh(1)) / 3 of that in the mean.
    assert usual.noise.frequency_per_mm == pytest.approx(0.5 * 0.7652, rel=0.05)


def test_the_aorta_is_found_where_it_lies() -> None:
    around = surroundings(coarse(trunk_volume(Trunk(aorta_mm=(-30.0, 14.0, 13.0)))), trunk_vertebrae())
    assert around is not None

    tube = find_aorta(around)

    assert isinstance(tube, Tube)
    np.testing.assert_allclose(np.median(tube.centres_lps_mm[:, :2], axis=0), (14.0, -30.0), atol=2.0)
    assert np.median(tube.radii_mm) == pytest.approx(13.0, abs=2.0)


def test_calcium_in_the_wall_is_left_out() -> None:
    assert blood_of(Trunk(wall_hu=700.0)).mean_hu == pytest.approx(43.0, abs=5.0)


def test_blood_with_contrast_agent_is_read_in_the_artery_and_not_in_the_vein() -> None:
    assert blood_of(Trunk(blood_hu=310.0, vein_hu=90.0)).mean_hu == pytest.approx(310.0, abs=3.0)


def test_much_noise_moves_no_mean() -> None:
    loud = references_of(Trunk(noise_hu=45.0))

    for tissue, hu in ((ReferenceTissue.FAT, -104.0), (ReferenceTissue.MUSCLE, 54.0), (ReferenceTissue.BLOOD, 43.0)):
        reading = loud.reading(tissue)
        assert reading is not None
        assert reading.mean_hu == pytest.approx(hu, abs=4.0)


def test_a_trunk_without_an_aorta_has_no_blood_and_says_so() -> None:
    volume = trunk_volume(Trunk(blood_hu=None, vein_hu=-104.0))

    blood = read_references(volume, coarse(volume), trunk_vertebrae()).blood

    assert isinstance(blood, Reason)
    assert blood.code is ReasonCode.TISSUE_NOT_FOUND
    assert "tube" in blood.detail


def test_a_background_of_one_value_is_no_air() -> None:
    volume = trunk_volume(Trunk())
    masked = replace(volume, hu=np.where(volume.hu < -900.0, np.float32(-1024.0), volume.hu))

    air = read_references(masked, coarse(masked), trunk_vertebrae()).air

    assert isinstance(air, Reason)
    assert air.code is ReasonCode.TISSUE_NOT_FOUND


def test_without_vertebrae_nothing_is_read() -> None:
    volume = trunk_volume(Trunk())

    references = read_references(volume, coarse(volume), ())

    assert isinstance(references.air, Reason)
    assert references.reading(ReferenceTissue.BLOOD) is None


def test_smooth_noise_has_a_lower_frequency() -> None:
    white = np.random.default_rng(3).standard_normal((40, 60, 60))
    smooth = np.stack([ndimage.gaussian_filter(plane, 1.0) for plane in white])
    smooth *= 20.0 / smooth.std()
    volume = Volume(
        hu=smooth.astype(np.float32), affine=Affine.from_spacing((1.0, 0.7, 0.7)), frame_of_reference=Uid("1.2.3")
    )
    middles = np.array([(20.0, 20.0, float(k)) for k in range(40)])

    noise = measure_noise(volume, middles)

    assert noise is not None
    # a plane in a square of 10 mm takes a part of so smooth a noise away
    assert 16.0 < noise.sd_hu < 20.5
    # The power of a Gaussian blur of 0.7 mm is Rayleigh in frequency: its mean is 1 / (4 sqrt(pi) 0.7 mm), and a
    # quarter more where a square of 10 mm leaves the lowest ones out. That of white noise in such pixels is 0.55.
    assert 0.2015 < noise.frequency_per_mm < 1.3 * 0.2015


def test_pixels_that_are_too_large_tell_nothing_of_noise() -> None:
    volume = Volume(
        hu=np.zeros((40, 60, 60), dtype=np.float32),
        affine=Affine.from_spacing((3.0, 3.0, 3.0)),
        frame_of_reference=Uid("1.2.3"),
    )

    assert measure_noise(volume, np.full((20, 3), 60.0)) is None


def test_readings_survive_as_bytes(usual: TissueReferences) -> None:
    sent = replace(usual, air=Reason(code=ReasonCode.TISSUE_NOT_FOUND, detail="None."))

    received = crops_from_bytes(crops_to_bytes(SpineCrops(crops=(), references=sent)))

    assert received.references == sent


def test_tissues_of_a_synthetic_chest_read_what_was_drawn() -> None:
    spec = PhantomSpec(seed=9, size=160, slice_mm=4.0)
    phantom = make_chest_ct(spec)
    drawn = soft_table(np.random.default_rng((spec.seed, TISSUE_STREAM)), spec.kvp)
    vertebrae = tuple(
        Vertebra(
            level=each.level,
            ordinal=ordinal,
            confidence=None,
            centroid_lps_mm=each.centroid_lps_mm,
            up_lps=(0.0, 0.0, 1.0),
            segment_value=each.level.number,
        )
        for ordinal, each in enumerate(phantom.truth.vertebrae, start=1)
    )

    references = read_references(phantom.volume, coarse(phantom.volume), vertebrae)

    for tissue, hu in (
        (ReferenceTissue.AIR, -1000.0),
        (ReferenceTissue.FAT, drawn[Part.FAT]),
        (ReferenceTissue.MUSCLE, drawn[Part.ERECTOR]),
        (ReferenceTissue.BLOOD, drawn[Part.AORTA]),
    ):
        reading = references.reading(tissue)
        assert reading is not None
        assert reading.mean_hu == pytest.approx(hu, abs=4.0)
