"""Which series a pipeline reads: every rule with its three truth values, then the ranking."""

import pytest

from node.domain.reasons import Reason, ReasonCode
from node.domain.selection import (
    NoSuitableSeries,
    SelectionRule,
    SeriesChoice,
    axial_angle_deg,
    choose_series,
    concerns,
)
from node.domain.study import ImageFacts, Series
from node.settings import Settings
from tests.builders.index import a_series, a_study, ct_facts, ct_instances, uid

RULE = SelectionRule(
    pipeline="ct-bone",
    modalities=frozenset({"CT"}),
    body_parts=frozenset({"CHEST", "ABDOMEN"}),
    exclude_descriptions=(r"\bmip\b",),
)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def codes(series: Series, rule: SelectionRule = RULE) -> set[ReasonCode]:
    """Why one series is not read; nothing where it is."""
    choice = choose_series(a_study(series), rule)
    return {reason.code for each in choice.rejected for reason in each.reasons}


def chosen(*series: Series, rule: SelectionRule = RULE) -> str:
    choice = choose_series(a_study(*series), rule)
    assert isinstance(choice, SeriesChoice)
    return choice.series_uid.rsplit(".", 1)[-1]


def test_a_plain_chest_ct_is_read():
    assert choose_series(a_study(), RULE) == SeriesChoice(series_uid=uid("1.1"), unknown=(), rejected=())


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"made_by_node": True}, ReasonCode.OWN_OBJECT),
        ({"modality": "MR"}, ReasonCode.MODALITY),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, ReasonCode.LOCALIZER),
        ({"image_type": ("DERIVED", "SECONDARY", "MIP")}, ReasonCode.DERIVED),
        ({"body_part": "HEAD"}, ReasonCode.BODY_PART),
        ({"series_description": "Thorax MIP axial"}, ReasonCode.DESCRIPTION),
        ({"has_pixel_data": False}, ReasonCode.NO_PIXEL_DATA),
        ({"orientation": SAGITTAL}, ReasonCode.NOT_AXIAL),
        ({"slice_mm": 6.5}, ReasonCode.SLICES_TOO_THICK),
        ({"slice_thickness": 10.0}, ReasonCode.SLICES_TOO_THICK),
        ({"slice_mm": 1.0}, ReasonCode.COVERAGE_TOO_SHORT),
    ],
)
def test_what_does_not_suit_is_refused_with_its_reason(facts, code):
    assert code in codes(a_series(**facts))


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"modality": None}, "modality"),
        ({"image_type": ()}, "image_type"),
        ({"body_part": None}, "body_part"),
        ({"body_part": ""}, "body_part"),
        ({"series_description": None}, "description"),
        ({"has_pixel_data": None}, "pixel_data"),
        ({"kvp": None}, "kvp"),
        ({"kernel": None}, "kernel"),
        ({"slice_thickness": None}, "slice_thickness"),
        ({"orientation": None}, "orientation"),
    ],
)
def test_what_is_unknown_refuses_nothing_and_is_told_once(facts, name):
    choice = choose_series(a_study(a_series(**facts)), RULE)

    assert isinstance(choice, SeriesChoice)
    assert choice.unknown.count(name) == 1


@pytest.mark.parametrize(
    ("fact", "name"),
    [("body_part", "body_part"), ("series_description", "description"), ("kvp", "kvp"), ("kernel", "kernel")],
)
def test_a_fact_that_the_rule_requires_must_be_known(fact, name):
    rule = SelectionRule(
        pipeline="ct-bone",
        modalities=frozenset({"CT"}),
        body_parts=frozenset({"CHEST"}),
        exclude_descriptions=("mip",),
        require=frozenset({name}),
    )

    assert codes(a_series(**{fact: None}), rule) == {ReasonCode.UNKNOWN_FACT}
    assert codes(a_series(), rule) == set()


def test_an_unknown_body_part_does_not_matter_where_all_suit():
    rule = SelectionRule(pipeline="ct-bone", modalities=frozenset({"CT"}))

    choice = choose_series(a_study(a_series(body_part=None)), rule)

    assert isinstance(choice, SeriesChoice)
    assert "body_part" not in choice.unknown


