"""The manifest of a study of bone density: what it may say, and that every error in it is told with its row."""

from pathlib import Path

import pytest

from node.domain.bone_category import BoneCategory
from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Sex, read_manifest
from training.cohort.rows import ManifestRejected

ONE = "give all scans of a patient one cohort"
HEADER = "image,patient,site,qct_mg_cm3,class,sex,age,kvp,contrast,cohort"


def manifest(folder: Path, *lines: str, header: str = HEADER) -> Path:
    for name in ("a", "b", "c", "d"):
        (folder / name).mkdir(exist_ok=True)
    path = folder / "data.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def problems(folder: Path, *lines: str) -> list[str]:
    with pytest.raises(ManifestRejected) as rejected:
        read_manifest(manifest(folder, *lines))
    return [str(problem) for problem in rejected.value.problems]


def test_the_message_tells_every_row_that_is_wrong_however_many(tmp_path):
    rows = [f"a,p{number},north,0.1,,f,71,120,no," for number in range(200)]

    with pytest.raises(ManifestRejected) as rejected:
        read_manifest(manifest(tmp_path, *rows))

    told = str(rejected.value)
    assert "200 problems" in told
    assert all(f"row {number}, column qct_mg_cm3" in told for number in range(2, 202))


def test_a_row_gives_a_scan_with_its_category_by_quantitative_ct(tmp_path):
    (scan,) = read_manifest(manifest(tmp_path, "a,p1,north,79.9,,f,71,120,no,Training"))

    assert scan.image == tmp_path / "a"
    assert (scan.row, scan.patient, scan.site) == (2, "p1", "north")
    assert scan.qct_mg_cm3 == 79.9
    assert scan.category is BoneCategory.OSTEOPOROSIS
    assert (scan.sex, scan.age_years, scan.kvp, scan.contrast) == (Sex.FEMALE, 71.0, 120.0, False)
    assert scan.cohort is Cohort.TRAINING


@pytest.mark.parametrize(
    ("qct", "category"),
    [
        ("79.9", BoneCategory.OSTEOPOROSIS),
        ("80", BoneCategory.OSTEOPENIA),
        ("120", BoneCategory.OSTEOPENIA),
        ("120.1", BoneCategory.NORMAL),
        ("-12", BoneCategory.OSTEOPOROSIS),
    ],
)
def test_categories_change_at_120_and_80(tmp_path, qct, category):
    (scan,) = read_manifest(manifest(tmp_path, f"a,p1,north,{qct},,,,,,"))

    assert scan.category is category


def test_what_the_node_measured_is_read_beside_it(tmp_path):
    path = manifest(tmp_path, "a,p1,north,80,86.5", header="image,patient,site,qct_mg_cm3,measured_mg_cm3")

    (scan,) = read_manifest(path)

    assert (scan.qct_mg_cm3, scan.measured_mg_cm3) == (80.0, 86.5)
    assert scan.category is BoneCategory.OSTEOPENIA


@pytest.mark.parametrize(
    ("scanner", "told", "is_synthetic"),
    [
        ("Vendor One", "yes", True),
        ("Vendor One", "", False),
        ("Synthetic Aperture Ltd", "", False),
        ("Synthetic First Family", "", True),
        ("Synthetic Phantom Parametric Trunk", "", True),
    ],
)
def test_scans_are_synthetic_where_the_manifest_says_so_or_the_project_drew_them(tmp_path, scanner, told, is_synthetic):
    path = manifest(
        tmp_path, f"a,p1,north,80,{scanner},{told}", header="image,patient,site,qct_mg_cm3,scanner,synthetic"
    )

    assert read_manifest(path)[0].is_synthetic is is_synthetic


def test_synthetic_is_yes_or_no(tmp_path):
    path = manifest(tmp_path, "a,p1,north,80,partly", header="image,patient,site,qct_mg_cm3,synthetic")

    with pytest.raises(ManifestRejected, match="row 2, column synthetic: must be yes or no, got 'partly'"):
        read_manifest(path)


def test_a_measurement_in_grams_is_named_as_well(tmp_path):
    path = manifest(tmp_path, "a,p1,north,80,0.0865", header="image,patient,site,qct_mg_cm3,measured_mg_cm3")

    with pytest.raises(ManifestRejected, match=r"column measured_mg_cm3: 0\.0865 looks like g/cm3"):
        read_manifest(path)


def test_a_class_is_enough_where_nobody_measured(tmp_path):
    (scan,) = read_manifest(manifest(tmp_path, "a,p1,north,,Osteopenia,,,,,"))

    assert scan.category is BoneCategory.OSTEOPENIA
    assert scan.qct_mg_cm3 is None


