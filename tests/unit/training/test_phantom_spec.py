"""Specifications of phantoms, and how fractures change heights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from node.domain.levels import VertebralLevel
from training.anatomy.vertebra import VertebraShape, draw_vertebra
from training.cli import app
from training.phantom import Fracture, FractureKind, PhantomSpec, Variant, VariantKind
from training.phantom.heights import broken, heights_of, retropulsion_mm


def lumbar(seed: int = 3) -> VertebraShape:
    """A second lumbar vertebra of a mean adult."""
    return draw_vertebra(np.random.default_rng(seed), VertebralLevel.L2, 13.0, 1.0)


def test_a_fracture_is_read_from_its_text() -> None:
    fracture = Fracture.parse("T12:wedge:30")

    assert fracture == Fracture(level=VertebralLevel.T12, kind=FractureKind.WEDGE, percent=30.0)


@pytest.mark.parametrize("text", ["T12:wedge:30+0@0.35", "L1:burst:42.5+180@0.5", "L2:biconcave:25+300@0.35"])
def test_a_fracture_is_written_as_it_is_read(text: str) -> None:
    assert str(Fracture.parse(text)) == text


def test_pressed_bone_and_a_fragment_may_be_left_out() -> None:
    assert Fracture.parse("L1:burst:40+200") == replace(Fracture.parse("L1:burst:40"), compacted_hu=200.0)
    assert Fracture.parse("L1:burst:40@0.5") == replace(Fracture.parse("L1:burst:40"), retropulsion=0.5)


def test_a_variant_is_written_as_it_is_read() -> None:
    assert str(Variant.parse("L3:limbus:6.5")) == "L3:limbus:6.5"


def test_a_variant_is_read_from_its_text() -> None:
    variant = Variant.parse("l2:schmorl-node:4.5")

    assert variant == Variant(level=VertebralLevel.L2, kind=VariantKind.SCHMORL_NODE, mm=4.5)


@pytest.mark.parametrize("text", ["", "L2:limbus", "C3:limbus:5", "L2:wedge:5", "L2:limbus:deep", "L2:limbus:30"])
def test_a_variant_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be from|LEVEL:KIND:MM"):
        Variant.parse(text)


@pytest.mark.parametrize("wrong", [{"compacted_hu": -1.0}, {"compacted_hu": 1000.0}, {"retropulsion": 1.0}], ids=str)
def test_a_fracture_beyond_what_is_drawn_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be from"):
        Fracture(level=VertebralLevel.L2, kind=FractureKind.BURST, percent=30.0, **wrong)


@pytest.mark.parametrize(
    "text", ["", "T12", "T12:wedge", "C3:wedge:30", "T12:split:30", "T12:wedge:much", "T12:wedge:95"]
)
def test_a_fracture_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be from|LEVEL:KIND:PERCENT"):
        Fracture.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trabecular_hu": 900.0},
        {"kvp": 40.0},
        {"slice_mm": 0.0},
        {"size": 8},
        {"seed": -1},
        {"first": VertebralLevel.L2, "last": VertebralLevel.T10},
        {"last": VertebralLevel.L6},
        {"fractures": (Fracture.parse("L1:wedge:20"), Fracture.parse("L1:crush:20"))},
    ],
)
def test_a_specification_outside_its_ranges_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|can be"):
        PhantomSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("wedge", (0.4, 0.2, 0.0)),
        ("biconcave", (0.0, 0.4, 0.0)),
        ("crush", (0.4, 0.4, 0.4)),
        ("burst", (0.4, 0.4, 0.2)),
    ],
)
def test_a_fracture_takes_its_share_of_each_height(kind: str, loss: tuple[float, float, float]) -> None:
    shape = lumbar()
    fracture = Fracture(level=VertebralLevel.L2, kind=FractureKind(kind), percent=40.0)

    before, after = heights_of(shape.body), heights_of(broken(shape, fracture).body)

    assert 1.0 - after.anterior / before.anterior == pytest.approx(loss[0], abs=0.005)
    assert 1.0 - after.middle / before.middle == pytest.approx(loss[1], abs=0.005)
    assert 1.0 - after.posterior / before.posterior == pytest.approx(loss[2], abs=0.005)


def test_the_middle_height_of_an_intact_body_is_the_one_that_it_was_drawn_with() -> None:
    body = lumbar().body

    assert heights_of(body).middle == pytest.approx(body.middle, abs=0.5)


def test_only_a_burst_body_stands_into_the_canal() -> None:
    shape = lumbar()
    burst, crush = (
        Fracture(level=VertebralLevel.L2, kind=kind, percent=40.0) for kind in (FractureKind.BURST, FractureKind.CRUSH)
    )

    assert 2.0 < retropulsion_mm(shape, burst) < shape.arch.canal_depth
    assert retropulsion_mm(shape, crush) == 0.0
    assert retropulsion_mm(shape, None) == 0.0


def test_the_command_makes_a_study_with_its_truth(tmp_path: Path) -> None:
    options = ["--size", "64", "--slice-mm", "8", "--levels", "T12:L2", "--trabecular-hu", "100", "--kvp", "100"]

    result = CliRunner().invoke(
        app, ["phantom", "--kind", "chest-ct", "--out", str(tmp_path), *options, "--fracture", "L1:crush:25"]
    )

    assert result.exit_code == 0, result.output
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["settings"]["kvp"] == 100.0
    assert [vertebra["fracture"] for vertebra in truth["vertebrae"] if vertebra["level"] == "L1"] == [
        {"kind": "crush", "percent": 25.0}
    ]
    assert len(list((tmp_path / "study").iterdir())) == truth["shape_kji"][0]
    assert (tmp_path / "labels.nii.gz").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kind", "spine-xray"], "spine-xray cannot be made yet"),
        (["--kind", "chest-ct", "--fracture", "L1:split:20"], "LEVEL:KIND:PERCENT"),
        (["--kind", "chest-ct", "--levels", "T6-L3"], "FIRST:LAST"),
        (["--kind", "chest-ct", "--trabecular-hu", "5000"], "trabecular"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_says_what_was_expected(
    options: list[str], said: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["phantom", "--out", str(tmp_path), *options], env={"COLUMNS": "200"})

    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "study").exists()
