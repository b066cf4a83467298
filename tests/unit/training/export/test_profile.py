"""Nothing of what the Basic Profile protects is left in an export, wherever it stood."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword

from tests.builders.confidentiality_profile import SECRETS, plant_identity, protected_attributes
from tests.builders.ct import CtSpec, ct_series
from tests.builders.exports import Exporter, told
from training.export.kept import DEVICE_IDENTITY, KEPT, PATIENT_CHARACTERISTICS, ProfileOption

PROTECTED = {row.first: row for row in protected_attributes()}
BOTH = (PATIENT_CHARACTERISTICS, DEVICE_IDENTITY)
RETAINED = {keyword for option in BOTH for keyword in option.keywords}

either = pytest.mark.parametrize("options", [(), BOTH], ids=["basic profile", "with both options"])


def identified(count: int = 2) -> list[Dataset]:
    """CT images with a secret in every attribute of the profile, in private ones and in the file meta information."""
    datasets = ct_series(CtSpec(slices=count))
    for dataset in datasets:
        assert plant_identity(dataset) > 600
        block = dataset.private_block(0x0029, "Zqx private", create=True)
        block.add_new(0x01, "LO", "Zqx private value")
        dataset.file_meta.SourceApplicationEntityTitle = "Zqx title"
        dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4711.0"
        dataset.file_meta.PrivateInformation = b"Zqx private information "
        dataset.preamble = b"Zqx" * 42 + b"\0\0"
    return datasets


@either
def test_no_planted_identity_is_left_in_any_byte_or_path(
    exporter: Exporter, options: tuple[ProfileOption, ...]
) -> None:
    datasets = identified()
    for dataset, keyword in ((dataset, keyword) for dataset in datasets for keyword in RETAINED):
        del dataset[keyword]  # what an option retains is asked for below
    exporter.write(datasets, below="Zqx^Patient")
    uids = [str(dataset[name].value) for dataset in datasets for name in ("SOPInstanceUID", "StudyInstanceUID")]

    summary = exporter.run(options=options)

    assert (summary.images, summary.left_out) == (2, ())
    secrets = [*(secret for secret in SECRETS if secret in told(exporter.folder)), *(uid.encode() for uid in uids)]
    assert len(secrets) > 8
    assert [secret for secret in secrets if secret in told(exporter.out)] == []


@either
def test_every_attribute_that_the_profile_names_is_dealt_with_as_it_says(
    exporter: Exporter, options: tuple[ProfileOption, ...]
) -> None:
    (original,) = datasets = identified(1)
    exporter.write(datasets)

    exporter.run(options=options)

    (copy,) = exporter.copies()
    listed = [element for element in copy.iterall() if int(element.tag) in PROTECTED]
    unchanged = {element.keyword for element in listed if element.value == original[element.tag].value}
    actions = {element.keyword: PROTECTED[int(element.tag)].basic for element in listed}
    filled = {element.keyword for element in listed if element.value} - unchanged
    assert unchanged == (RETAINED if options else set())
    assert {actions[keyword] for keyword in actions.keys() - unchanged} <= {"U", "Z", "Z/D"}
    assert {keyword for keyword in filled if actions[keyword] != "U"} == {
        "PatientName",
        "PatientID",
        "ContrastBolusAgent",
    }


def test_what_is_kept_is_nothing_that_the_profile_protects() -> None:
    assert [keyword for keyword in KEPT if tag_for_keyword(keyword) in PROTECTED] == []


def test_nothing_that_is_kept_holds_items_or_dates_or_names() -> None:
    kinds = {dictionary_VR(keyword) for keyword in KEPT}

    assert kinds.isdisjoint({"SQ", "DA", "TM", "DT", "PN", "LT", "ST", "UT", "UC", "UR", "UN", "OB", "UI", "AE"})


@pytest.mark.parametrize(
    ("option", "column"),
    [(PATIENT_CHARACTERISTICS, "patient_characteristics"), (DEVICE_IDENTITY, "device_identity")],
    ids=["patient", "device"],
)
def test_an_option_retains_what_the_profile_lets_it_keep(option: ProfileOption, column: str) -> None:
    rows = [PROTECTED[tag_for_keyword(keyword) or 0] for keyword in option.keywords]

    assert {getattr(row, column) for row in rows} == {"K"}


@pytest.mark.parametrize(
    ("options", "expected"), [((), ["113100"]), (BOTH, ["113100", "113108", "113109"])], ids=["basic", "both options"]
)
def test_a_copy_says_that_its_identity_was_removed_and_by_which_method(
    exporter: Exporter, options: tuple[ProfileOption, ...], expected: list[str]
) -> None:
    exporter.write(ct_series(CtSpec(slices=1)))

    exporter.run(options=options)

    (copy,) = exporter.copies()
    assert copy.PatientIdentityRemoved == "YES"
    assert copy.LongitudinalTemporalInformationModified == "REMOVED"
    assert [item.CodeValue for item in copy.DeidentificationMethodCodeSequence] == expected
    assert {item.CodingSchemeDesignator for item in copy.DeidentificationMethodCodeSequence} == {"DCM"}


def test_uids_and_pseudonyms_are_the_same_in_all_files_and_others_under_another_key(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.write([*ct_series(CtSpec(name="a", slices=2)), *ct_series(CtSpec(name="b", slices=2))])

    exporter.run()
    exporter.run(to=tmp_path / "again")
    exporter.run(to=tmp_path / "other", key=b"o" * 32)

    copies = exporter.copies()
    names = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "SeriesInstanceUID", "SOPInstanceUID")
    assert [len({copy[name].value for copy in copies}) for name in names] == [1, 1, 2, 2, 4]
    assert told(tmp_path / "again") == told(exporter.out)
    others = Exporter(folder=exporter.folder, out=tmp_path / "other").copies()
    for name in names:
        assert {copy[name].value for copy in copies}.isdisjoint(copy[name].value for copy in others), name


def test_one_patient_id_is_one_patient_however_the_name_is_spelled(exporter: Exporter) -> None:
    maiden = ct_series(CtSpec(name="a", slices=1, patient_name="Maiden^Name", patient_id=" P-1 "))
    married = ct_series(CtSpec(name="b", study="later", slices=1, patient_name="Married^Name", patient_id="p-1"))
    other = ct_series(CtSpec(name="c", study="other", slices=1, patient_name="Maiden^Name", patient_id="P-2"))
    exporter.write([*maiden, *married, *other])

    summary = exporter.run()

    assert (summary.series, summary.patients) == (3, 2)
    assert len([path for path in exporter.out.iterdir() if path.is_dir()]) == 2


def test_an_export_leaves_the_files_as_they_were(exporter: Exporter, tmp_path: Path) -> None:
    exporter.write(ct_series(CtSpec(slices=2)))
    shutil.copytree(exporter.folder, tmp_path / "before")

    exporter.run()

    assert told(exporter.folder) == told(tmp_path / "before")