def test_a_table_with_semicolons_and_a_byte_order_mark_is_read(tmp_path):
    path = manifest(tmp_path, "a;p1;north;100", header="image;patient;site;qct_mg_cm3")
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")

    assert read_manifest(path)[0].qct_mg_cm3 == 100.0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nowhere,p1,north,100,,,,,,", "row 2, column image: nowhere does not exist in "),
        ("a,,north,100,,,,,,", "row 2, column patient: is empty and must not be"),
        (
            "a,p1,north,,thin,,,,,",
            "row 2, column class: must be one of normal, osteopenia, osteoporosis, got 'thin'",
        ),
        (
            "a,p1,north,0.118,,,,,,",
            "row 2, column qct_mg_cm3: 0.118 looks like g/cm3; give mg/cm3, a thousand times as much",
        ),
        ("a,p1,north,1180,,,,,,", "row 2, column qct_mg_cm3: must be -60 to 400 mg/cm3, got 1180"),
        (
            'a,p1,north,"100,5",,,,,,',
            "row 2, column qct_mg_cm3: must be a number with a decimal point, got '100,5'",
        ),
        ("a,p1,north,nan,,,,,,", "row 2, column qct_mg_cm3: must be a number with a decimal point, got 'nan'"),
        ("a,p1,north,,,,,,,", "row 2, column qct_mg_cm3: either qct_mg_cm3 or class is needed"),
        ("a,p1,north,70,normal,,,,,", "row 2, column class: is normal, but 70 mg/cm3 is osteoporosis"),
        ("a,p1,north,100,,x,,,,", "row 2, column sex: must be one of F, M, O, got 'x'"),
        ("a,p1,north,100,,,1950,,,", "row 2, column age: must be 0 to 120 years, got 1950"),
        ("a,p1,north,100,,,,1200,,", "row 2, column kvp: must be 60 to 160 kV, got 1200"),
        ("a,p1,north,100,,,,,maybe,", "row 2, column contrast: must be yes or no, got 'maybe'"),
        ("a,p1,north,100", "row 2: has 4 cells, the header has 10"),
    ],
)
def test_an_error_is_told_with_its_row_and_column(tmp_path, line, problem):
    (told,) = problems(tmp_path, line)

    assert told.startswith(problem)


def test_all_errors_are_told_at_once_in_the_order_of_their_rows(tmp_path):
    found = problems(tmp_path, "nowhere,p1,north,100,,,,,,", "a,p2,north,100,,,,,,", "b,p3,north,0.1,,,200,,,")

    assert [line.split(":")[0] for line in found] == [
        "row 2, column image",
        "row 4, column age",
        "row 4, column qct_mg_cm3",
    ]


def test_a_patient_in_two_cohorts_is_refused(tmp_path):
    found = problems(tmp_path, "a,p1,north,100,,,,,,training", "b,p2,north,100,,,,,,test", "c,p1,north,90,,,,,,test")

    assert found == [f"row 4, column cohort: patient p1 is in cohort test, and in row 2 in training; {ONE}"]


def test_a_patient_of_whom_one_scan_has_a_cohort_and_another_none_is_refused(tmp_path):
    found = problems(tmp_path, "a,p1,north,100,,,,,,training", "c,p1,north,90,,,,,,")

    assert found == [f"row 3, column cohort: patient p1 is in cohort none, and in row 2 in training; {ONE}"]


def test_two_spellings_of_one_patient_are_refused(tmp_path):
    found = problems(tmp_path, "a,P1,north,100,,,,,,training", "b,p1,north,90,,,,,,test")

    assert found == ["row 3, column patient: p1 is spelled P1 in row 2"]


def test_an_image_in_the_folder_of_another_is_refused(tmp_path):
    (tmp_path / "a" / "late").mkdir(parents=True)

    found = problems(tmp_path, "a,p1,north,100,,,,,,", "a/late,p2,north,90,,,,,,")

    assert found == ["row 3, column image: lies in the folder of the image of row 2"]


def test_a_path_that_no_disk_takes_is_told_with_its_row(tmp_path):
    (found,) = problems(tmp_path, f"{'x' * 300},p1,north,100,,,,,,")

    assert found.startswith("row 2, column image: 'xxx")


def test_an_image_that_is_listed_twice_is_refused(tmp_path):
    found = problems(tmp_path, "a,p1,north,100,,,,,,", "./a,p2,north,90,,,,,,")

    assert found == ["row 3, column image: is the image of row 2 again"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("image,patient,qct_mg_cm3", "lacks 'site'"),
        ("image,patient,site,qct_g_cm3", "has the unknown 'qct_g_cm3'; columns are image, patient, site, mask, qct_mg"),
        ("image,patient,site,age,age", "has twice 'age'"),
    ],
)
def test_a_header_that_nobody_knows_is_refused(tmp_path, header, message):
    with pytest.raises(InputRejected, match=message):
        read_manifest(manifest(tmp_path, "a,p1,north,1,2", header=header))


def test_a_manifest_without_rows_is_refused(tmp_path):
    with pytest.raises(InputRejected, match="a header and no row"):
        read_manifest(manifest(tmp_path))


def test_a_file_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"\xff\xfe\x00binary")

    with pytest.raises(InputRejected, match="cannot be read as a CSV file"):
        read_manifest(path)
