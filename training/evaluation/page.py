"""The report of an evaluation: one HTML file that needs nothing else, with its pictures inside."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from node.domain.provenance import ModelIdentity
from training.evaluation.scores import CaseScore, Naming
from training.evaluation.summary import ReliabilityBin, reliability
from training.evaluation.tables import case_table, level_table, reliability_table, summary_table
from training.html import html_image, html_page, html_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """PNGs of one scan: what was found, and what is true."""

    score: CaseScore
    found: bytes | None
    true: bytes


def write_page(
    scores: Sequence[CaseScore],
    worst: Sequence[Picture],
    *,
    models: Sequence[ModelIdentity],
    training_data: str,
    groups: Mapping[str, Sequence[CaseScore]],
) -> str:
    """The whole page.

    Parameters
    ----------
    worst
        Some scans, the worst first.
    groups
        Parts of the scans that have a row of their own, by what they have in common.
    """
    uses = ", ".join(sorted({str(model.intended_use) for model in models}))
    note = (
        f'<p class="note">Intended use: {escape(uses)}. Trained on: {escape(training_data)} '
        "These figures describe the scans below and no others; nothing here is a claim of clinical accuracy.</p>"
    )
    parts = (
        f"<h1>Vertebral bodies: {escape(', '.join(f'{model.name} {model.version}' for model in models))}</h1>",
        note,
        "<h2>All scans</h2>",
        html_table(summary_table({"all": scores, **groups})),
        "<h2>By level</h2>",
        html_table(level_table(scores)),
        "<h2>How far the confidence of a level can be trusted</h2>",
        _reliability_part(reliability(scores)),
        "<h2>Every scan</h2>",
        html_table(case_table(scores)),
        "<h2>Worst scans</h2>",
        "<p>Those with a wrong name come first, then those with the lowest Dice of a whole body.</p>",
        *(_figure(picture) for picture in worst),
    )
    return html_page("Vertebral bodies", parts)


def _reliability_part(bins: Sequence[ReliabilityBin]) -> str:
    if not bins:
        return "<p>No body rests on a landmark.</p>"
    return html_image(reliability_picture(bins), "reliability curve") + html_table(reliability_table(bins))


def reliability_picture(bins: Sequence[ReliabilityBin]) -> bytes:
    """A PNG of how often levels are right by how sure they were; the bins stand side by side, as most lie near 1."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = range(len(bins))
    axes.hlines(
        [each.confidence for each in bins],
        [place - 0.3 for place in places],
        [place + 0.3 for place in places],
        color="#8a96a3",
        linewidth=3.0,
        label="told, mean",
    )
    axes.plot(places, [each.right for each in bins], "o", color="#2367a8", markersize=7.0, label="right, share")
    labels = [f"{each.low:g} to {each.high:g}\n{each.count} bodies\n{each.scans} scans" for each in bins]
    axes.set_xticks(list(places), labels, fontsize=7.5)
    axes.set(xlabel="confidence of the level", ylim=(0.0, 1.05))
    axes.grid(axis="y", color="#e3e8ee")
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _figure(picture: Picture) -> str:
    score = picture.score
    low = [f"{body.level} {body.dice:.2f}" for body in score.bodies if body.is_whole and body.dice < 0.9]
    wrong = [str(body.level) for body in score.bodies if body.naming is Naming.WRONG]
    told = [f"Dice below 0.9: {', '.join(low)}." if low else "", f"Named wrong: {', '.join(wrong)}." if wrong else ""]
    found = html_image(picture.found, "found") if picture.found is not None else f"<p>{escape(score.reason)}</p>"
    return (
        f"<figure><figcaption><b>{escape(score.name)}</b>. {' '.join(told)} Above what was found, below what is true."
        f"</figcaption>{found}{html_image(picture.true, 'true')}</figure>"
    )
