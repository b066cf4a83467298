"""Readings by scanner, and the chart of them: no identity, and blood only where it is native."""

import csv
import datetime
import io
import json
from dataclasses import replace

import pytest

from node.artefacts import FINDINGS, AnalysedSeries, findings_to_bytes
from node.domain.contrast import ContrastPhase
from node.domain.drift import Scanner, ScannerReading
from node.domain.errors import TransientFailure
from node.domain.reference_tissues import ReferenceTissue
from node.domain.work import Artefact
from node.drift_chart import chart_csv, chart_json, chart_png
from node.scanner_readings import drifts, scanner_readings
from node.store.findings_index import KeptFindings
from tests.builders.index import NOON, ct_facts, digest
from tests.builders.index_node import PSEUDONYMS
from tests.builders.results import assessed_findings, provenance
from tests.builders.tissues import tissues

DAY = datetime.date(2026, 3, 4)
FORCE = Scanner(manufacturer="SIEMENS", model="Force", device="0a1b2c", kvp=120.0, kernel="Br40")


class Files:
    """Findings in memory."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def read(self, artefact: Artefact) -> bytes:
        if artefact.file not in self.contents:
            raise TransientFailure("it was removed")
        return self.contents[artefact.file]

    def keep(self, findings, **facts) -> KeptFindings:
        file = f"file-{len(self.contents)}"
        self.contents[file] = findings_to_bytes(
            AnalysedSeries(findings=findings, provenance=provenance(), input_digest="d" * 64)
        )
        return KeptFindings(
            artefact=Artefact(name=FINDINGS, file=file, digest=digest(file), size=1),
            facts=ct_facts(**facts),
            received_at=NOON,
        )


def findings_of(phase=ContrastPhase.NATIVE, **hu):
    return replace(assessed_findings(), references=tissues(**hu), contrast=phase)


def told(files: Files, *kept: KeptFindings) -> list[ScannerReading]:
    return list(scanner_readings(kept, files, PSEUDONYMS))


def test_every_tissue_of_a_native_scan_is_a_reading_of_its_scanner():
    files = Files()
    kept = files.keep(
        findings_of(blood=44.0), manufacturer="SIEMENS", model="Force", device_serial="0815", scanned_on=DAY
    )

    readings = told(files, kept)

    assert {each.tissue: each.hu for each in readings} == {
        ReferenceTissue.AIR: -1000.0,
        ReferenceTissue.FAT: -102.0,
        ReferenceTissue.MUSCLE: 50.0,
        ReferenceTissue.BLOOD: 44.0,
    }
    assert {each.day for each in readings} == {DAY}
    (scanner,) = {each.scanner for each in readings}
    assert (scanner.manufacturer, scanner.model, scanner.kvp, scanner.kernel) == ("SIEMENS", "Force", 120.0, "B30f")
    assert scanner.device not in {"", "0815"}


def test_with_contrast_agent_only_air_and_fat_tell_of_the_scanner():
    files = Files()

    readings = told(files, files.keep(findings_of(ContrastPhase.VENOUS, blood=150.0)))

    assert {each.tissue for each in readings} == {ReferenceTissue.AIR, ReferenceTissue.FAT}


def test_without_a_date_in_the_header_it_is_the_day_of_arrival():
    files = Files()

    assert {each.day for each in told(files, files.keep(findings_of()))} == {NOON.date()}


def test_findings_without_readings_and_files_that_are_gone_are_passed_over():
    files = Files()
    kept = [files.keep(assessed_findings()), files.keep(findings_of())]
    files.contents.popitem()

    assert told(files, *kept) == []


def many(count: int, *, step_hu: float = 0.0) -> list[ScannerReading]:
    return [
        ScannerReading(
            scanner=FORCE,
            day=DAY + datetime.timedelta(days=day),
            tissue=tissue,
            hu=hu + day % 3 + (step_hu if day >= count // 2 and tissue is ReferenceTissue.BLOOD else 0.0),
        )
        for day in range(count)
        for tissue, hu in ((ReferenceTissue.AIR, -1000.0), (ReferenceTissue.BLOOD, 42.0))
    ]


def test_the_chart_says_which_scanner_drifted_by_how_much_and_since_when():
    found = drifts(many(60, step_hu=15.0))

    (only,) = json.loads(chart_json(found))

    assert only["scanner"] == {
        "manufacturer": "SIEMENS",
        "model": "Force",
        "device": "0a1b2c",
        "kvp": 120.0,
        "kernel": "Br40",
    }
    by_tissue = {each["tissue"]: each for each in only["tissues"]}
    assert by_tissue["air"]["drifted_since"] is None
    assert by_tissue["blood"]["shift_hu"] == pytest.approx(15.0, abs=1.0)
    assert by_tissue["blood"]["drifted_since"] == (DAY + datetime.timedelta(days=30)).isoformat()
    assert by_tissue["fat"]["says"] == "fat: too few readings, 0 of 21."


def test_the_table_has_one_line_a_reading():
    lines = list(csv.DictReader(io.StringIO(chart_csv(drifts(many(5))))))

    assert len(lines) == 10
    assert lines[0]["day"] == "2026-03-04"
    assert {line["tissue"] for line in lines} == {"air", "blood"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "\uff1d1+1"])
def test_no_text_from_a_header_begins_a_formula_in_a_spreadsheet(text: str):
    (own,) = drifts(many(3)).values()
    scanner = Scanner(manufacturer=text, model=text, device="0a1b2c", kvp=120.0, kernel=text)

    first = next(csv.DictReader(io.StringIO(chart_csv({scanner: own}))))

    assert [first[name] for name in ("manufacturer", "model", "kernel")] == [f"'{text}"] * 3
    assert first["kvp"] == "120"
    # numbers stay numbers
    assert float(first["hu"]) < 0.0


def test_every_scanner_has_a_picture():
    found = drifts(many(40, step_hu=15.0))

    assert chart_png(FORCE, found[FORCE]).startswith(b"\x89PNG")
    odd = replace(FORCE, model=r"$\frac{$")
    assert chart_png(odd, found[FORCE]).startswith(b"\x89PNG")
