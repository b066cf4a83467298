"""Result objects in the eyes of others: dciodvfy finds no error, DCMTK reads them whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse
from node.domain.reasons import ReasonCode
from node.encode.encoder import EncodedObject
from tests import peers
from tests.builders.ct import SAGITTAL, CtSpec, ct_series, rotated, write_series
from tests.builders.encoded import URGENT, encode, encode_every_kind, encode_on, encoding_context
from tests.builders.enhanced_ct import enhanced_ct
from tests.builders.results import assessed_result, not_evaluable_result
from tests.interop.tolerated_warnings import TOLERATED, not_tolerated, not_tolerated_of

PREVIOUS = OutgoingObject(
    kind=ObjectKind.SR,
    sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
    sop_instance_uid="1.2.3.4",
    series_uid="1.2.3",
    file="objects/earlier.dcm",
    digest="00" * 32,
    intended_use=IntendedUse.RESEARCH,
)
SPECS = {
    "axial": CtSpec(),
    "duplicated, backwards, oblique": CtSpec(
        orientation=rotated(SAGITTAL, about_x_deg=9.0), backwards=True, duplicated=frozenset({1})
    ),
    "a name beyond ASCII": CtSpec(character_set="ISO_IR 100", patient_name="Müller^Jörg"),
}


def saved(made: dict[ObjectKind, EncodedObject], folder: Path) -> dict[ObjectKind, Path]:
    folder.mkdir(exist_ok=True)
    for kind, each in made.items():
        (folder / f"{kind}.dcm").write_bytes(each.content)
    return {kind: folder / f"{kind}.dcm" for kind in made}


def all_kinds(spec: CtSpec, folder: Path) -> dict[ObjectKind, Path]:
    made = encode_every_kind(assessed_result(spec), ct_series(spec), folder / "source", previous_report=PREVIOUS)
    return saved(made, folder / "objects")


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in SPECS.items()])
def test_the_validator_finds_no_error_in_any_kind_of_object(spec: CtSpec, tmp_path: Path) -> None:
    paths = all_kinds(spec, tmp_path)

    complaints = {kind: not_tolerated(peers.dciodvfy(path)) for kind, path in paths.items()}

    assert complaints == {kind: [] for kind in ObjectKind}


def test_the_validator_finds_no_error_where_the_source_is_multi_frame(tmp_path: Path) -> None:
    spec = CtSpec()
    source = enhanced_ct(spec)
    made = encode_on(assessed_result(spec), [source], tmp_path / "source", context=encoding_context(triage=URGENT))

    complaints = [line for path in saved(made, tmp_path / "objects").values() for line in peers.dciodvfy(path)]

    assert not_tolerated(complaints) == []


@pytest.mark.parametrize("code", [ReasonCode.GANTRY_TILT, ReasonCode.NO_SERIES])
def test_the_validator_finds_no_error_in_a_report_that_nothing_was_assessed(code: ReasonCode, tmp_path: Path) -> None:
    spec = CtSpec(tilt_deg=12.0)
    result = not_evaluable_result(spec, code)
    if code is ReasonCode.NO_SERIES:
        result = replace(result, series_uid=None)

    paths = saved(encode(result, spec, tmp_path / "source"), tmp_path / "objects")

    assert not_tolerated(peers.dciodvfy(paths[ObjectKind.SR])) == []


def test_the_validator_finds_no_error_in_a_report_on_a_source_that_lacks_what_it_must_have(tmp_path: Path) -> None:
    spec = CtSpec(slices=3)
    sources = ct_series(spec)
    for dataset in sources:
        for keyword in ("Columns", "PixelSpacing", "FrameOfReferenceUID", "PixelData", "StudyID", "AccessionNumber"):
            delattr(dataset, keyword)
        dataset.SpecificCharacterSet = None

    made = encode_on(not_evaluable_result(spec, ReasonCode.MISSING_GEOMETRY), sources, tmp_path / "source")

    complaints = peers.dciodvfy(saved(made, tmp_path / "objects")[ObjectKind.SR])
    assert not_tolerated_of(complaints, inherited=True) == []


def test_the_sources_that_are_built_are_valid_too(tmp_path: Path) -> None:
    paths = write_series([ct_series(CtSpec(slices=2))[0], enhanced_ct(CtSpec(slices=2))], tmp_path)

    assert [peers.dciodvfy(path) for path in paths] == [(), ()]


def test_only_warnings_are_tolerated_and_each_still_occurs(tmp_path: Path) -> None:
    lines = [line for path in all_kinds(CtSpec(), tmp_path).values() for line in peers.dciodvfy(path)]

    for pattern, reason in TOLERATED.items():
        assert pattern.startswith("Warning")
        assert reason
        assert len(not_tolerated(lines)) < len(lines), f"{pattern} does not occur any more"


def test_dcmtk_prints_the_report_as_a_structured_report(tmp_path: Path) -> None:
    path = all_kinds(CtSpec(patient_name="Builder^Series"), tmp_path)[ObjectKind.SR]

    done = peers.dcmtk("dsrdump", "+Pl", str(path))

    assert done.returncode == 0, done.stderr
    assert "Comprehensive 3D SR Document" in done.stdout
    assert '(66794005,SCT,"L1 vertebra")' in done.stdout
    assert '"Attenuation Coefficient")="98.0" ([hnsf\'U],UCUM,"Hounsfield unit")' in done.stdout
    assert '(EXC031,99OSTEONODE,"Vertebra not completely covered")' in done.stdout
    assert "RESEARCH" in done.stdout


def test_dcmtk_prints_the_key_object_selection(tmp_path: Path) -> None:
    path = all_kinds(CtSpec(), tmp_path)[ObjectKind.KOS]

    done = peers.dcmtk("dsrdump", "+Pl", str(path))

    assert done.returncode == 0, done.stderr
    assert "below 110 HU" in done.stdout


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_dcmtk_dumps_every_object_whole(kind: ObjectKind, tmp_path: Path) -> None:
    path = all_kinds(CtSpec(), tmp_path)[kind]

    done = peers.dcmtk("dcmdump", "+E", "+L", str(path))

    assert done.returncode == 0
    assert not [line for line in done.stderr.splitlines() if line.startswith(("E:", "F:"))]
    assert "SoftwareVersions" in done.stdout
