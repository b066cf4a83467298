"""A cohort of synthetic people in a folder: what the classifier of bone density sees of them, and the manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.screening.case import case_to_bytes
from node.domain.errors import ConfigurationError
from training.anatomy.template import Template, build_template, load_template, save_template
from training.rendering.screening_case import CASE_SPACING_MM, DrawnCase, draw_screening_case

MANIFEST = "manifest.csv"
_COLUMNS = ("image", "patient", "site", "qct_mg_cm3", "scanner", "kvp", "contrast")
# Stands behind what the note on each person says, so that notes of folders from before there was this column stay good.
_OF_ALL = {"synthetic": "yes"}
_SITE, _SCANNER = "synthetic", "Synthetic First Family"

# Random numbers of trunks and of cases.
_TRUNKS, _CASES = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortPlan:
    """What is drawn.

    Parameters
    ----------
    folder
        For trunks, cases and the manifest.
    seed
        Everything random follows from it.
    people
        How many there are, each with one scan.
    trunks
        How many trunks they share; a trunk takes a while, and every person bends and stretches one.
    trunk_mm
        Grid of the trunks.

    Raises
    ------
    ConfigurationError
        Where a number is below 1.
    """

    folder: Path
    seed: int
    people: int
    trunks: int = 24
    trunk_mm: float = CASE_SPACING_MM

    def __post_init__(self) -> None:
        if min(self.people, self.trunks) < 1:
            raise ConfigurationError(f"people and trunks must be at least 1, got {self.people} and {self.trunks}")


def write_cohort(plan: CohortPlan, watch: Callable[[], None]) -> Path:
    """Draw everybody who is not there yet; the path of the manifest.

    Parameters
    ----------
    watch
        Told when a person is done.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for trunk in range(min(plan.trunks, plan.people)):
        template: Template | None = None
        for number in range(trunk, plan.people, plan.trunks):
            path = plan.folder / f"{number:05d}.npz"
            note = path.with_suffix(".csv")
            if not note.exists():
                template = template or _template(plan, trunk)
                note.write_text(_drawn(plan, number, template, path), encoding="utf-8")
            rows.append(note.read_text(encoding="utf-8"))
            watch()
    manifest = plan.folder / MANIFEST
    lines = [
        _line((*_COLUMNS, *_OF_ALL)),
        *(_line((*next(csv.reader([row])), *_OF_ALL.values())) for row in sorted(rows)),
    ]
    manifest.write_text("".join(lines), encoding="utf-8")
    return manifest


def _drawn(plan: CohortPlan, number: int, template: Template, path: Path) -> str:
    """Write the case of a person; its line in the manifest."""
    rng = np.random.default_rng((plan.seed, _CASES, number))
    drawn: DrawnCase | None = None
    while drawn is None:
        drawn = draw_screening_case(template, rng)
    path.write_bytes(case_to_bytes(drawn.case))
    contrast = "yes" if drawn.enhanced else "no"
    person = f"person-{number:05d}"
    return _line((path.name, person, _SITE, f"{drawn.bmd_mg_cm3:.1f}", _SCANNER, f"{drawn.kvp:g}", contrast))


def _template(plan: CohortPlan, number: int) -> Template:
    path = plan.folder / f"trunk-{number:03d}.npz"
    if not path.exists():
        rng = np.random.default_rng((plan.seed, _TRUNKS, number))
        partial = path.with_suffix(".partial")
        save_template(build_template(rng, spacing_mm=plan.trunk_mm), partial)
        partial.rename(path)
    return load_template(path)


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
