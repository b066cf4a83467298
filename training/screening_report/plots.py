"""The figures of an evaluation as pictures, each a PNG."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from sklearn.metrics import roc_curve

from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from training.cohort.truth import truth_of
from training.screening_report.evaluation import Evaluation
from training.screening_report.figures import LEAST_FOR_A_CURVE, GroupFigures, ModelFigures
from training.screening_report.judged import Judged, classes_of, probabilities_of
from training.screening_report.tables import MODEL_WORDS
from training.statistics.agreement import BlandAltman
from training.statistics.estimate import Estimate, NotEstimable

_COLOURS = {ClassifierMethod.L1_L2: "#1f5fa8", ClassifierMethod.L1: "#d9822b"}
_CATEGORY_COLOURS = dict(zip(BoneCategory, ("#2f8f5b", "#8a6d00", "#b23a48"), strict=True))
#: Area of a point, in square points: so much, and so much times the root of its scans.
_LEAST_POINT, _POINT_GROWTH = 6.0, 8.0
#: So many letters of a sentence fit across a panel.
_LETTERS = 34

_GRID, _DIAGONAL, _MUTED = "#e3e8ee", "#9aa5b1", "#51606f"


def roc_picture(judged: Sequence[Judged], overall: GroupFigures) -> bytes:
    """A panel a category with the curves of both models; areas in the legend, or why there is none."""
    canvas = Canvas(figsize=(9.3, 3.6), layout="constrained")
    FigureCanvasAgg(canvas)
    for place, (category, axes) in enumerate(zip(BoneCategory, canvas.subplots(1, 3, sharey=True), strict=True)):
        axes.plot((0, 1), (0, 1), color=_DIAGONAL, linewidth=1.0, linestyle=":")
        for model in overall.models:
            _roc(axes, judged, model, place)
        axes.set(title=str(category), xlabel="1 - specificity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
        _tidy(axes)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right", frameon=False, fontsize=8)
        if place == 0:
            axes.set_ylabel("sensitivity")
    return _png(canvas)


def _roc(axes: Axes, judged: Sequence[Judged], model: ModelFigures, place: int) -> None:
    area = model.categories[place].area
    if isinstance(area, NotEstimable):
        offset = 0.7 if model.method is ClassifierMethod.L1_L2 else 0.4
        _say(axes, f"{MODEL_WORDS[model.method]}:\n{area.because}", height=offset)
        return
    asked = _asked(judged, model.method)
    away, found, _ = roc_curve(classes_of(asked) == place, probabilities_of(asked, model.method)[:, place])
    label = f"{MODEL_WORDS[model.method]}\nAUC {area.value:.3f} ({area.interval.low:.3f} to {area.interval.high:.3f})"
    axes.step(away, found, where="post", color=_COLOURS[model.method], linewidth=1.8, label=label)


def reliability_picture(overall: GroupFigures) -> bytes:
    """A panel a model: what was told of each category, and how often it was so, with Wilson intervals."""
    canvas = Canvas(figsize=(8.6, 4.2), layout="constrained")
    FigureCanvasAgg(canvas)
    for place, (model, axes) in enumerate(zip(overall.models, canvas.subplots(1, 2, sharey=True), strict=True)):
        axes.plot((0, 1), (0, 1), color=_DIAGONAL, linewidth=1.0, linestyle=":")
        if model.categories[0].reliability:
            _reliability(axes, model)
        else:
            _say(axes, f"too few scans: {model.scans},\nat least {LEAST_FOR_A_CURVE} are needed")
        axes.set(title=MODEL_WORDS[model.method], xlabel="probability told", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_aspect("equal")
        _tidy(axes)
        if place == 0:
            axes.set_ylabel("share that was so")
            _legend_of_categories(canvas)
    return _png(canvas)


def _legend_of_categories(canvas: Canvas) -> None:
    marks = [
        Line2D([], [], linestyle="none", marker="o", color=colour, label=str(category))
        for category, colour in _CATEGORY_COLOURS.items()
    ]
    canvas.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False, fontsize=8)


def _reliability(axes: Axes, model: ModelFigures) -> None:
    for each in model.categories:
        shares = np.array([point.observed.value for point in each.reliability])
        ends = np.array([(point.observed.interval.low, point.observed.interval.high) for point in each.reliability])
        told = [point.told for point in each.reliability]
        sizes = [_LEAST_POINT + _POINT_GROWTH * point.observed.cases**0.5 for point in each.reliability]
        axes.scatter(told, shares, s=sizes, color=_CATEGORY_COLOURS[each.category], alpha=0.85, clip_on=False)
        axes.errorbar(
            told,
            shares,
            # an interval ends at its share where no scan, or every scan, was so, but for rounding
            yerr=np.abs(ends - shares[:, None]).T,
            # no line from point to point: between bins of few scans it would show chance
            linestyle="none",
            elinewidth=0.8,
            capsize=2.0,
            color=_CATEGORY_COLOURS[each.category],
        )


def confusion_picture(overall: GroupFigures) -> bytes:
    """A panel a model: scans by true and by most probable category."""
    canvas = Canvas(figsize=(8.6, 3.6), layout="constrained")
    FigureCanvasAgg(canvas)
    names = [str(category) for category in BoneCategory]
    for place, (model, axes) in enumerate(zip(overall.models, canvas.subplots(1, 2), strict=True)):
        counts = np.array(model.confusion)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.55 else "#1d2733"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=11)
        axes.set_xticks(range(3), names, fontsize=8)
        axes.set_yticks(range(3), names if place == 0 else [], fontsize=8)
        axes.set(title=MODEL_WORDS[model.method], xlabel="most probable")
        axes.tick_params(length=0)
        if place == 0:
            axes.set_ylabel("true category")
        for side in axes.spines.values():
            side.set_visible(False)
    return _png(canvas)


def group_picture(evaluation: Evaluation) -> bytes | None:
    """The mean area of both models in every part of the scans that is large enough; `None` where none is."""
    rows = [
        (group, [(model.method, model.macro_area) for model in group.models if isinstance(model.macro_area, Estimate)])
        for group in (evaluation.overall, *evaluation.groups)
    ]
    there = [(group, areas) for group, areas in rows if areas]
    if len(there) < 2:
        return None
    canvas = Canvas(figsize=(7.6, 1.3 + 0.42 * len(there)), layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.subplots()
    for place, (_, areas) in enumerate(there):
        for method, area in areas:
            if isinstance(area, Estimate):
                height = place + (-0.13 if method is ClassifierMethod.L1_L2 else 0.13)
                label = MODEL_WORDS[method] if place == 0 else None
                axes.hlines(height, area.interval.low, area.interval.high, color=_COLOURS[method], linewidth=1.6)
                axes.plot(area.value, height, "o", color=_COLOURS[method], markersize=5.0, label=label)
    axes.set_yticks(range(len(there)), [f"{group.name} ({group.scans})" for group, _ in there], fontsize=8.5)
    axes.invert_yaxis()
    # from a whole tenth on, or the smallest difference would fill the picture
    lowest = min(area.interval.low for _, areas in there for _, area in areas if isinstance(area, Estimate))
    axes.set(
        xlim=(math.floor(10.0 * lowest) / 10.0, 1.002), xlabel="mean AUC with its 95 % interval (in brackets: scans)"
    )
    _tidy(axes)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, frameon=False, fontsize=8)
    return _png(canvas)


def agreement_picture(judged: Sequence[Judged], evaluation: Evaluation) -> bytes | None:
    """Measured density against the true one, and their difference; `None` where there are too few pairs."""
    found = evaluation.overall.agreement.measured
    if isinstance(found, NotEstimable):
        return None
    pairs = np.array(
        [
            (each.scan.measured_mg_cm3, each.scan.qct_mg_cm3)
            for each in judged
            if each.scan.measured_mg_cm3 is not None and each.scan.qct_mg_cm3 is not None
        ]
    )
    measured, truth = pairs.T
    canvas = Canvas(figsize=(9.4, 4.0), layout="constrained")
    FigureCanvasAgg(canvas)
    left, right = canvas.subplots(1, 2)
    ends = (float(pairs.min()), float(pairs.max()))
    left.plot(ends, ends, color=_DIAGONAL, linewidth=1.0, linestyle=":", label="both alike")
    left.plot(truth, measured, "o", color="#1f5fa8", markersize=3.5, alpha=0.7)
    left.set(
        xlabel=f"{truth_of(each.scan for each in judged)}, mg/cm3",
        ylabel="measured, mg/cm3",
        title="measured density",
        aspect="equal",
    )
    _bland_altman(right, (measured + truth) / 2.0, measured - truth, found)
    for axes in (left, right):
        _tidy(axes)
        axes.legend(loc="upper left", frameon=False, fontsize=8)
    return _png(canvas)


def _bland_altman(
    axes: Axes,
    means: np.ndarray[tuple[int], np.dtype[np.float64]],
    differences: np.ndarray[tuple[int], np.dtype[np.float64]],
    found: BlandAltman,
) -> None:
    axes.plot(means, differences, "o", color="#1f5fa8", markersize=3.5, alpha=0.7)
    named = (
        (found.bias, "-", "bias"),
        (found.lower_limit, "--", "limits of agreement"),
        (found.upper_limit, "--", None),
    )
    for line, style, name in named:
        axes.axhline(line.value, color="#b23a48", linewidth=1.2, linestyle=style, label=name)
        axes.axhspan(line.interval.low, line.interval.high, color="#b23a48", alpha=0.08, linewidth=0.0)
    axes.set(xlabel="mean of both, mg/cm3", ylabel="measured less true, mg/cm3", title="Bland and Altman")
    # room for the legend
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.2 * (high - low))


def _asked(judged: Sequence[Judged], method: ClassifierMethod) -> list[Judged]:
    return [each for each in judged if each.told(method) is not None]


def _say(axes: Axes, text: str, *, height: float = 0.5) -> None:
    lines = "\n".join(textwrap.fill(line, _LETTERS) for line in text.split("\n"))
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
    axes.text(0.5, height, lines, ha="center", va="center", fontsize=8, color=_MUTED, bbox=behind)


def _tidy(axes: Axes) -> None:
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _png(canvas: Canvas) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
