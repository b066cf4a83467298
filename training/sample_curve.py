"""How well a network does by the number of different samples that it learned from."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.fitting import FitPlan, Watcher, fit

#: Numbers of samples, the seed paper's among them (50, 100, 200 and 300 images).
COUNTS = (50, 100, 200, 300, 600, 1200)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """What a training with so many samples reached."""

    samples: int
    steps: int
    dice: float
    data: str


def draw_curve(plan: FitPlan, counts: Sequence[int], metric: str, *, watch: Watcher) -> tuple[CurvePoint, ...]:
    """Train once for each number of samples, all for the same number of steps, and score on the same validation set.

    Parameters
    ----------
    plan
        Of each training; its folder has one below it for each number.
    metric
        Name of the metric of the lesson that counts.
    """
    points = []
    for index, count in enumerate(counts):
        own = replace(plan, work=plan.work / f"samples-{count}", shared=plan.work, most_samples=count)
        _, metrics = fit(own, partial(_watch_one, watch, index, len(counts)))
        chosen = next(each for each in metrics if each.name == metric)
        points.append(CurvePoint(samples=count, steps=plan.steps, dice=chosen.value, data=chosen.data))
    return tuple(points)


def _watch_one(watch: Watcher, done: int, count: int, share: float, loss: float) -> None:
    watch((done + share) / count, loss)


def write_curve(points: Sequence[CurvePoint], out: Path, *, title: str) -> None:
    """Leave `curve.png` and `curve.json` in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "curve.json").write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n", encoding="utf-8")
    (out / "curve.png").write_bytes(_figure(points, title))


def _figure(points: Sequence[CurvePoint], title: str) -> bytes:
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([point.samples for point in points], [point.dice for point in points], marker="o", color="#2367a8")
    for point in points:
        axes.annotate(
            f"{point.dice:.3f}", (point.samples, point.dice), xytext=(0, 7), textcoords="offset points", ha="center"
        )
    axes.set_xscale("log")
    axes.set_xticks([point.samples for point in points], [str(point.samples) for point in points])
    axes.minorticks_off()
    low = min(point.dice for point in points)
    axes.set(xlabel="different training samples", ylabel="Dice of vertebral bodies", title=title)
    axes.set_ylim(max(0.0, low - 0.03), min(1.0, max(point.dice for point in points) + 0.03))
    axes.grid(color="#e3e8ee")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
