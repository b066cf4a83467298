"""`osteonode drift`: a picture of every scanner, the numbers, and words."""

import csv
import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node import wiring
from node.artefacts import FINDINGS, AnalysedSeries, findings_to_bytes
from node.cli import app
from node.domain.contrast import ContrastPhase
from node.domain.work import StageOutcome
from node.settings import load_settings
from node.store.artefacts_store import FileArtefactStore
from node.store.engine import open_engine
from tests.builders.index import FakeClock, FakeQueue
from tests.builders.index_node import IndexNode
from tests.builders.results import assessed_findings, provenance
from tests.builders.tissues import tissues

FIRST = datetime.date(2026, 1, 1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node that has never received anything."""
    monkeypatch.setenv("OSTEONODE_HOME", str(tmp_path / "home"))
    wiring.prepare(load_settings())
    return tmp_path


def analyse(node: IndexNode, store: FileArtefactStore, number: int, *, blood_hu: float) -> None:
    """A study arrives and is analysed."""
    day = FIRST + datetime.timedelta(days=number)
    node.receive(study=str(number), series=f"{number}.1", device_serial="0815", scanned_on=day)
    node.sweep(61)
    node.do_next()
    lease = node.next_lease()
    findings = replace(assessed_findings(), references=tissues(blood=blood_hu), contrast=ContrastPhase.NATIVE)
    content = findings_to_bytes(AnalysedSeries(findings=findings, provenance=provenance(), input_digest="d" * 64))
    artefact = store.write(lease, FINDINGS, content)
    node.ledger.complete(lease, StageOutcome(assessable=True, artefacts=(artefact,), timings_s={}))
    node.do_all()


def test_a_scanner_that_drifted_is_named_with_its_numbers(home: Path) -> None:
    settings = load_settings()
    node = IndexNode(engine=open_engine(settings.database_url), clock=FakeClock(), queue=FakeQueue())
    store = FileArtefactStore(wiring.store_root(settings))
    for number in range(1, 25):
        analyse(node, store, number, blood_hu=54.0 if number > 12 else 42.0)

    result = CliRunner().invoke(app, ["drift", "--out", str(home / "chart")])

    assert result.exit_code == 0
    assert "blood: drifted by +12.0 HU since 2026-01-14" in result.output
    assert "air: steady" in result.output
    assert {file.name for file in (home / "chart").iterdir()} == {"drift-01.png", "drift.json", "drift.csv"}
    lines = list(csv.DictReader((home / "chart" / "drift.csv").read_text().splitlines()))
    assert len(lines) == 24 * 4
    assert "0815" not in (home / "chart" / "drift.json").read_text()


def test_a_node_that_has_analysed_nothing_says_so(home: Path) -> None:
    result = CliRunner().invoke(app, ["drift", "--out", str(home / "chart")])

    assert (result.exit_code, result.output) == (0, "No study has readings yet.\n")
