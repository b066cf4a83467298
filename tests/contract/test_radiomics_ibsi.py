"""Features of the digital phantom of the Image Biomarker Standardisation Initiative, by the project's own extractor.

Values to three digits, as they are published (IBSI 1, reference values of the digital phantom): textures are those of
matrices that are averaged over directions (3D). Zwanenburg et al., Radiology 2020;295:328-338.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from models.radiomics.definition import own_definition
from models.radiomics.extract import features_of
from models.radiomics.region import BodyRegion
from node.domain.reasons import Reason

#: The initiative's tolerance of the volume of the mesh, mm3; everywhere else it is the rounding of the value.
MESH_TOLERANCE_MM3 = 4.0

#: pyradiomics's kurtosis is not the excess: it is higher by so much than the published one.
KURTOSIS_OF_A_NORMAL = 3.0

PUBLISHED = {
    "shape_VoxelVolume": 592,
    "shape_SurfaceArea": 388,
    "firstorder_Mean": 2.15,
    "firstorder_Variance": 3.05,
    "firstorder_Skewness": 1.08,
    "firstorder_Energy": 567,
    "firstorder_Entropy": 1.27,
    "firstorder_Uniformity": 0.512,
    "glcm_Contrast": 5.32,
    "glcm_JointEntropy": 2.40,
    "glcm_JointEnergy": 0.303,
    "glcm_Correlation": 0.157,
    "glrlm_ShortRunEmphasis": 0.705,
    "glrlm_LongRunEmphasis": 3.06,
    "glrlm_GrayLevelNonUniformity": 21.8,
    "glrlm_RunLengthNonUniformity": 26.9,
    "glszm_SmallAreaEmphasis": 0.255,
    "glszm_LargeAreaEmphasis": 550,
    "ngtdm_Coarseness": 0.0296,
    "ngtdm_Busyness": 6.54,
    "gldm_SmallDependenceEmphasis": 0.045,
    "gldm_LargeDependenceEmphasis": 109,
}


@pytest.fixture(scope="module")
def phantom(shared_data: Path) -> BodyRegion:
    """The phantom has 5 x 4 x 4 voxels of 2 mm; a pad of one voxel is what filters would need, and none is used."""
    folder = shared_data / "radiomics" / "ibsi-digital" / "nifti"
    hu, mask = (
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / name)))
        for name in ("image/phantom.nii.gz", "mask/mask.nii.gz")
    )
    assert np.bincount(hu[mask > 0].astype(int)).tolist() == [0, 50, 0, 1, 16, 0, 7]
    return BodyRegion(hu=np.pad(hu.astype(np.float64), 1), body=np.pad(mask > 0, 1), spacing_mm=2.0)


def value(phantom: BodyRegion, name: str) -> float:
    own = own_definition()
    definition = replace(
        own,
        grid=replace(own.grid, spacing_mm=2.0, pad_mm=2.0),
        discretisation=replace(own.discretisation, bin_width=1.0),
    )
    values = features_of(phantom, (f"original_{name}",), definition)
    assert not isinstance(values, Reason)
    return values[f"original_{name}"]


def to_the_digits_of(published: float, found: float) -> float:
    digits = f"{published:.3g}"
    return round(found, len(digits.partition(".")[2])) if "." in digits else round(found)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_feature_has_its_published_value(phantom: BodyRegion, name: str) -> None:
    published = PUBLISHED[name]

    assert to_the_digits_of(published, value(phantom, name)) == pytest.approx(published)


def test_the_mesh_has_its_published_volume(phantom: BodyRegion) -> None:
    assert value(phantom, "shape_MeshVolume") == pytest.approx(556, abs=MESH_TOLERANCE_MM3)


def test_the_kurtosis_is_the_published_excess_and_that_of_a_normal_distribution(phantom: BodyRegion) -> None:
    assert value(phantom, "firstorder_Kurtosis") - KURTOSIS_OF_A_NORMAL == pytest.approx(-0.355, abs=0.0005)
