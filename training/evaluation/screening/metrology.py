"""How well densities and CT numbers are measured on the screening set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Float64
from node.domain.reasons import ReasonCode
from training.evaluation.screening.outcome import ScanOutcome
from training.heldout.screening.spec import Fault
from training.statistics.agreement import BlandAltman, bland_altman, correlation
from training.statistics.estimate import Estimate, NotEstimable
from training.statistics.proportions import share

#: By which codes a scan with a fault is rightly refused. A chest that ends above L1 may show nothing that would tell
#: its lowest vertebra from L1.
RIGHT_CODES: Mapping[Fault, frozenset[ReasonCode]] = {
    Fault.LOW_TUBE_VOLTAGE: frozenset({ReasonCode.TUBE_VOLTAGE}),
    Fault.ARTERIAL_PHASE: frozenset({ReasonCode.ARTERIAL_PHASE}),
    Fault.TOO_THICK: frozenset({ReasonCode.SLICES_TOO_THICK}),
    Fault.NO_L1: frozenset({ReasonCode.LEVEL_NOT_COVERED, ReasonCode.LEVEL_TRUNCATED, ReasonCode.LEVEL_UNCERTAIN}),
    Fault.METAL: frozenset({ReasonCode.METAL}),
    Fault.MIRRORED: frozenset({ReasonCode.MIRRORED}),
    Fault.HU_OFFSET: frozenset({ReasonCode.NOT_HU}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreErrors:
    """Errors of the mean CT number of cores, HU; each figure is `None` without any core."""

    cores: int
    mean_absolute: float | None
    bias: float | None
    largest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Scans of one slice thickness and one sharpness of kernel: how often the stated interval held the truth."""

    name: str
    coverage: Estimate | NotEstimable

    @property
    def is_honest(self) -> bool:
        """Whether 95 % of intervals may hold the truth, by the Wilson interval."""
        if isinstance(self.coverage, NotEstimable):
            return False
        return self.coverage.interval.low <= 0.95 <= self.coverage.interval.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Scans with one fault: how many of them said nothing about L1 and L2, and how many for the right reason."""

    fault: Fault
    scans: int
    silent: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What reports say of some scans in scope.

    Parameters
    ----------
    right, wrong
        Categories that are the true one, and others.
    indeterminate
        Scans of which something was measured or answered, and no category given.
    silent
        Scans without a category and without a reason why there is none although there might be: nothing was evaluated,
        or a CT number alone.
    withheld
        Of the indeterminate ones, those whose density alone would have given the true category.
    saved
        And those whose density alone would have given another one.
    """

    scans: int
    right: int
    wrong: int
    indeterminate: int
    silent: int
    withheld: int
    saved: int


def said(outcomes: Iterable[ScanOutcome]) -> Said:
    """Categories against the truth, that of L1 and L2, of scans in scope; also where a report rests on L3 as well."""
    told = [outcome for outcome in outcomes if outcome.spec.in_scope]
    given = [outcome for outcome in told if outcome.category is not None]
    right = sum(outcome.category is outcome.true_category for outcome in given)
    open_ = [outcome for outcome in told if outcome.indeterminate is not None]
    decisive = [outcome for outcome in open_ if outcome.by_density is not None]
    withheld = sum(outcome.by_density is outcome.true_category for outcome in decisive)
    return Said(
        scans=len(told),
        right=right,
        wrong=len(given) - right,
        indeterminate=len(open_),
        silent=len(told) - len(given) - len(open_),
        withheld=withheld,
        saved=len(decisive) - withheld,
    )


def evaluated(outcomes: Iterable[ScanOutcome]) -> Estimate | NotEstimable:
    """Share of scans in scope with a density of L1 and L2, or with an L1 that a classifier may see."""
    known = [outcome.density is not None or outcome.is_shown for outcome in outcomes if outcome.spec.in_scope]
    return share(sum(known), len(known))


def core_errors(outcomes: Iterable[ScanOutcome]) -> dict[str, CoreErrors]:
    """By slice thickness, of scans in scope."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        if outcome.spec.in_scope:
            found.setdefault(f"{outcome.spec.slice_mm:g} mm", []).extend(core.error_hu for core in outcome.cores)
    return {name: _errors(np.array(found[name])) for name in sorted(found)}


def _errors(errors: Float64) -> CoreErrors:
    if not errors.size:
        return CoreErrors(cores=0, mean_absolute=None, bias=None, largest=None)
    return CoreErrors(
        cores=errors.size,
        mean_absolute=float(np.abs(errors).mean()),
        bias=float(errors.mean()),
        largest=float(np.abs(errors).max()),
    )


def coverage(outcomes: Sequence[ScanOutcome], stratum: Callable[[ScanOutcome], str]) -> tuple[Stratum, ...]:
    """How often stated intervals held the truth, of scans in scope with a density, by stratum."""
    held: dict[str, list[bool]] = {}
    for outcome in outcomes:
        if outcome.spec.in_scope and outcome.density is not None and outcome.true_mg_cm3 is not None:
            held.setdefault(stratum(outcome), []).append(outcome.density.covers(outcome.true_mg_cm3))
    return tuple(Stratum(name=name, coverage=share(sum(held[name]), len(held[name]))) for name in sorted(held))


def agreement(outcomes: Sequence[ScanOutcome]) -> tuple[BlandAltman | NotEstimable, Estimate | NotEstimable]:
    """Bland-Altman and Pearson's r of measured and true density, of scans in scope."""
    pairs = [
        (outcome.density.mg_cm3, outcome.true_mg_cm3)
        for outcome in outcomes
        if outcome.spec.in_scope and outcome.density is not None and outcome.true_mg_cm3 is not None
    ]
    measured, true = np.array(pairs).reshape(-1, 2).T
    return bland_altman(measured, true), correlation(measured, true)


def refusals(outcomes: Iterable[ScanOutcome]) -> tuple[Refused, ...]:
    """By fault, of scans out of scope."""
    by_fault: dict[Fault, list[ScanOutcome]] = {}
    for outcome in outcomes:
        if not outcome.spec.in_scope:
            by_fault.setdefault(outcome.spec.fault, []).append(outcome)
    return tuple(
        Refused(
            fault=fault,
            scans=len(each),
            silent=sum(_is_silent(outcome) for outcome in each),
            right=sum(_is_silent(outcome) and bool(outcome.refusals & RIGHT_CODES[fault]) for outcome in each),
        )
        for fault, each in by_fault.items()
    )


def _is_silent(outcome: ScanOutcome) -> bool:
    return outcome.density is None and not outcome.is_shown


def repeatability_percent(scans: Iterable[Sequence[float]]) -> float | None:
    """Root mean square of the coefficients of variation of repeated scans, percent; `None` without any.

    Gluer et al., Osteoporos Int 1995;5:262-270, equation 8.
    """
    squares = [(float(np.std(values, ddof=1)) / float(np.mean(values))) ** 2 for values in scans]
    return 100.0 * math.sqrt(float(np.mean(squares))) if squares else None