def test_a_resampled_or_de_identified_series_is_read():
    assert codes(a_series(image_type=("DERIVED", "PRIMARY", "AXIAL"))) == set()


def test_a_reformatted_axial_series_is_read():
    assert codes(a_series(image_type=("DERIVED", "SECONDARY", "MPR"))) == set()


@pytest.mark.parametrize(("count", "code"), [(9, ReasonCode.TOO_FEW_SLICES), (31, ReasonCode.TOO_MANY_SLICES)])
def test_the_number_of_slices_has_limits(count, code):
    rule = SelectionRule(pipeline="ct-bone", modalities=frozenset({"CT"}), slices=(10, 30), coverage_mm=0.0)

    assert codes(a_series(slices=range(count)), rule) == {code}


def test_a_series_too_large_to_be_loaded_gives_way_to_thicker_slices():
    thin = a_series("1.1", slices=range(1601))
    thick = a_series("1.2")

    choice = choose_series(a_study(thin, thick), RULE)

    assert isinstance(choice, SeriesChoice)
    assert choice.series_uid == uid("1.2")
    assert ReasonCode.VOLUME_TOO_LARGE in codes(thin)
    assert ReasonCode.VOLUME_TOO_LARGE not in codes(a_series(slices=range(1600)))


def test_frames_of_one_object_count_as_slices():
    enhanced = a_series(slices=[0], number_of_frames=300, position=None)

    assert codes(enhanced) == set()


def test_all_reasons_are_told_not_only_the_first():
    assert codes(a_series(slices=range(3), modality="MR")) == {
        ReasonCode.MODALITY,
        ReasonCode.TOO_FEW_SLICES,
        ReasonCode.COVERAGE_TOO_SHORT,
    }


@pytest.mark.parametrize("facts", [{"position": None}, {"gantry_tilt": 20.0}], ids=["no geometry", "tilt"])
def test_gaps_and_tilt_are_left_to_the_pipeline_which_tells_them(facts):
    assert codes(a_series(**facts)) == set()


def test_a_series_with_a_gap_can_be_read_where_there_is_no_better():
    gap = a_series("1.1", [k for k in range(40) if k != 20])

    assert codes(gap) == set()
    assert chosen(gap, a_series("1.2")) == "2"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"slice_mm": 5.0}, {"slice_mm": 1.0, "kernel": "B70f", "slices": range(200)}),
        ({"slice_mm": 5.0}, {"slice_mm": 2.0, "contrast_agent": True}),
        ({"slice_mm": 1.5, "slices": range(100)}, {"slice_mm": 3.0}),
        ({"kernel": "B30f"}, {"kernel": None}),
        ({"kernel": None}, {"kernel": "LUNG"}),
        ({"contrast_agent": False}, {"contrast_agent": None}),
        ({"contrast_agent": None}, {"contrast_agent": True}),
        ({"kernel": "B30f", "contrast_agent": True}, {"kernel": "BONE", "contrast_agent": False}),
        ({"slices": range(80)}, {"slices": range(40)}),
        ({"slice_mm": 5.0}, {"slice_mm": 1.0, "slices": range(200), "image_type": ("DERIVED", "PRIMARY", "AXIAL")}),
    ],
    ids=[
        "soft before thin",
        "no contrast before thin",
        "thin before thick",
        "soft before unknown",
        "unknown before sharp",
        "no contrast before unknown",
        "unknown before contrast",
        "soft before no contrast",
        "long before short",
        "original before derived",
    ],
)
def test_the_ranking(better, worse):
    first, second = a_series("1.2", **better), a_series("1.1", **worse)

    assert chosen(first, second) == "2"
    assert chosen(second, first) == "2"


def test_equal_series_are_chosen_by_their_identifier_whatever_the_order():
    assert chosen(a_series("1.1"), a_series("1.2")) == chosen(a_series("1.2"), a_series("1.1")) == "1"


def test_the_series_that_lost_says_that_another_suits_better():
    choice = choose_series(a_study(a_series("1.1"), a_series("1.2", kernel="B70f")), RULE)

    assert [(each.series_uid, [reason.code for reason in each.reasons]) for each in choice.rejected] == [
        (uid("1.2"), [ReasonCode.OUTRANKED])
    ]


