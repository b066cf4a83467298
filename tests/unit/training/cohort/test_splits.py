"""Sharing out to cohorts: by patient and site, the same for the same seed, and told in a table."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from node.domain.bone_category import BoneCategory
from node.domain.errors import InputRejected
from training.cohort.characteristics import characteristics
from training.cohort.drawing import Shares
from training.cohort.manifest import Cohort, Scan, Sex
from training.cohort.rows import ManifestRejected
from training.cohort.splits import SplitPlan, read_split, share_out, write_split
from training.cohort.truth import truth_of

CATEGORIES = tuple(BoneCategory)


def scan(number: int, **facts: object) -> Scan:
    """A scan of a patient of his own."""
    known: dict[str, object] = {"category": CATEGORIES[number % 3]}
    known |= {"patient": f"p{number:03d}", "site": "north", "row": number + 2, "image": Path(f"scan{number}")}
    return Scan(mask=None, **(known | facts))  # type: ignore[arg-type]


SCANS = tuple(scan(number) for number in range(150))


def cohorts(scans: tuple[Scan, ...]) -> dict[str, Cohort | None]:
    return {each.patient: each.cohort for each in scans}


def test_shares_are_as_asked_for():
    many = tuple(scan(number) for number in range(3000))

    counts = Counter(each.cohort for each in share_out(many, SplitPlan(seed=1)))

    # four standard deviations of 3,000 draws
    assert counts[Cohort.TEST] == pytest.approx(600, abs=88)
    assert counts[Cohort.VALIDATION] == pytest.approx(300, abs=66)
    assert counts.total() == 3000


def test_nobody_changes_sides_when_others_are_added():
    more = (*SCANS, *(scan(number) for number in range(500, 600)))

    before, after = cohorts(share_out(SCANS, SplitPlan(seed=1))), cohorts(share_out(more, SplitPlan(seed=1)))

    assert before == {patient: after[patient] for patient in before}


def per_cohort(scans: tuple[Scan, ...]) -> dict[Cohort, set[BoneCategory]]:
    return {cohort: {each.category for each in scans if each.cohort is cohort} for cohort in Cohort}


LEARNED = (Cohort.TRAINING, Cohort.VALIDATION, Cohort.TEST)


@pytest.mark.parametrize("seed", range(20))
def test_every_cohort_has_every_category_where_three_patients_have_it(seed):
    shared = per_cohort(share_out(SCANS[:9], SplitPlan(seed=seed)))

    assert [shared[cohort] for cohort in LEARNED] == [set(CATEGORIES)] * 3


@pytest.mark.parametrize("seed", range(20))
def test_no_cohort_is_empty_and_training_has_every_category_of_few_patients(seed):
    shared = per_cohort(share_out(SCANS[:6], SplitPlan(seed=seed)))

    assert shared[Cohort.TRAINING] == set(CATEGORIES)
    assert shared[Cohort.VALIDATION]
    assert shared[Cohort.TEST]


@pytest.mark.parametrize("seed", range(10))
def test_the_only_patient_of_a_category_is_learned_from(seed):
    scans = tuple(scan(number, category=CATEGORIES[0 if number else 2]) for number in range(20))

    assert share_out(scans, SplitPlan(seed=seed))[0].cohort is Cohort.TRAINING


def test_where_chance_gave_every_cohort_its_categories_nobody_is_moved():
    plan = SplitPlan(seed=1)
    shares = Shares(seed=1, validation=plan.validation, test=plan.test)

    assert cohorts(share_out(SCANS, plan)) == {each.patient: shares.drawn(each.patient) for each in SCANS}


def test_no_more_patients_are_moved_than_cohorts_lack():
    plan = SplitPlan(seed=3)
    shares = Shares(seed=3, validation=plan.validation, test=plan.test)
    few = SCANS[:12]
    before = tuple(replace(each, cohort=shares.drawn(each.patient)) for each in few)
    lacking = sum(len(set(CATEGORIES) - per_cohort(before)[cohort]) for cohort in LEARNED)

    after = cohorts(share_out(few, plan))

    assert lacking
    assert sum(after[each.patient] is not each.cohort for each in before) <= lacking


def test_a_cohort_that_is_not_asked_for_gets_nobody():
    shared = per_cohort(share_out(SCANS[:9], SplitPlan(seed=1, test=0.0)))

    assert not shared[Cohort.TEST]
    assert shared[Cohort.VALIDATION] == set(CATEGORIES)


def test_patients_of_the_manifest_count_and_stay():
    given = tuple(scan(number, cohort=Cohort.TEST) for number in range(3))

    shared = share_out((*given, *SCANS[3:9]), SplitPlan(seed=1))

    assert {each.cohort for each in shared[:3]} == {Cohort.TEST}
    assert [per_cohort(shared)[cohort] for cohort in LEARNED] == [set(CATEGORIES)] * 3


def test_patients_who_were_shared_out_before_stay_where_they_were():
    before = cohorts(share_out(SCANS[:9], SplitPlan(seed=1)))

    after = cohorts(share_out(SCANS[:30], SplitPlan(seed=2), before))

    assert before == {patient: after[patient] for patient in before}


def test_a_manifest_that_moves_a_patient_who_was_shared_out_before_is_refused():
    with pytest.raises(ManifestRejected, match="row 2, column cohort: is test, but patient p000 was in training when"):
        share_out((scan(0, cohort=Cohort.TEST), scan(1)), SplitPlan(seed=1), {"p000": Cohort.TRAINING})
    with pytest.raises(ManifestRejected, match="is external, but patient p000 was in training"):
        share_out((scan(0), scan(1)), SplitPlan(seed=1, external_sites=("north",)), {"p000": Cohort.TRAINING})


def test_a_patient_of_whom_one_scan_alone_has_a_cohort_is_refused():
    scans = (scan(0, patient="p1", cohort=Cohort.TRAINING), scan(1, patient="p1"))

    with pytest.raises(ManifestRejected, match="patient p1 is in cohort none, and in row 2 in training"):
        share_out(scans, SplitPlan(seed=1))


def test_a_site_that_is_external_in_one_row_is_so_in_all():
    scans = (scan(0, site="south", cohort=Cohort.EXTERNAL), scan(1, site="south"), scan(2))

    assert [each.cohort is Cohort.EXTERNAL for each in share_out(scans, SplitPlan(seed=1))] == [True, True, False]
    with pytest.raises(ManifestRejected, match="is training, but south is an external site"):
        share_out((*scans, scan(3, site="south", cohort=Cohort.TRAINING)), SplitPlan(seed=1))


def test_the_same_seed_shares_out_the_same_whatever_the_order_of_rows():
    assert cohorts(share_out(SCANS, SplitPlan(seed=1))) == cohorts(share_out(SCANS[::-1], SplitPlan(seed=1)))


def test_another_seed_shares_out_differently():
    assert cohorts(share_out(SCANS, SplitPlan(seed=1))) != cohorts(share_out(SCANS, SplitPlan(seed=2)))


def test_all_scans_of_a_patient_are_in_one_cohort():
    scans = tuple(scan(number, patient=f"p{number % 40:03d}") for number in range(120))

    shared = share_out(scans, SplitPlan(seed=1))

    assert {each.cohort for each in shared} == {Cohort.TRAINING, Cohort.VALIDATION, Cohort.TEST}
    for patient in {each.patient for each in shared}:
        assert len({each.cohort for each in shared if each.patient == patient}) == 1


def test_nobody_learns_from_an_external_site():
    scans = tuple(scan(number, site="south" if number < 20 else "north") for number in range(100))

    shared = share_out(scans, SplitPlan(seed=1, external_sites=("south",)))

    assert all((each.cohort is Cohort.EXTERNAL) == (each.site == "south") for each in shared)


def test_a_cohort_that_the_manifest_gives_stays():
    scans = (*SCANS, scan(200, cohort=Cohort.PROSPECTIVE))

    assert share_out(scans, SplitPlan(seed=1))[-1].cohort is Cohort.PROSPECTIVE


def test_a_patient_of_an_external_site_may_not_be_seen_elsewhere():
    scans = (scan(0, site="south"), scan(1), scan(2, patient="p000"))

    with pytest.raises(ManifestRejected, match="row 4, column site: patient p000 is at north, and in row 2 at an ext"):
        share_out(scans, SplitPlan(seed=1, external_sites=("south",)))


def test_an_external_site_may_not_be_learned_from_by_the_manifest():
    scans = (scan(0, site="south", cohort=Cohort.TRAINING), scan(1))

    with pytest.raises(ManifestRejected, match="row 2, column cohort: is training, but south is an external site"):
        share_out(scans, SplitPlan(seed=1, external_sites=("south",)))


def test_an_external_site_without_scans_is_a_misspelling():
    with pytest.raises(InputRejected, match="no scan is of the external site sout"):
        share_out(SCANS, SplitPlan(seed=1, external_sites=("sout",)))


def test_shares_must_leave_patients_for_training():
    with pytest.raises(InputRejected, match="must leave patients for training"):
        SplitPlan(seed=1, validation=0.5, test=0.5)


def test_a_split_is_written_down_by_patient(tmp_path):
    scans = (scan(1, cohort=Cohort.TEST), scan(0, cohort=Cohort.TRAINING), scan(2, patient="p001", cohort=Cohort.TEST))

    write_split(scans, tmp_path / "split.csv")

    assert (tmp_path / "split.csv").read_text() == "patient,cohort\np000,training\np001,test\n"


def test_the_table_of_people_counts_patients_once_and_the_unknown_as_such():
    scans = (
        scan(0, cohort=Cohort.TRAINING, sex=Sex.FEMALE, age_years=60.0, qct_mg_cm3=130.0, kvp=120.0, contrast=True),
        scan(1, patient="p000", cohort=Cohort.TRAINING, sex=Sex.FEMALE, age_years=61.0, kvp=100.0),
        scan(3, cohort=Cohort.TRAINING, sex=Sex.MALE, age_years=70.0, qct_mg_cm3=150.0, kvp=120.0, contrast=False),
        scan(4, cohort=Cohort.TEST),
    )

    table = characteristics(scans)
    rows = {row[0]: row[1:] for row in table.rows}

    assert table.head == ("", "training", "test")
    assert rows["patients"] == ("2", "1")
    assert rows["scans"] == ("3", "1")
    assert rows["age, years"] == ("65.0 ± 7.1 (60 to 70)", "-")
    assert rows["sex: F"] == ("1 (50 %)", "-")
    assert rows["sex: unknown"] == ("0", "1")
    assert rows["category: normal"] == ("2 (100 %)", "0 (0 %)")
    assert rows["quantitative CT, mg/cm3"] == ("140.0 ± 14.1 (130 to 150)", "-")
    assert rows["kV: 120"] == ("2 (67 %)", "-")
    assert rows["contrast agent: yes"] == ("1 (50 %)", "-")
    assert rows["contrast agent: unknown"] == ("1", "1")


def test_what_is_known_of_nobody_has_one_row():
    table = characteristics((scan(0, cohort=Cohort.TEST), scan(1, cohort=Cohort.TEST)))

    assert [row for row in table.rows if row[0].startswith("sex")] == [("sex: unknown", "2")]


def test_a_table_of_people_without_cohorts_is_an_error_of_the_program():
    with pytest.raises(ValueError, match="must have a cohort"):
        characteristics((replace(SCANS[0], cohort=None),))


def test_a_split_is_read_back_as_it_was_written(tmp_path):
    placed = share_out(SCANS, SplitPlan(seed=3))
    write_split(placed, tmp_path / "split.csv")

    assert read_split(tmp_path / "split.csv") == cohorts(placed)


@pytest.mark.parametrize(
    ("line", "told"),
    [("p1,test", "row 3, column patient: p1 is there already"), ("p2,exam", "must be one of"), ("p2,", "is empty")],
)
def test_a_split_with_errors_names_their_rows(tmp_path, line, told):
    (tmp_path / "split.csv").write_text(f"patient,cohort\np1,training\n{line}\n")

    with pytest.raises(ManifestRejected, match=told):
        read_split(tmp_path / "split.csv")


def test_a_drawn_density_is_never_called_a_measured_one():
    person, drawn = scan(0, qct_mg_cm3=100.0), scan(1, qct_mg_cm3=90.0, synthetic=True)

    assert truth_of([person]) == "quantitative CT"
    assert truth_of([drawn]) == "drawn density (synthetic)"
    assert truth_of([person, drawn]) == "quantitative CT or drawn density (synthetic)"
