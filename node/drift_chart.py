"""The drift chart: a picture of each scanner, and its numbers as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from node.domain.drift import RUNNING_READINGS, Drift, Scanner

# What spreadsheets take for the beginning of a formula (OWASP, CSV Injection), in wide letters as well.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CONTROL = ("\t", "\r", "\n")

_STEADY, _DRIFTED, _READING = "#1b6e53", "#b3341f", "#8a93a0"


def chart_png(scanner: Scanner, drifts: Sequence[Drift]) -> bytes:
    """One panel a tissue: readings, their running median, the usual value and its limits."""
    figure = Figure(figsize=(10.0, 2.1 * len(drifts) + 0.8), layout="constrained")
    figure.suptitle(scanner.name, fontsize=12, parse_math=False)  # names may hold dollar signs
    panels = figure.subplots(len(drifts), 1, sharex=True, squeeze=False)[:, 0]
    for panel, drift in zip(panels, drifts, strict=True):
        _draw(panel, drift)
    panels[-1].tick_params(axis="x", labelrotation=30)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def chart_json(found: Mapping[Scanner, Sequence[Drift]]) -> str:
    """All readings and what they say, by scanner."""
    told = [
        {
            "scanner": asdict(scanner),
            "tissues": [
                {
                    "tissue": drift.tissue,
                    "says": drift.sentence,
                    "centre_hu": _rounded(drift.centre_hu),
                    "limit_hu": _rounded(drift.limit_hu),
                    "shift_hu": _rounded(drift.shift_hu),
                    "drifted_since": None if drift.since is None else drift.since.isoformat(),
                    "readings": [
                        {"day": day.isoformat(), "hu": _rounded(hu)}
                        for day, hu in zip(drift.days, drift.values_hu, strict=True)
                    ],
                }
                for drift in drifts
            ],
        }
        for scanner, drifts in found.items()
    ]
    return json.dumps(told, indent=1) + "\n"


def chart_csv(found: Mapping[Scanner, Sequence[Drift]]) -> str:
    """One line a reading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("manufacturer", "model", "device", "kvp", "kernel", "day", "tissue", "hu"))
    for scanner, drifts in found.items():
        manufacturer, model, device, kernel = map(
            _as_text, (scanner.manufacturer, scanner.model, scanner.device, scanner.kernel)
        )
        named = (manufacturer, model, device, f"{scanner.kvp:g}", kernel)
        for drift in drifts:
            for day, hu in zip(drift.days, drift.values_hu, strict=True):
                writer.writerow((*named, day.isoformat(), drift.tissue, _rounded(hu)))
    return text.getvalue()


def _as_text(cell: str) -> str:
    """Text from a header so that no spreadsheet runs it: with an apostrophe where it would begin a formula."""
    return f"'{cell}" if cell.strip().startswith(_FORMULA) or cell.startswith(_CONTROL) else cell


def _draw(panel: Axes, drift: Drift) -> None:
    colour = _STEADY if drift.since is None else _DRIFTED
    panel.set_title(drift.sentence, fontsize=9, loc="left", color=colour)
    panel.set_ylabel("HU")
    panel.grid(visible=True, alpha=0.25)
    if not drift.days:
        return
    days = np.array(drift.days, dtype="datetime64[D]")
    panel.plot(days, drift.values_hu, ".", color=_READING, markersize=4)
    if drift.running_hu:
        panel.plot(days[RUNNING_READINGS - 1 :], drift.running_hu, "-", color=colour, linewidth=1.6)
    if drift.centre_hu is not None and drift.limit_hu is not None:
        panel.axhline(drift.centre_hu, color=_STEADY, linewidth=0.8)
        panel.axhspan(drift.centre_hu - drift.limit_hu, drift.centre_hu + drift.limit_hu, color=_STEADY, alpha=0.12)
    if drift.since is not None:
        since = np.array((drift.since, drift.since), dtype="datetime64[D]")
        panel.plot(since, panel.get_ylim(), color=_DRIFTED, linestyle=":", linewidth=1.2)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
