"""The file that says what a feature is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.radiomics.definition import DEFINITION, own_definition, read_definition
from models.radiomics.names import FeatureName, check_known
from node.domain.errors import ConfigurationError


def rewritten(folder: Path, old: str, new: str) -> Path:
    path = folder / "definition.toml"
    text = DEFINITION.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bin_width = 25.0", "bin_width = 20.0"),
        ("spacing_mm = 1.0", "spacing_mm = 0.5"),
        ("log_sigma_mm = [1.0, 3.0]", "log_sigma_mm = [1.0, 2.0]"),
        ('wavelet = "coif1"', 'wavelet = "haar"'),
    ],
)
def test_every_other_value_is_another_definition(tmp_path: Path, old: str, new: str) -> None:
    assert read_definition(rewritten(tmp_path, old, new)).sha256 != own_definition().sha256


def test_how_it_is_written_changes_nothing(tmp_path: Path) -> None:
    assert read_definition(rewritten(tmp_path, "[grid]", "\n\n# remark\n[grid]")).sha256 == own_definition().sha256


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("bin_width = 25.0", "binwidth = 25.0", "binwidth"),
        ("bin_width = 25.0", "bin_width = 0.0", "width"),
        ("spacing_mm = 1.0", 'spacing_mm = "fine"', "spacing_mm"),
        ("pad_mm = 7.0", "pad_mm = 7.5", "whole voxels"),
        ("lowest_hu = -1024.0", "lowest_hu = 5000.0", "range"),
        ("form = 1", "form = 99", "form 1, got 99"),
        ("[grid]", "[grid", "cannot be read"),
    ],
)
def test_a_file_that_defines_no_features_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_definition(rewritten(tmp_path, old, new))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_definition(tmp_path / "nothing.toml")


def test_an_unknown_feature_is_told() -> None:
    with pytest.raises(ConfigurationError, match="original_glcm_Beauty"):
        check_known(("original_glcm_Contrast", "original_glcm_Beauty"), own_definition())


def test_a_feature_of_an_unknown_filter_is_told() -> None:
    other = replace(own_definition(), filters=replace(own_definition().filters, log_sigma_mm=(2.0,)))

    with pytest.raises(ConfigurationError, match="log-sigma-3-0-mm-3D_glcm_Contrast"):
        check_known(("log-sigma-3-0-mm-3D_glcm_Contrast",), other)


def test_a_name_is_read_as_it_is_written() -> None:
    text = "wavelet-LHL_glszm_LargeAreaLowGrayLevelEmphasis"

    assert str(FeatureName.parse(text)) == text
