"""Values of features: those of pyradiomics, whatever else is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from radiomics.featureextractor import RadiomicsFeatureExtractor

from models.crops import BodyCrop
from models.radiomics.definition import RadiomicsDefinition, own_definition
from models.radiomics.extract import extract_features, features_of
from models.radiomics.filters import as_image
from models.radiomics.names import all_features
from models.radiomics.region import BodyRegion, body_region
from node.domain.reasons import Reason, ReasonCode
from tests.builders.body_crops import Body, crop_of
from tests.builders.textured_body import cropped, whole_scan

DEFINITION = own_definition()
ALL = all_features(DEFINITION)

#: What the issue of equal numbers is held to.
EQUAL = 1e-6


def values_of(crop: BodyCrop, names: tuple[str, ...] = ALL) -> Mapping[str, float]:
    values = extract_features(crop, names, DEFINITION)
    assert not isinstance(values, Reason), values
    return values


@pytest.fixture(scope="module")
def scan() -> BodyCrop:
    return whole_scan((3.0, 0.8, 0.8), origin=(-11.5, 40.2, 700.9))


def test_every_feature_has_the_value_that_pyradiomics_gives_it(scan: BodyCrop) -> None:
    region = body_region(scan, replace(DEFINITION.grid, pad_mm=12.0))
    assert isinstance(region, BodyRegion)
    peer = RadiomicsFeatureExtractor(
        preCrop=True, padDistance=DEFINITION.grid.pad, additionalInfo=False, **DEFINITION.settings
    )
    peer.disableAllImageTypes()
    for image in ("Original", "LoG", "Wavelet"):
        peer.enableImageTypeByName(image)
    peer.enableAllFeatures()
    image, mask = (as_image(values.astype(np.float64), region.spacing_mm) for values in (region.hu, region.body))

    expected = peer.execute(image, mask)

    found = values_of(cropped(scan))
    assert set(found) == set(expected)
    assert len(found) == 1037
    np.testing.assert_allclose(list(found.values()), [float(expected[name]) for name in found], rtol=EQUAL, atol=0.0)


@pytest.mark.parametrize("spacing_mm", [(5.0, 0.9, 0.9), (0.7, 0.5, 0.5)], ids=str)
def test_a_crop_and_the_whole_scan_give_the_same_features(spacing_mm: tuple[float, float, float]) -> None:
    scan = whole_scan(spacing_mm, origin=(5.55, -3.21, 77.7))

    whole, piece = values_of(scan), values_of(cropped(scan))

    np.testing.assert_allclose(list(piece.values()), list(whole.values()), rtol=EQUAL, atol=0.0)


def test_a_feature_asked_for_alone_has_the_value_that_it_has_among_all(scan: BodyCrop) -> None:
    crop = cropped(scan)
    every = values_of(crop)
    some = ALL[::37]

    assert values_of(crop, some) == {name: every[name] for name in some}


def test_features_come_in_the_order_in_which_they_are_asked_for(scan: BodyCrop) -> None:
    names = ("wavelet-HHL_glszm_ZoneEntropy", "original_shape_Flatness", "log-sigma-3-0-mm-3D_glcm_ClusterShade")

    assert tuple(values_of(cropped(scan), names)) == names


def test_all_features_are_of_eleven_images_and_one_outline() -> None:
    images = {name.split("_")[0] for name in ALL}
    groups = {name.split("_")[1] for name in ALL}

    bands = {f"wavelet-{''.join(letters)}" for letters in itertools.product("LH", repeat=3)}
    assert images == {"original", "log-sigma-1-0-mm-3D", "log-sigma-3-0-mm-3D"} | bands
    assert groups == {"shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"}
    assert len(set(ALL)) == len(ALL) == 14 + 11 * 93


def test_a_body_of_one_grey_level_has_no_texture() -> None:
    crop = crop_of(Body(spacing_mm=(1.0, 1.0, 1.0), marrow_hu=110.0, cortex_hu=110.0))

    reason = extract_features(crop, ALL, DEFINITION)

    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.TEXTURE_UNDEFINED
    assert "110 HU" in reason.detail


def test_a_feature_that_is_no_number_is_told_and_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """No image is known for which pyradiomics gives one, so one of its own is broken here."""
    from models.radiomics.library import CLASSES

    name = "original_firstorder_Mean"
    monkeypatch.setattr(CLASSES["firstorder"], "getMeanFeatureValue", lambda self: np.nan)

    reason = extract_features(crop_of(Body(noise_hu=20.0)), (name, "original_firstorder_Energy"), DEFINITION)

    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.TEXTURE_UNDEFINED
    assert name in reason.detail
    assert "Energy" not in reason.detail


def test_no_remark_of_the_library_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    values_of(crop_of(Body(noise_hu=20.0)), ("original_glcm_Contrast",))

    assert capfd.readouterr() == ("", "")


def test_a_region_may_have_another_spacing_than_one() -> None:
    """A cube of 20 voxels of 2 mm: volume and mean in closed form."""
    body = np.zeros((34, 34, 34), dtype=np.bool_)
    body[7:27, 7:27, 7:27] = True
    hu = np.where(np.indices(body.shape).sum(0) % 2 == 0, 100.0, 200.0)
    definition: RadiomicsDefinition = replace(DEFINITION, grid=replace(DEFINITION.grid, spacing_mm=2.0, pad_mm=14.0))

    names = ("original_shape_VoxelVolume", "original_firstorder_Mean", "original_firstorder_Uniformity")
    values = features_of(BodyRegion(hu=hu, body=body, spacing_mm=2.0), names, definition)

    assert isinstance(values, Mapping)
    assert list(values.values()) == pytest.approx([8000 * 8.0, 150.0, 0.5])
