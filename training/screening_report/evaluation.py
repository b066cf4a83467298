"""An evaluation as a value and as a file: what was judged on what, and every figure with its interval."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from models.screening.card import ScreeningCard
from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Scan
from training.screening_fit.casebook import Excluded
from training.screening_report.figures import Figure, GroupFigures, figures_of
from training.screening_report.judged import Judged
from training.statistics.agreement import BlandAltman, bland_altman, correlation
from training.statistics.estimate import NotEstimable

#: Version of the layout of evaluation.json.
SCHEMA = "1"

#: Where bands of age end, years.
_AGE_EDGES = (50, 60, 70, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a measurement has to do with quantitative CT.

    Parameters
    ----------
    measured
        Bias and limits of the node's own density, mg/cm3, against quantitative CT.
    measured_correlation, plain_correlation
        r of that density, and of the plain CT number of L1, with quantitative CT.
    """

    measured: BlandAltman | NotEstimable
    measured_correlation: Figure
    plain_correlation: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What `evaluation.json` holds; a release names it by its hash.

    Parameters
    ----------
    cohort
        Whose scans were judged.
    excluded
        Scans of the cohort that could not be shown to the classifier, by their reason.
    limitations
        What the figures do not say, in sentences.
    overall, groups
        Figures of all scans, and of parts of them.
    """

    schema: str
    name: str
    version: str
    weights_sha256: str
    training_data: str
    cohort: Cohort
    manifest_sha256: str
    excluded: tuple[tuple[str, int], ...]
    limitations: tuple[str, ...]
    overall: GroupFigures
    groups: tuple[GroupFigures, ...]
    agreement: Agreement


_FILE = TypeAdapter(Evaluation)


def evaluate(
    judged: Sequence[Judged],
    excluded: Sequence[Excluded],
    *,
    card: ScreeningCard,
    cohort: Cohort,
    manifest_sha256: str,
    limitations: tuple[str, ...],
) -> Evaluation:
    """All figures of the scans that were judged."""
    counts = Counter(str(each.reason.code) for each in excluded)
    return Evaluation(
        schema=SCHEMA,
        name=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        training_data=card.training.data,
        cohort=cohort,
        manifest_sha256=manifest_sha256,
        excluded=tuple(sorted(counts.items())),
        limitations=limitations,
        overall=figures_of("all", judged, card),
        groups=tuple(figures_of(name, part, card) for name, part in groups_of(judged)),
        agreement=agreement_of(judged),
    )


def groups_of(judged: Sequence[Judged]) -> tuple[tuple[str, tuple[Judged, ...]], ...]:
    """Parts of the scans by what they have in common, in the order of the report; a single value makes no part."""
    by: dict[str, Callable[[Scan], str]] = {
        "site": lambda scan: scan.site,
        "scanner": lambda scan: scan.scanner or "unknown",
        "sex": lambda scan: "unknown" if scan.sex is None else str(scan.sex),
        "age": age_band,
        "kV": lambda scan: "unknown" if scan.kvp is None else f"{scan.kvp:g}",
        "contrast agent": lambda scan: {None: "unknown", True: "yes", False: "no"}[scan.contrast],
    }
    parts: list[tuple[str, tuple[Judged, ...]]] = []
    for name, of in by.items():
        values = sorted({of(each.scan) for each in judged}, key=_in_order)
        if len(values) > 1:
            parts += [
                (f"{name}: {value}", tuple(each for each in judged if of(each.scan) == value)) for value in values
            ]
    return tuple(parts)


def _in_order(value: str) -> tuple[bool, str]:
    """What ends below something comes first."""
    return not value.startswith("below"), value


def age_band(scan: Scan) -> str:
    """The decade of a patient's age, in years."""
    if scan.age_years is None:
        return "unknown"
    if scan.age_years < _AGE_EDGES[0]:
        return f"below {_AGE_EDGES[0]}"
    if scan.age_years >= _AGE_EDGES[-1]:
        return f"{_AGE_EDGES[-1]} and above"
    low = max(edge for edge in _AGE_EDGES if edge <= scan.age_years)
    return f"{low} to {low + 9}"


def agreement_of(judged: Sequence[Judged]) -> Agreement:
    """Measurements against quantitative CT, where both are there."""
    known = [each for each in judged if each.scan.qct_mg_cm3 is not None]
    measured = [each for each in known if each.scan.measured_mg_cm3 is not None]
    truth, values = (
        _column(measured, lambda each: each.scan.qct_mg_cm3),
        _column(measured, lambda each: each.scan.measured_mg_cm3),
    )
    return Agreement(
        measured=bland_altman(values, truth),
        measured_correlation=correlation(values, truth),
        plain_correlation=correlation(
            _column(known, lambda each: each.plain_hu), _column(known, lambda each: each.scan.qct_mg_cm3)
        ),
    )


def _column(
    judged: Sequence[Judged], of: Callable[[Judged], float | None]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([of(each) for each in judged], dtype=np.float64)


def save_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write the figures down."""
    path.write_bytes(_FILE.dump_json(evaluation, indent=1) + b"\n")


def load_evaluation(path: Path) -> tuple[Evaluation, str]:
    """The figures of a file, and the SHA-256 of the file.

    Raises
    ------
    InputRejected
        Where it is none.
    """
    try:
        content = path.read_bytes()
        return _FILE.validate_json(content), hashlib.sha256(content).hexdigest()
    except (OSError, ValidationError) as error:
        raise InputRejected(f"{path} is no evaluation: {error}") from error
