"""The tables of an evaluation of the spine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.evaluation.scores import CaseScore, Naming
from training.evaluation.summary import ReliabilityBin, Summary, by_level, summarise
from training.table import Table


def summary_table(groups: Mapping[str, Sequence[CaseScore]]) -> Table:
    """The figures of parts of the scans, by what each part has in common."""
    head = (
        "scans", "n", "bodies", "Dice", "5th percentile", "surface mm", "core HU error", "identified",
        "scans with names", "right of them", "all named", "wrong", "withheld", "missed", "invented",
    )  # fmt: skip
    return Table(head=head, rows=tuple((name, *_row(summarise(scores))) for name, scores in groups.items()))


def level_table(scores: Sequence[CaseScore]) -> Table:
    """The figures of each level."""
    head = ("level", "bodies", "Dice", "5th percentile", "surface mm", "core HU error", "right", "wrong", "withheld")
    rows = []
    for level, bodies in by_level(scores).items():
        summary = summarise([CaseScore(name=level, bodies=bodies)])
        right = sum(body.naming is Naming.RIGHT for body in bodies)
        rows.append((level, *_row(summary)[1:6], str(right), str(summary.wrong), str(summary.withheld)))
    return Table(head=head, rows=tuple(rows))


def reliability_table(bins: Sequence[ReliabilityBin]) -> Table:
    """How often levels are right by how sure they were."""
    rows = (
        (
            f"{each.low:g} to {each.high:g}",
            str(each.count),
            str(each.scans),
            f"{each.confidence:.3f}",
            f"{each.right:.3f}",
        )
        for each in bins
    )
    return Table(head=("confidence", "bodies", "scans", "mean", "right"), rows=tuple(rows))


def case_table(scores: Sequence[CaseScore]) -> Table:
    """The figures of every scan."""
    head = (
        "scan", "bodies", "Dice", "5th percentile", "surface mm", "core HU error", "identified", "wrong", "withheld",
    )  # fmt: skip
    rows = []
    for score in scores:
        summary = summarise([score])
        told = f"{score.name}: {score.reason}" if score.reason else score.name
        rows.append((told, *_row(summary)[1:7], str(summary.wrong), str(summary.withheld)))
    return Table(head=head, rows=tuple(rows))


def _row(summary: Summary) -> tuple[str, ...]:
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
        str(summary.fully_named_scans),
        *(str(count) for count in (summary.wrong, summary.withheld, summary.missed, summary.invented)),
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
