"""The figures of the measurement on the screening set as pictures, each a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from node.domain.bone_category import NORMAL_ABOVE_MG_CM3, OSTEOPOROSIS_BELOW_MG_CM3
from node.domain.calibration import CalibrationMethod
from training.evaluation.screening.outcome import ScanOutcome
from training.heldout.screening.spec import Sharpness

_COLOURS = {CalibrationMethod.ASYNCHRONOUS: "#1f5fa8", CalibrationMethod.INTERNAL: "#d9822b"}
_WORDS = {CalibrationMethod.ASYNCHRONOUS: "scanner calibrated", CalibrationMethod.INTERNAL: "by own tissues"}
_GRID, _DIAGONAL = "#e3e8ee", "#9aa5b1"
_ENDS_MG_CM3 = (-20.0, 260.0)


def agreement_picture(outcomes: Sequence[ScanOutcome]) -> bytes:
    """Measured against true density with the stated intervals."""
    figure = Figure(figsize=(6.2, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for limit in (OSTEOPOROSIS_BELOW_MG_CM3, NORMAL_ABOVE_MG_CM3):
        axes.axvline(limit, color=_GRID, linewidth=1.2, zorder=0)
        axes.axhline(limit, color=_GRID, linewidth=1.2, zorder=0)
    axes.plot(_ENDS_MG_CM3, _ENDS_MG_CM3, color=_DIAGONAL, linewidth=1.0, linestyle=":")
    for method, colour in _COLOURS.items():
        points = [
            (outcome.true_mg_cm3, outcome.density)
            for outcome in outcomes
            if outcome.spec.in_scope
            and outcome.true_mg_cm3 is not None
            and outcome.density is not None
            and outcome.density.method is method
        ]
        reaches = [0.5 * (density.interval_95[1] - density.interval_95[0]) for _, density in points]
        axes.errorbar(
            [true for true, _ in points],
            [density.mg_cm3 for _, density in points],
            yerr=reaches,
            fmt="o",
            markersize=3.5,
            elinewidth=0.6,
            color=colour,
            alpha=0.75,
            label=f"{_WORDS[method]}, {len(points)} scans",
        )
    axes.set(xlabel="true density, mg/cm³", ylabel="measured density and its 95 % interval, mg/cm³")
    axes.set(xlim=_ENDS_MG_CM3, ylim=_ENDS_MG_CM3, aspect="equal", title="Synthetic scans: mean of L1 and L2")
    axes.legend(loc="upper left", frameon=False, fontsize=8.5)
    return _png(figure)


def core_picture(outcomes: Sequence[ScanOutcome]) -> bytes:
    """Errors of the cores' mean CT numbers by slice thickness and kernel."""
    figure = Figure(figsize=(7.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    groups: dict[str, list[float]] = {}
    sharper = list(Sharpness)
    for outcome in sorted(outcomes, key=lambda each: (each.spec.slice_mm, sharper.index(each.spec.sharpness))):
        if outcome.spec.in_scope:
            name = f"{outcome.spec.slice_mm:g} mm\n{outcome.spec.sharpness}"
            groups.setdefault(name, []).extend(core.error_hu for core in outcome.cores)
    for place, errors in enumerate(groups.values()):
        spread = [place + 0.5 * (index / max(1, len(errors) - 1) - 0.5) for index in range(len(errors))]
        axes.plot(spread, errors, "o", markersize=2.6, color="#1f5fa8", alpha=0.6)
    axes.axhline(0.0, color=_DIAGONAL, linewidth=1.0)
    axes.set_xticks(range(len(groups)), list(groups), fontsize=7.5)
    axes.set(ylabel="measured less true, HU", title="Synthetic scans: cores of L1 and L2 by slices and kernel")
    axes.grid(axis="y", color=_GRID)
    axes.set_axisbelow(True)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