def test_two_patients_under_one_study_are_refused_whatever_the_images():
    other = Series(
        series_uid=uid("1.2"),
        instances=tuple(
            # the same facts, another patient
            type(each)(**{**{name: getattr(each, name) for name in each.__slots__}, "patient": "0" * 64})
            for each in ct_instances(series="1.2")
        ),
    )

    choice = choose_series(a_study(a_series(), other), RULE)

    assert isinstance(choice, NoSuitableSeries)
    assert [reason.code for reason in choice.reasons] == [ReasonCode.MIXED_PATIENTS]


def test_a_report_tells_the_reasons_that_all_series_share():
    mr, short = a_series("1.1", modality="MR"), a_series("1.2", slices=range(3), modality="MR")

    choice = choose_series(a_study(mr, short), RULE)

    assert isinstance(choice, NoSuitableSeries)
    assert [reason.code for reason in choice.reasons] == [ReasonCode.MODALITY]


def test_series_that_fail_for_one_cause_to_different_degrees_share_it():
    five, four = a_series("1.1", slices=range(5)), a_series("1.2", slices=range(4))

    choice = choose_series(a_study(five, four), RULE)

    assert isinstance(choice, NoSuitableSeries)
    assert Reason(code=ReasonCode.TOO_FEW_SLICES) in choice.reasons
    assert ReasonCode.NO_SERIES not in {reason.code for reason in choice.reasons}


def test_where_series_fail_for_different_reasons_the_report_says_that_none_suits():
    choice = choose_series(a_study(a_series("1.1", modality="MR"), a_series("1.2", body_part="HEAD")), RULE)

    assert isinstance(choice, NoSuitableSeries)
    assert [reason.text for reason in choice.reasons] == [
        "No series of the study suits this pipeline. 2 series were looked at."
    ]


def test_a_study_concerns_a_pipeline_that_reads_its_modality():
    own = a_series("1.9", modality="CT", made_by_node=True)

    assert concerns(a_study(a_series(modality="MR"), a_series("1.2")), RULE)
    assert not concerns(a_study(a_series(modality="MR")), RULE)
    assert not concerns(a_study(own), RULE)


@pytest.mark.parametrize(
    ("orientation", "angle"),
    [((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), 0.0), (SAGITTAL, 90.0), ((1.0, 0.0, 0.0, 0.0, 0.8660254, 0.5), 30.0)],
)
def test_the_angle_to_the_body_axis(orientation, angle):
    assert axial_angle_deg(ct_facts(orientation=orientation)) == pytest.approx(angle)


def test_without_an_orientation_there_is_no_angle():
    assert axial_angle_deg(ImageFacts()) is None


def test_a_description_can_be_asked_for():
    rule = SelectionRule(pipeline="ct-bone", modalities=frozenset({"CT"}), descriptions=("soft|standard",))

    assert codes(a_series(series_description="Chest Standard 1.25"), rule) == set()
    assert codes(a_series(series_description="Chest lung 1.25"), rule) == {ReasonCode.DESCRIPTION}
    assert codes(a_series(series_description=None), rule) == set()


@pytest.mark.parametrize(
    ("description", "excluded"),
    [
        ("Low Dose Chest 1.25mm", False),
        ("THORAX LOW DOSE B31f", False),
        ("Chest_MIP_8mm", True),
        ("Dose Report", True),
        ("Patient Protocol Dose_Info", True),
        ("Topogram 0.6 T20f", True),
        ("Chimiotherapie", False),
        ("Scouting for nodules", False),
        ("TRIPLE MIPS", True),
    ],
)
def test_the_shipped_rule_tells_pictures_from_scans_by_their_description(description, excluded):
    rule = Settings().rules[0]

    assert (ReasonCode.DESCRIPTION in codes(a_series(series_description=description), rule)) is excluded


def test_a_rule_with_a_broken_expression_or_an_unknown_fact_is_refused():
    with pytest.raises(ValueError, match="can require"):
        SelectionRule(pipeline="ct-bone", modalities=frozenset({"CT"}), require=frozenset({"weather"}))
    with pytest.raises(ValueError, match="must be a regular expression"):
        SelectionRule(pipeline="ct-bone", modalities=frozenset({"CT"}), exclude_descriptions=("[",))
