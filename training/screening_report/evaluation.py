"""An evaluation as a value and as a file: what was judged on what, and every figure with its interval."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.screening.card import ScreeningCard
from models.unreadable import what_is_wrong
from node.domain.errors import InputRejected
from training.cohort.manifest import Cohort, Scan
from training.screening_fit.casebook import Excluded
from training.screening_report.figures import GroupFigures, figures_of
from training.screening_report.judged import Judged, patients_of

SYNTHETIC = (
    "{drawn} of {scans} scans are synthetic: their truth is the density that they were drawn with, and they say "
    "nothing of how well the classifier does with patients."
)
SEVERAL_SCANS = (
    "{scans} scans are of {patients} patients: intervals of areas and Brier scores take that into account; those of "
    "accuracy, sensitivity, specificity, reliability, kappa, limits of agreement and r do not, and are too narrow."
)

#: Version of the layout of evaluation.json. 2: model 1 is compared with a plain CT number, too, and all categories are;
#: how many scans are synthetic; what Brier scores are to be held against.
SCHEMA = "2"

#: Where bands of age end, years.
_AGE_EDGES = (50, 60, 70, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What `evaluation.json` holds; a release names it by its hash.

    Parameters
    ----------
    cohort
        Whose scans were judged.
    excluded
        Scans of the cohort that could not be shown to the classifier, by their reason.
    synthetic_scans
        How many of the scans that were judged show nobody.
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
    synthetic_scans: int
    limitations: tuple[str, ...]
    overall: GroupFigures
    groups: tuple[GroupFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What tells whether the rest of a file can be read."""

    schema: str


_FILE, _VERSION = TypeAdapter(Evaluation), TypeAdapter(_Version)


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
        synthetic_scans=sum(each.scan.is_synthetic for each in judged),
        limitations=(*limitations, *_cautions(judged)),
        overall=figures_of("all", judged, card),
        groups=tuple(figures_of(name, part, card) for name, part in groups_of(judged)),
    )


def _cautions(judged: Sequence[Judged]) -> tuple[str, ...]:
    """What scans of this kind cannot show."""
    drawn, patients = sum(each.scan.is_synthetic for each in judged), len(set(patients_of(judged)))
    synthetic = () if not drawn else (SYNTHETIC.format(drawn=drawn, scans=len(judged)),)
    several = () if patients == len(judged) else (SEVERAL_SCANS.format(scans=len(judged), patients=patients),)
    return (*synthetic, *several)


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


def save_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write the figures down."""
    path.write_bytes(_FILE.dump_json(evaluation, indent=1) + b"\n")


def load_evaluation(path: Path) -> tuple[Evaluation, str]:
    """The figures of a file, and the SHA-256 of the file.

    Raises
    ------
    InputRejected
        Where it is none, or one of another version of its layout.
    """
    try:
        content = path.read_bytes()
        version = _VERSION.validate_json(content).schema
        if version != SCHEMA:
            raise InputRejected(
                f"{path} must be an evaluation of version {SCHEMA}, got version {version}: evaluate the weights again"
            )
        return _FILE.validate_json(content), hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise InputRejected(f"{path} is no evaluation: {error.strerror}") from error
    except ValidationError as error:
        raise InputRejected(
            f"{path} is no evaluation that osteonode-train evaluate bmd-screening wrote: {what_is_wrong(error)}"
        ) from error
