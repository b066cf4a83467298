"""Cases from files: what does not belong together is named with its row, and what is made is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import torch
from scipy import ndimage

from models.screening.case import ScreeningCase
from node.domain.errors import InputRejected
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from tests.builders.manifests import scan_of, write_case, write_nifti, write_spine
from training.cohort.manifest import Scan
from training.cohort.rows import ManifestRejected
from training.cohort.splits import SplitPlan
from training.images import load_ct, read_image
from training.phantom import Fracture, FractureKind, PhantomSpec, make_chest_ct
from training.phantom.study import write_image, write_labels
from training.screening_fit.bodies import crops_of_mask
from training.screening_fit.casebook import CaseBook, check_files
from training.screening_fit.fit import Naming, Watch, fit_screening
from training.screening_fit.plan import FitPlan

CPU = torch.device("cpu")
T12, L1, L2 = VertebralLevel.T12, VertebralLevel.L1, VertebralLevel.L2


def problems(*scans) -> list[str]:
    with pytest.raises(ManifestRejected) as rejected:
        check_files(scans)
    return [str(problem) for problem in rejected.value.problems]


def test_a_mask_gives_the_images_of_l1_and_l2(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path)
    scan = replace(scan_of(image=image, mask=mask), kvp=120.0)

    check_files([scan])
    case = CaseBook(tmp_path / "work", CPU).case(scan)

    assert isinstance(case, ScreeningCase)
    assert case.l2 is not None
    assert case.l1.hu[0, 32, 32] == 150
    # blocks of 24 by 32 by 40 mm, up, back and left
    assert [int(plane.sum()) for plane in case.l1.body] == [32 * 40, 24 * 40, 24 * 32]
    assert (case.references.kvp, case.references.slice_mm) == (120.0, 2.0)
    assert case.references.muscle_hu == pytest.approx(40.0)


def test_an_empty_mask_is_named_with_its_row(tmp_path: Path) -> None:
    image, _ = write_spine(tmp_path)
    mask = write_nifti(tmp_path / "empty.nii.gz", np.zeros((60, 50, 50), dtype=np.uint8))

    (problem,) = problems(replace(scan_of(image=image, mask=mask), row=7))

    assert problem == "row 7, column mask: is empty: not one of its voxels belongs to a vertebra"


def test_a_mask_of_another_size_is_named_with_its_row(tmp_path: Path) -> None:
    image, _ = write_spine(tmp_path)
    mask = write_nifti(tmp_path / "small.nii.gz", np.ones((60, 50, 40), dtype=np.uint8))

    (problem,) = problems(replace(scan_of(image=image, mask=mask), row=7))

    assert problem.startswith("row 7, column mask: does not lie on the grid of its image: (60, 50, 40)")


def test_a_mask_that_lies_elsewhere_is_named_with_its_row(tmp_path: Path) -> None:
    image, _ = write_spine(tmp_path)
    mask = write_nifti(tmp_path / "moved.nii.gz", np.ones((60, 50, 50), dtype=np.uint8), origin=(0.0, 0.0, 4.0))

    (problem,) = problems(scan_of(image=image, mask=mask))

    assert "corners up to 4.0 mm apart" in problem


def test_every_file_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path)
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    empty = tmp_path / "empty"
    empty.mkdir()

    told = problems(
        replace(scan_of(image=broken), row=2),
        replace(scan_of(image=image, mask=broken), row=3),
        replace(scan_of(image=empty), row=4),
        replace(scan_of(image=image, mask=mask), row=5),
    )

    assert [line.split(":")[0] for line in told] == ["row 2, column image", "row 3, column mask", "row 4, column image"]


def test_files_are_looked_at_beside_errors_of_other_kinds(tmp_path: Path) -> None:
    image, _ = write_spine(tmp_path)
    write_nifti(tmp_path / "other.nii.gz", np.ones((3, 4, 5), dtype=np.uint8))
    (tmp_path / "data.csv").write_text(
        f"image,mask,patient,site,qct_mg_cm3\n{image.name},other.nii.gz,p1,north,0.1\ngone.nii.gz,,p2,north,100\n"
    )
    plan = FitPlan(work=tmp_path / "work", seed=1, epochs=1, device=CPU)

    with pytest.raises(ManifestRejected) as rejected:
        fit_screening(
            tmp_path / "data.csv",
            tmp_path / "fit",
            split=SplitPlan(seed=1),
            plan=plan,
            naming=Naming(version="1", data="", command=""),
            watch=Watch(),
        )

    told = [str(problem).split(":")[0] for problem in rejected.value.problems]
    assert told == ["row 2, column mask", "row 2, column qct_mg_cm3", "row 3, column image"]


def test_patients_of_an_earlier_fit_in_the_folder_stay_in_its_cohorts(tmp_path: Path) -> None:
    image, _ = write_spine(tmp_path)
    (tmp_path / "data.csv").write_text(f"image,patient,site,qct_mg_cm3,cohort\n{image.name},p1,north,100,test\n")
    (tmp_path / "split.csv").write_text("patient,cohort\np1,training\n")
    said: list[str] = []

    with pytest.raises(ManifestRejected, match="is test, but patient p1 was in training when the patients were shared"):
        fit_screening(
            tmp_path / "data.csv",
            tmp_path,
            split=SplitPlan(seed=1),
            plan=FitPlan(work=tmp_path / "work", seed=1, epochs=1, device=CPU),
            naming=Naming(version="1", data="", command=""),
            watch=Watch(say=said.append),
        )

    assert said == [f"patients that stay in the cohorts of {tmp_path / 'split.csv'}, whatever seed and shares say: 1"]


def test_cohorts_that_teach_nothing_are_told_before_scans_are_read(tmp_path: Path) -> None:
    image, _ = write_spine(tmp_path)
    (tmp_path / "data.csv").write_text(f"image,patient,site,qct_mg_cm3\n{image.name},p1,north,100\n")
    done: list[str] = []

    with pytest.raises(InputRejected, match=r"cohort \w+, of 1: .*; give more scans"):
        fit_screening(
            tmp_path / "data.csv",
            tmp_path / "fit",
            split=SplitPlan(seed=1),
            plan=FitPlan(work=tmp_path / "work", seed=1, epochs=1, device=CPU),
            naming=Naming(version="1", data="", command=""),
            watch=Watch(step=lambda what, share: done.append(what)),
        )

    assert done == ["checking files"]


def test_a_file_that_only_has_the_name_of_a_case_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"no case")

    (problem,) = problems(scan_of(image=path))

    assert "an NPZ file was expected" in problem
    assert "pickle" not in problem


def test_a_case_file_is_taken_as_it_is_and_has_no_mask(tmp_path: Path) -> None:
    path = write_case(tmp_path / "case.npz", 100.0)

    assert isinstance(CaseBook(tmp_path / "work", CPU).case(scan_of(image=path)), ScreeningCase)
    assert "must be empty" in problems(scan_of(image=path, mask=path))[0]


def test_a_case_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = write_spine(tmp_path)
    scan = scan_of(image=image, mask=mask)
    first = CaseBook(tmp_path / "work", CPU).case(scan)
    monkeypatch.setattr("training.screening_fit.casebook.load_ct", None)

    again = CaseBook(tmp_path / "work", CPU).case(scan)

    assert isinstance(first, ScreeningCase)
    assert isinstance(again, ScreeningCase)
    assert np.array_equal(first.l1.hu, again.l1.hu)


def test_another_image_under_the_same_name_is_another_case(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path)
    book = CaseBook(tmp_path / "work", CPU)
    scan = scan_of(image=image, mask=mask)
    book.case(scan)
    values, _ = read_image(image)
    write_nifti(image, np.where(values == 150, 90, values).astype(np.int16))

    changed = book.case(scan)

    assert isinstance(changed, ScreeningCase)
    assert changed.l1.hu[0, 32, 32] == 90


@pytest.mark.parametrize(
    ("levels", "first_mm", "code"),
    [((T12,), 14.0, ReasonCode.LEVEL_NOT_COVERED), ((T12, L1), 0.0, ReasonCode.LEVEL_TRUNCATED)],
)
def test_a_scan_without_a_whole_l1_is_excluded_with_its_reason_and_that_is_kept(
    tmp_path: Path, levels: tuple[VertebralLevel, ...], first_mm: float, code: ReasonCode
) -> None:
    image, mask = write_spine(tmp_path, levels=levels, first_mm=first_mm)
    scan = scan_of(image=image, mask=mask)

    for _ in range(2):
        known, excluded = CaseBook(tmp_path / "work", CPU).all([scan])
        assert known == ()
        assert [each.reason.code for each in excluded] == [code]


def test_a_cut_l2_leaves_l1_alone(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path, first_mm=0.0)

    case = CaseBook(tmp_path / "work", CPU).case(scan_of(image=image, mask=mask))

    assert isinstance(case, ScreeningCase)
    assert case.l2 is None


def test_values_that_are_no_hu_are_excluded(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path)
    values, _ = read_image(image)
    write_nifti(image, (values + 1024).astype(np.int16))

    made = CaseBook(tmp_path / "work", CPU).case(scan_of(image=image, mask=mask))

    assert isinstance(made, Reason)
    assert made.code is ReasonCode.NOT_HU


def chest(folder: Path, *, fractured: VertebralLevel | None = None, metal_in: VertebralLevel | None = None) -> Scan:
    """A small drawn chest of T11 to L3 and its bodies."""
    wedges = () if fractured is None else (Fracture(level=fractured, kind=FractureKind.WEDGE, percent=35.0),)
    spec = PhantomSpec(size=160, slice_mm=2.0, first=VertebralLevel.T11, last=VertebralLevel.L3, fractures=wedges)
    drawn = make_chest_ct(spec)
    if metal_in is not None:
        inside = ndimage.binary_erosion(drawn.labels.labels == metal_in.number, iterations=2)
        hu = np.where(inside, np.float32(2800.0), drawn.volume.hu)
        drawn = replace(drawn, volume=replace(drawn.volume, hu=hu))
    write_image(drawn, folder / "ct.nii.gz")
    write_labels(drawn, folder / "mask.nii.gz")
    return replace(scan_of(image=folder / "ct.nii.gz", mask=folder / "mask.nii.gz"), kvp=120.0, contrast=False)


def test_of_a_sound_chest_both_vertebrae_are_shown(tmp_path: Path) -> None:
    case = CaseBook(tmp_path / "work", CPU).case(chest(tmp_path))

    assert isinstance(case, ScreeningCase)
    assert case.l2 is not None


@pytest.mark.parametrize(
    ("what", "code"),
    [({"fractured": L1}, ReasonCode.FRACTURED), ({"metal_in": L1}, ReasonCode.METAL)],
)
def test_a_scan_whose_l1_the_node_would_not_show_is_excluded(
    tmp_path: Path, what: dict[str, VertebralLevel], code: ReasonCode
) -> None:
    _, excluded = CaseBook(tmp_path / "work", CPU).all([chest(tmp_path, **what)])

    assert [each.reason.code for each in excluded] == [code]


@pytest.mark.parametrize("what", ["fractured", "metal_in"])
def test_an_l2_that_the_node_would_not_show_leaves_l1_alone(tmp_path: Path, what: str) -> None:
    case = CaseBook(tmp_path / "work", CPU).case(chest(tmp_path, **{what: L2}))

    assert isinstance(case, ScreeningCase)
    assert case.l2 is None


@pytest.mark.parametrize(
    ("change", "code"),
    [({"kvp": 80.0}, ReasonCode.TUBE_VOLTAGE), ({"kernel": "B70f"}, ReasonCode.KERNEL_TOO_SHARP)],
)
def test_a_scan_that_was_made_as_no_density_is_given_for_is_excluded(
    tmp_path: Path, change: dict[str, float | str], code: ReasonCode
) -> None:
    image, mask = write_spine(tmp_path)
    book, scan = CaseBook(tmp_path / "work", CPU), scan_of(image=image, mask=mask)
    assert isinstance(book.case(scan), ScreeningCase)  # where nobody knows how it was made, nothing speaks against it

    made = book.case(replace(scan, **change))  # type: ignore[arg-type]

    assert isinstance(made, Reason)
    assert made.code is code


def test_slices_that_are_thicker_than_the_node_reads_are_excluded(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path)
    for path in (image, mask):
        thick = SimpleITK.ReadImage(str(path))
        thick.SetSpacing((2.0, 2.0, 8.0))
        SimpleITK.WriteImage(thick, str(path))

    _, excluded = CaseBook(tmp_path / "work", CPU).all([scan_of(image=image, mask=mask)])

    assert [each.reason.code for each in excluded] == [ReasonCode.SLICES_TOO_THICK]


def test_a_case_whose_row_tells_a_tube_voltage_that_the_node_refuses_is_excluded(tmp_path: Path) -> None:
    path = write_case(tmp_path / "case.npz", 100.0)

    made = CaseBook(tmp_path / "work", CPU).case(replace(scan_of(image=path), kvp=80.0))

    assert isinstance(made, Reason)
    assert made.code is ReasonCode.TUBE_VOLTAGE


def leaning(mask: Path, voxels_back: dict[VertebralLevel, int]) -> np.ndarray:
    """The mask with bodies moved to the back."""
    labels, _ = read_image(mask)
    moved = np.zeros(labels.shape, dtype=np.int32)
    for level, voxels in voxels_back.items():
        moved[np.roll(labels == level.number, voxels, axis=1)] = level.number
    return moved


def test_a_body_points_along_the_line_through_its_neighbours(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path, levels=(T12, L1, L2))

    spine = crops_of_mask(load_ct(image), leaning(mask, {T12: 5, L1: 0, L2: 0}))

    # T12 lies 10 mm farther back than L2, and 60 mm above it
    up = spine.crops[1].vertebra.up_lps
    assert up[1] / up[2] == pytest.approx(10.0 / 60.0, abs=0.015)


def test_the_last_body_points_along_the_curve_and_not_at_its_neighbour(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path, levels=(T12, L1, L2))

    spine = crops_of_mask(load_ct(image), leaning(mask, {T12: 4, L1: 1, L2: 0}))

    # a parabola that stands upright at L2: 2 mm back at 30 mm, 8 mm at 60 mm
    up = spine.crops[2].vertebra.up_lps
    assert up[1] / up[2] == pytest.approx(0.0, abs=0.01)


def test_a_lone_body_stands_upright(tmp_path: Path) -> None:
    image, mask = write_spine(tmp_path, levels=(L1,))

    spine = crops_of_mask(load_ct(image), leaning(mask, {L1: 0}))

    assert spine.crops[0].vertebra.up_lps == (0.0, 0.0, 1.0)


def test_bodies_beyond_a_gap_are_no_neighbours(tmp_path: Path) -> None:
    t10, t11 = VertebralLevel.T10, VertebralLevel.T11
    image, mask = write_spine(tmp_path, levels=(T12, L1, L2))
    labels, _ = read_image(mask)

    with_gap = np.where(labels == T12.number, t10.number, labels).astype(np.int32)
    spine = crops_of_mask(load_ct(image), with_gap)

    assert t11.number not in np.unique(with_gap)
    assert [crop.vertebra.level for crop in spine.crops] == [L1, L2]
