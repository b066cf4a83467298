"""What a report says of each vertebra and of bone density: measured, on which segment, in which unit, or why not."""

from dataclasses import replace

import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from node.domain.bone_density import HuBand
from node.domain.bone_screening import BoneScreening
from node.domain.finding import CtBoneFindings, Status
from node.domain.levels import VertebralLevel
from node.domain.outgoing import ObjectKind
from node.domain.reasons import ReasonCode
from tests.builders.ct import CtSpec
from tests.builders.encoded import encode, read
from tests.builders.reports import HU_BAND, OWN, REASON, STATUS, content_of, evaluations, group_of, texts
from tests.builders.results import (
    assessed_findings,
    assessed_result,
    calibrated_findings,
    measured,
    not_evaluable,
)


@pytest.fixture
def report(tmp_path) -> Dataset:
    spec = CtSpec()
    return read(encode(assessed_result(spec), spec, tmp_path)[ObjectKind.SR])


def test_a_measured_vertebra_is_a_volumetric_group_on_its_segment(tmp_path):
    spec = CtSpec()
    made = encode(assessed_result(spec), spec, tmp_path)
    segmentation = read(made[ObjectKind.SEG])

    body, core = content_of(read(made[ObjectKind.SR])).get_volumetric_roi_measurement_groups()

    for group, label in ((body, "L1"), (core, "L1 trabecular core")):
        segment = group.referenced_segment
        assert segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        (number,) = segment.referenced_segment_numbers
        assert segmentation.SegmentSequence[number - 1].SegmentLabel == label
        assert group.tracking_identifier == label
        assert group.tracking_uid == segmentation.SegmentSequence[number - 1].TrackingUID
        assert group.finding_category == codes.SCT.AnatomicalStructure
        assert group.finding_sites[0].value == codes.SCT.L1Vertebra
    assert body.finding_type == codes.SCT.Vertebra
    assert core.finding_type == Code("SEG001", OWN, "Trabecular bone region of vertebral body")


def test_what_was_measured_in_the_core_stands_in_its_group_and_nothing_else_does(tmp_path):
    spec = CtSpec()
    made = read(encode(assessed_result(spec, findings=calibrated_findings()), spec, tmp_path)[ObjectKind.SR])

    def names(label: str) -> list[str]:
        return [each.name.meaning for each in group_of(made, label).get_measurements()]

    assert names("L1 trabecular core") == [
        "Attenuation Coefficient",
        "Volumetric trabecular bone mineral density (CT, estimated)",
    ]
    assert names("L1") == ["Volume", "Height", "Height", "Height", "Level score, 0 to 1, not a calibrated probability"]


def test_a_core_that_nobody_drew_keeps_its_measurements_and_the_report_says_so(tmp_path):
    spec = CtSpec()
    result = assessed_result(spec)
    left_by_an_older_worker = replace(result, cores=None)

    made = read(encode(left_by_an_older_worker, spec, tmp_path)[ObjectKind.SR])

    core = group_of(made, "L1 trabecular core")
    assert core[0].ContentTemplateSequence[0].TemplateIdentifier == "1501"
    assert [each.value for each in core.get_measurements(codes.DCM.AttenuationCoefficient)] == [98.0]
    assert group_of(made, "L1")[0].ContentTemplateSequence[0].TemplateIdentifier == "1411"
    assert any(text.startswith("Limitation: The trabecular cores are measured, but not drawn") for text in texts(made))
    drawn = read(encode(result, spec, tmp_path / "drawn")[ObjectKind.SR])
    assert not any("not drawn" in text for text in texts(drawn))


def test_a_mean_ct_number_is_coded_with_derivation_unit_site_and_method(report):
    group = group_of(report, "L1 trabecular core")

    (mean,) = group.get_measurements(codes.DCM.AttenuationCoefficient)

    assert mean.value == 98.0
    assert mean.unit == codes.UCUM.HounsfieldUnit
    assert mean.derivation == codes.SCT.Mean
    assert mean.finding_sites[0].value == codes.SCT.L1Vertebra
    assert mean.finding_sites[0].topographical_modifier.value == "SEG001"
    algorithm = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in mean[0].ContentSequence}
    assert algorithm["Algorithm Name"].TextValue == "mean of eroded core 1.0"
    uncertainty = algorithm["Standard uncertainty of the measurement"]
    assert uncertainty.MeasuredValueSequence[0].NumericValue == 3.5


