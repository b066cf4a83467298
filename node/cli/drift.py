"""`osteonode drift`: whether scanners' CT numbers have moved."""

from __future__ import annotations

from pathlib import Path

import typer

from node.drift_chart import chart_csv, chart_json, chart_png
from node.scanner_readings import drifts
from node.settings import load_settings
from node.wiring import readings_of_scanners


def draw_drift(out: Path) -> None:
    """Leave a picture of every scanner, `drift.json` and `drift.csv` in a folder, and say what they show."""
    found = drifts(readings_of_scanners(load_settings()))
    out.mkdir(parents=True, exist_ok=True)
    for number, (scanner, own) in enumerate(found.items(), start=1):
        file = out / f"drift-{number:02d}.png"
        file.write_bytes(chart_png(scanner, own))
        typer.echo(f"{scanner.name} ({file.name})")
        for drift in own:
            typer.echo(f"  {drift.sentence}")
    (out / "drift.json").write_text(chart_json(found), encoding="utf-8")
    (out / "drift.csv").write_text(chart_csv(found), encoding="utf-8")
    if not found:
        typer.echo("No study has readings yet.")
