"""The figures of the measurement on the screening set as tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

from training.evaluation.screening.metrology import (
    agreement,
    core_errors,
    coverage,
    evaluated,
    refusals,
    repeatability_percent,
    said,
)
from training.evaluation.screening.outcome import ScanOutcome
from training.statistics.estimate import Estimate, NotEstimable
from training.table import Table


def summary_markdown(outcomes: Sequence[ScanOutcome], rescans: Sequence[tuple[float, float]]) -> str:
    """All tables, with a line over each.

    Parameters
    ----------
    rescans
        CT numbers of cores in scans that were made twice, HU.
    """
    parts = (
        ("Scans in scope", _scope_table(outcomes)),
        ("Scans out of scope, by what is wrong with them", _refusal_table(outcomes)),
        ("Mean CT number of the cores of L1 and L2 against the truth, HU", _core_table(outcomes)),
        ("Share of 95 % intervals of the mean density that hold the truth", _coverage_table(outcomes)),
        ("Mean density against the truth, mg/cm3", _agreement_table(outcomes, rescans)),
        (_SAID, _said_table(outcomes)),
    )
    return "\n".join([_WHOSE, *(f"{title}:\n\n{table.markdown}" for title, table in parts)])


_WHOSE = "Synthetic scans alone, whose truth is what was drawn: nothing here is a claim of clinical accuracy.\n"


_SAID = (
    "Categories in the reports of scans in scope, by density and classifier. Where the two contradict each other there "
    "is none, also where the density alone would have been right, or wrong"
)


def _said_table(outcomes: Sequence[ScanOutcome]) -> Table:
    parts = {
        "all": outcomes,
        "calibrated scanner": [each for each in outcomes if each.spec.calibrated],
        "by own tissues": [each for each in outcomes if not each.spec.calibrated],
    }
    head = (
        "",
        "scans",
        "right",
        "wrong",
        "indeterminate",
        "no category",
        "withheld: density right",
        "withheld: density wrong",
    )
    rows = tuple((name, *map(str, astuple(said(part)))) for name, part in parts.items())
    return Table(head=head, rows=rows)


def _told(figure: Estimate | NotEstimable, *, digits: int = 3) -> str:
    if isinstance(figure, NotEstimable):
        return figure.because
    low, high = figure.interval.low, figure.interval.high
    return f"{figure.value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _scope_table(outcomes: Sequence[ScanOutcome]) -> Table:
    in_scope = [outcome for outcome in outcomes if outcome.spec.in_scope]
    groups = {"all": in_scope}
    for reach in dict.fromkeys(outcome.spec.reach for outcome in in_scope):
        groups[str(reach)] = [outcome for outcome in in_scope if outcome.spec.reach is reach]
    rows = tuple(
        (name, str(len(part)), str(sum(each.density is not None for each in part)), _told(evaluated(part)))
        for name, part in groups.items()
    )
    return Table(head=("reach", "scans", "with a density", "with a density, or shown to a classifier"), rows=rows)


def _refusal_table(outcomes: Sequence[ScanOutcome]) -> Table:
    rows = tuple((str(each.fault), str(each.scans), str(each.silent), str(each.right)) for each in refusals(outcomes))
    return Table(head=("", "scans", "nothing said", "refused by the right code"), rows=rows)


def _core_table(outcomes: Sequence[ScanOutcome]) -> Table:
    rows = tuple(
        (name, str(each.cores), _number(each.mean_absolute), _number(each.bias), _number(each.largest))
        for name, each in core_errors(outcomes).items()
    )
    return Table(head=("slices", "cores", "mean absolute error", "bias", "largest"), rows=rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _coverage_table(outcomes: Sequence[ScanOutcome]) -> Table:
    strata = [
        *coverage(outcomes, lambda each: "all"),
        *coverage(outcomes, lambda each: f"{each.spec.slice_mm:g} mm, {each.spec.sharpness} kernel"),
        *coverage(outcomes, lambda each: "calibrated scanner" if each.spec.calibrated else "by own tissues"),
        *coverage(outcomes, lambda each: f"{each.spec.phase}, {each.spec.kvp:g} kV"),
    ]
    rows = tuple(
        (each.name, str(_cases(each.coverage)), _told(each.coverage), "yes" if each.is_honest else "no")
        for each in strata
    )
    return Table(head=("", "scans", "share (Wilson)", "0.95 within"), rows=rows)


def _cases(figure: Estimate | NotEstimable) -> int:
    return 0 if isinstance(figure, NotEstimable) else figure.cases


def _agreement_table(outcomes: Sequence[ScanOutcome], rescans: Sequence[tuple[float, float]]) -> Table:
    altman, pearson = agreement(outcomes)
    limits = (
        [("bias and limits of agreement", altman.because)]
        if isinstance(altman, NotEstimable)
        else [
            ("bias", _told(altman.bias, digits=1)),
            ("lower limit of agreement", _told(altman.lower_limit, digits=1)),
            ("upper limit of agreement", _told(altman.upper_limit, digits=1)),
        ]
    )
    variation = repeatability_percent(rescans)
    told = "-" if variation is None else f"{variation:.2f} %, {len(rescans)} cores"
    rows = (*limits, ("Pearson's r", _told(pearson)), ("coefficient of variation of cores, other noise", told))
    return Table(head=("", "figure"), rows=rows)