def test_a_density_is_coded_with_its_unit_uncertainty_and_calibration(tmp_path):
    spec = CtSpec()
    made = read(encode(assessed_result(spec, findings=calibrated_findings()), spec, tmp_path)[ObjectKind.SR])
    group = group_of(made, "L1 trabecular core")

    (density,) = group.get_measurements(
        Code("BMD001", OWN, "Volumetric trabecular bone mineral density (CT, estimated)")
    )

    assert density.value == 70.0
    assert density.unit == codes.UCUM.MilligramsPerCubicCentimeter
    assert density.finding_sites[0].topographical_modifier.value == "SEG001"
    items = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in density[0].ContentSequence}
    assert items["Standard uncertainty of the measurement"].MeasuredValueSequence[0].NumericValue == 5.0
    assert items["Algorithm Name"].TextValue == "mean of eroded core 1.0, calibration QRM spring"
    assert evaluations(group, Code("BMD020", OWN, "Calibration method")) == ["BMD022"]


def test_heights_are_coded_once_with_where_on_the_body_they_were_taken(tmp_path):
    spec = CtSpec()
    made = read(encode(assessed_result(spec, findings=calibrated_findings()), spec, tmp_path)[ObjectKind.SR])

    heights = group_of(made, "L1").get_measurements(codes.DCM.Height)

    assert {each.finding_sites[0].topographical_modifier: each.value for each in heights} == {
        codes.SCT.Anterior: 24.0,
        codes.NCIt.Middle: 22.5,
        codes.SCT.Posterior: 26.2,
    }
    assert all(each.finding_sites[0].value == codes.SCT.L1Vertebra for each in heights)
    assert all(each.unit == codes.UCUM.Millimeter for each in heights)


@pytest.mark.parametrize(("l2", "code"), [(76.0, "BMD012"), (90.0, "BMD011"), (171.0, "BMD010")])
def test_a_category_is_coded_and_told_with_the_densities_it_rests_on(tmp_path, l2, code):
    spec = CtSpec()
    findings = calibrated_findings(l1=70.0, l2=l2)
    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    group = group_of(made, "bone screening")

    assert evaluations(group, Code("BMD002", OWN, "Opportunistic BMD category")) == [code]
    (density,) = group.get_measurements(
        Code("BMD001", OWN, "Volumetric trabecular bone mineral density (CT, estimated)")
    )
    assert density.value == (70.0 + l2) / 2.0
    assert evaluations(group, Code("BMD020", OWN, "Calibration method")) == ["BMD022"]
    (text,) = (text for text in texts(group[0]) if "mg/cm3" in text)
    assert "not a diagnosis" in text


# Categories and bands are those of tenths: 79.96 counts as 80, and a report that showed it would contradict itself.
@pytest.mark.parametrize(("density", "told", "code"), [(79.96, 80.0, "BMD011"), (79.94, 79.9, "BMD012")])
def test_a_density_is_coded_as_precisely_as_its_category_is_judged(tmp_path, density, told, code):
    spec = CtSpec()
    findings = calibrated_findings(l1=density, l2=density)
    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    group = group_of(made, "bone screening")

    (mean,) = group.get_measurements(Code("BMD001", OWN, "Volumetric trabecular bone mineral density (CT, estimated)"))
    assert mean.value == told
    assert evaluations(group, Code("BMD002", OWN, "Opportunistic BMD category")) == [code]


def test_a_category_that_is_not_sure_names_the_others(tmp_path):
    spec = CtSpec()
    findings = calibrated_findings(l1=70.0, l2=76.0)
    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    group = group_of(made, "bone screening")

    # 5 mg/cm3 of standard uncertainty: 9.8 either way
    (text,) = (text for text in texts(group[0]) if "mg/cm3" in text)
    assert text.startswith("Mean of L1 and L2 73.0 mg/cm3 (95 % interval 63 to 83). Osteoporosis range")
    assert "The interval reaches osteopenia." in text
    also = Code("BMD014", OWN, "Other BMD category that the 95 % interval reaches")
    assert evaluations(group, also) == ["BMD011"]


def test_a_band_has_a_method_code_that_says_that_nothing_was_calibrated(report):
    group = group_of(report, "bone screening")

    assert evaluations(group, Code("BMD020", OWN, "Calibration method")) == ["BMD024"]
    assert evaluations(group, Code("BMD002", OWN, "Opportunistic BMD category")) == []


def test_a_category_without_a_band_says_nothing_of_a_band(tmp_path):
    spec = CtSpec()
    calibrated = calibrated_findings(150.0, 150.0)
    findings = replace(calibrated, screening=replace(calibrated.screening, hu_band=None))

    group = group_of(
        read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR]), "bone screening"
    )

    assert evaluations(group, HU_BAND) == []
    assert not any("uncalibrated" in text for text in texts(group[0]))


