"""The report of an evaluation: one HTML file that needs nothing else, with its pictures inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from node.domain.provenance import ModelIdentity
from training.evaluation.scores import CaseScore, Naming
from training.evaluation.summary import ReliabilityBin, Summary, by_level, reliability, summarise

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #dfe5ec; }
th { font-weight: 600; vertical-align: bottom; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; } figure { margin: 1rem 0 2rem; } figcaption { color: #51606f; }
.note { background: #fff6e0; padding: .6rem 1rem; border-left: 4px solid #e0a100; }
"""


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
    groups: dict[str, Sequence[CaseScore]],
) -> str:
    """The whole page.

    Parameters
    ----------
    worst
        The scans with the lowest Dice of a whole body, worst first.
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
        _summary_table({"all": scores, **groups}),
        "<h2>By level</h2>",
        _level_table(scores),
        "<h2>How far the confidence of a level can be trusted</h2>",
        _reliability_part(reliability(scores)),
        "<h2>Every scan</h2>",
        _case_table(scores),
        "<h2>Worst scans</h2>",
        *(_figure(picture) for picture in worst),
    )
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Vertebral bodies</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _summary_table(groups: dict[str, Sequence[CaseScore]]) -> str:
    head = (
        "scans", "n", "bodies", "Dice", "5th percentile", "surface mm", "core HU error", "identified",
        "scans with names", "right of them", "wrong", "withheld", "missed", "invented",
    )  # fmt: skip
    return _table(head, ((escape(name), *_summary_row(summarise(scores))) for name, scores in groups.items()))


def _summary_row(summary: Summary) -> tuple[str, ...]:
    error = "" if summary.core_error_hu is None else f"{summary.core_error_hu:+.1f} ± {summary.core_spread_hu or 0:.1f}"
    return (
        str(summary.scans),
        str(summary.bodies),
        _number(summary.dice, 3),
        _number(summary.dice_low, 3),
        _number(summary.surface_mm, 2),
        error,
        "" if summary.identified is None else f"{100.0 * summary.identified:.1f} %",
        f"{100.0 * summary.named_scans / max(summary.scans, 1):.1f} %",
        f"{summary.right_scans} of {summary.named_scans}",
        *(str(count) for count in (summary.wrong, summary.withheld, summary.missed, summary.invented)),
    )


def _level_table(scores: Sequence[CaseScore]) -> str:
    head = ("level", "bodies", "Dice", "5th percentile", "surface mm", "core HU error", "right", "wrong", "withheld")
    rows = []
    for level, bodies in by_level(scores).items():
        summary = summarise([CaseScore(name=level, bodies=bodies)])
        row = _summary_row(summary)
        right = sum(body.naming is Naming.RIGHT for body in bodies)
        rows.append((level, *row[1:6], str(right), str(summary.wrong), str(summary.withheld)))
    return _table(head, rows)


def _reliability_part(bins: Sequence[ReliabilityBin]) -> str:
    if not bins:
        return "<p>No body rests on a landmark.</p>"
    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot((0.0, 1.0), (0.0, 1.0), color="#b8c2cc", linewidth=1.0)
    axes.plot([each.confidence for each in bins], [each.right for each in bins], marker="o", color="#2367a8")
    axes.set(xlabel="confidence of the level", ylabel="share of right levels", xlim=(0.0, 1.02), ylim=(0.0, 1.02))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    rows = (
        (f"{each.low:g} to {each.high:g}", str(each.count), f"{each.confidence:.3f}", f"{each.right:.3f}")
        for each in bins
    )
    return _image(buffer.getvalue(), "reliability curve") + _table(("confidence", "bodies", "mean", "right"), rows)


def _case_table(scores: Sequence[CaseScore]) -> str:
    head = (
        "scan",
        "bodies",
        "Dice",
        "5th percentile",
        "surface mm",
        "core HU error",
        "identified",
        "wrong",
        "withheld",
    )
    rows = []
    for score in scores:
        summary = summarise([score])
        row = _summary_row(summary)
        told = f"{escape(score.name)}: {escape(score.reason)}" if score.reason else escape(score.name)
        rows.append((told, *row[1:7], str(summary.wrong), str(summary.withheld)))
    return _table(head, rows)


def _figure(picture: Picture) -> str:
    score = picture.score
    low = [f"{body.level} {body.dice:.2f}" for body in score.bodies if body.is_whole and body.dice < 0.9]
    wrong = [str(body.level) for body in score.bodies if body.naming is Naming.WRONG]
    told = [f"Dice below 0.9: {', '.join(low)}." if low else "", f"Named wrong: {', '.join(wrong)}." if wrong else ""]
    found = _image(picture.found, "found") if picture.found is not None else f"<p>{escape(score.reason)}</p>"
    return (
        f"<figure><figcaption><b>{escape(score.name)}</b>. {' '.join(told)} Above what was found, below what is true."
        f"</figcaption>{found}{_image(picture.true, 'true')}</figure>"
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _image(png: bytes, name: str) -> str:
    return f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
