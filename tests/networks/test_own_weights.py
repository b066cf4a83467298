"""Weights of one's own: the commands of the tutorial as they stand there, and a real scan without a mask."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from models.screening.bundle import load_card
from models.screening.case import ScreeningCase
from node.domain.provenance import IntendedUse
from tests.builders.manifests import scan_of
from training.cli import app
from training.cohort.manifest import read_manifest
from training.phantom.cohort import write_cohort
from training.screening_fit.casebook import CaseBook, check_files
from training.screening_report.judged import plain_hu

PAGE = Path(__file__).parents[2] / "docs/tutorial/your-own-weights.md"


def commands() -> list[list[str]]:
    """What the page tells to type, without the name of the program."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("    osteonode-train ")]


def test_the_tutorial_goes_from_a_table_to_released_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_cohort(tmp_path, scans=5, seed=1)
    told = commands()
    assert [command[0] for command in told] == ["fit", "evaluate", "release", "cases"]

    for command in told:
        quick = ["--epochs", "1"] if command[0] == "fit" else []
        result = CliRunner().invoke(app, [*command, *quick])
        assert result.exit_code == 0, (command, result.output, result.exception)

    card = load_card(tmp_path / "released")
    assert card.intended_use is IntendedUse.RESEARCH
    assert card.temperatures == ()
    assert [metric.value < 0.005 for metric in card.metrics if metric.name.endswith("by 8 bits")] == [True, True]
    assert (tmp_path / "fit/split.csv").read_text().startswith("patient,cohort\nphantom-000,training\n")
    assert "| category: osteoporosis |" in (tmp_path / "fit/characteristics.md").read_text()
    assert (tmp_path / "fit/excluded.csv").read_text() == "row,cohort,code,reason\n"
    figures = json.loads((tmp_path / "report/evaluation.json").read_text())
    assert figures["weights_sha256"] == card.weights_sha256
    # model 1 saw L2 as well
    assert [model["scans"] for model in figures["overall"]["models"]] == [1, 1]
    assert list((tmp_path / "work/tensorboard").iterdir())
    without_scans = read_manifest(tmp_path / "cases/manifest.csv")
    assert [scan.patient for scan in without_scans] == [scan.patient for scan in read_manifest(tmp_path / "data.csv")]
    assert {scan.image.suffix for scan in without_scans} == {".npz"}


def test_a_folder_of_dicom_files_without_a_mask_is_segmented_by_the_nodes_own_networks(
    shared_data: Path, tmp_path: Path
) -> None:
    scan = scan_of(image=shared_data / "ct/matrad-liver")
    check_files([scan])

    case = CaseBook(tmp_path, torch.device("cpu")).case(scan)

    assert isinstance(case, ScreeningCase)
    assert case.l2 is not None
    # spheres placed by eye: about 147 and 140 HU; an unenhanced scan
    assert plain_hu(case.l1) == pytest.approx(147.0, abs=10.0)
    assert plain_hu(case.l2) == pytest.approx(140.0, abs=10.0)
    assert case.references.blood_hu == pytest.approx(45.0, abs=15.0)
    assert case.references.kvp is None
