"""The trabecular core of a real body whose mask was published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.attenuation import measure_attenuation
from models.crops import BodyCrop
from models.vertebra import Vertebra
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, Quantity
from tests.builders.lone_vertebra import BODY
from tests.builders.real_ct import read_values

L3 = VertebralLevel.L3


def test_the_core_of_an_osteoporotic_l3_reads_what_its_eroded_body_does(shared_data: Path) -> None:
    """The body of the published mask, eroded by hand, reads about 51 HU."""
    folder = shared_data / "ct" / "tptbox-l3"
    hu, affine = read_values(folder / "sub-ct_label-22_ct.nii.gz")
    vertebrae, _ = read_values(folder / "sub-ct_seg-vert_label-22_msk.nii.gz")
    regions, _ = read_values(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz")
    body = np.isin(regions, BODY) & (vertebrae == L3.number)
    neighbours = np.isin(regions, BODY) & (vertebrae == VertebralLevel.L2.number)
    up = affine.to_lps(np.argwhere(neighbours).mean(0)) - affine.to_lps(np.argwhere(body).mean(0))
    x, y, z = (up / np.linalg.norm(up)).tolist()
    vertebra = Vertebra(
        level=L3,
        ordinal=1,
        confidence=None,
        centroid_lps_mm=(0.0, 0.0, 0.0),
        up_lps=(x, y, z),
        segment_value=L3.number,
    )
    crop = BodyCrop(hu=np.rint(hu).astype(np.int16), body=body, affine=affine, vertebra=vertebra)

    measured = {each.quantity: each for each in measure_attenuation(crop, L3)}

    mean = measured[Quantity.CORE_MEAN_HU]
    assert isinstance(mean, Measurement)
    assert mean.value == pytest.approx(51.0, abs=8.0)
