"""A manifest that is written says of its cases what was known of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from node.domain.bone_category import BoneCategory
from tests.builders.manifests import scan_of, write_case
from training.cohort.listing import write_manifest
from training.cohort.manifest import Sex, read_manifest


def test_a_listed_scan_is_read_with_all_that_was_known_but_its_cohort(tmp_path: Path) -> None:
    image = write_case(tmp_path / "case.npz", 101.5)
    full = replace(
        scan_of(101.5, image=image),
        measured_mg_cm3=99.25,
        scanner='A "new", one',
        sex=Sex.FEMALE,
        age_years=71.0,
        kvp=120.0,
        kernel="Br40",
        contrast=True,
        synthetic=False,
    )

    write_manifest([full], tmp_path / "manifest.csv")

    assert read_manifest(tmp_path / "manifest.csv") == (replace(full, cohort=None),)


def test_what_nobody_knew_stays_unknown_and_a_class_is_enough(tmp_path: Path) -> None:
    image = write_case(tmp_path / "cases/case.npz", 70.0)
    by_class = replace(scan_of(70.0, image=image), qct_mg_cm3=None, category=BoneCategory.OSTEOPOROSIS)

    write_manifest([by_class], tmp_path / "manifest.csv")

    assert read_manifest(tmp_path / "manifest.csv") == (replace(by_class, cohort=None),)
    assert "cases/case.npz" in (tmp_path / "manifest.csv").read_text(encoding="utf-8")


def test_people_above_89_years_are_listed_as_90(tmp_path: Path) -> None:
    image = write_case(tmp_path / "case.npz", 70.0)

    write_manifest([replace(scan_of(image=image), age_years=97.0)], tmp_path / "manifest.csv")

    assert [scan.age_years for scan in read_manifest(tmp_path / "manifest.csv")] == [90.0]


def test_a_scan_with_a_mask_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cases hold their masks"):
        write_manifest([scan_of(mask=Path("mask.nii"))], tmp_path / "manifest.csv")