def test_a_volume_is_coded_in_cubic_millimetres(report):
    (volume,) = group_of(report, "L1").get_measurements(codes.SCT.Volume)

    assert volume.value == 21000.0
    assert volume.unit == codes.UCUM.CubicMillimeter
    assert volume.finding_sites[0].topographical_modifier.value == "3572006"


def test_a_quantity_that_was_not_measured_has_a_coded_reason_and_no_number(report):
    group = group_of(report, "L1 trabecular core")

    gap = Code("EXC105", OWN, "Reason for no volume of trabecular bone")
    assert evaluations(group, gap) == ["EXC032"]
    assert all(item.MeasuredValueSequence for item in group[0].ContentSequence if item.ValueType == "NUM")
    assert group.get_measurements(codes.SCT.Volume) == []
    assert evaluations(group_of(report, "L1"), gap) == []


def test_a_vertebra_that_could_not_be_measured_is_a_group_with_the_coded_reason(report):
    group = group_of(report, "L2")

    assert group[0].ContentTemplateSequence[0].TemplateIdentifier == "1501"
    assert evaluations(group, REASON) == ["EXC031"]
    assert evaluations(group, STATUS) == ["STA011"]
    assert group.finding_sites[0].value == codes.SCT.L2Vertebra
    assert group.get_measurements() == []
    assert "12 mm of it are missing." in " ".join(texts(group[0]))


def test_a_vertebra_of_uncertain_level_is_reported_without_a_name(report):
    group = group_of(report, "vertebra 3")

    assert evaluations(group, REASON) == ["EXC029"]
    assert group.finding_sites[0].value == codes.SCT.Vertebra


def test_a_vertebra_that_was_only_seen_is_not_reported(tmp_path):
    spec = CtSpec()
    seen = replace(measured(VertebralLevel.L1, hu=1.0, segment_value=20), measurements=())

    made = encode(
        assessed_result(spec, findings=CtBoneFindings(status=Status.ASSESSED, vertebrae=(seen,))), spec, tmp_path
    )

    identifiers = [
        group.tracking_identifier for group in content_of(read(made[ObjectKind.SR])).get_image_measurement_groups()
    ]
    assert identifiers == ["bone screening"]


def test_a_measured_vertebra_without_a_segment_keeps_its_measurements(tmp_path):
    spec = CtSpec()
    result = replace(assessed_result(spec), label_map=None, cores=None)

    made = encode(result, spec, tmp_path)

    group = group_of(read(made[ObjectKind.SR]), "L1 trabecular core")
    assert ObjectKind.SEG not in made
    assert group[0].ContentTemplateSequence[0].TemplateIdentifier == "1501"
    assert [each.value for each in group.get_measurements(codes.DCM.AttenuationCoefficient)] == [98.0]


@pytest.mark.parametrize(("hu", "code"), [(109.9, "HUB010"), (110.0, "HUB011"), (160.0, "HUB011"), (160.1, "HUB012")])
def test_the_hu_band_is_coded_and_says_that_it_is_uncalibrated(tmp_path, hu, code):
    spec = CtSpec()
    made = read(encode(assessed_result(spec, findings=assessed_findings(hu)), spec, tmp_path)[ObjectKind.SR])

    group = group_of(made, "bone screening")

    (band,) = group.get_qualitative_evaluations(HU_BAND)
    assert band.value.value == code
    assert "uncalibrated" in band.name.meaning
    assert "uncalibrated" in band.value.meaning
    assert any("not a bone mineral density and not a diagnosis" in text for text in texts(group[0]))


def test_no_band_is_reported_where_there_is_none(tmp_path):
    spec = CtSpec()
    findings = replace(assessed_findings(), screening=None)

    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    assert evaluations(group_of(made, "bone screening"), HU_BAND) == []


def test_each_level_of_the_band_is_named_as_its_site(tmp_path):
    spec = CtSpec()
    screening = BoneScreening(hu_band=HuBand.LOW, levels=(VertebralLevel.L1, VertebralLevel.L2))
    findings = replace(
        assessed_findings(),
        screening=screening,
        vertebrae=(*assessed_findings().vertebrae[:2], not_evaluable(VertebralLevel.L2, ReasonCode.LEVEL_TRUNCATED)),
    )

    made = read(encode(assessed_result(spec, findings=findings), spec, tmp_path)[ObjectKind.SR])

    sites = [site.value for site in group_of(made, "bone screening").finding_sites]
    assert sites == [codes.SCT.L1Vertebra, codes.SCT.L2Vertebra]
