"""Runs the networks on cases and writes what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from models.pictures import draw_spine
from models.spine import SpineModel, segment_spine
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.reasons import Reason
from node.domain.volume import LabelMap, Segment
from training.evaluation.ahead import CaseSource, cases_ahead
from training.evaluation.case import Case
from training.evaluation.page import Picture, reliability_picture, write_page
from training.evaluation.scores import CaseScore, missed_case, score_case
from training.evaluation.summary import Summary, reliability, summarise
from training.evaluation.tables import level_table, reliability_table, summary_table

#: Scans that are shown, those with the worst body first.
SHOWN = 10

#: Rows of the report by slice thickness: upper limits, mm.
_THICKNESSES_MM = (1.5, 3.0, 6.0)

#: Told after each case how many are done.
Watcher = Callable[[int], None]


def evaluate_spine(cases: Sequence[CaseSource], model: SpineModel, out: Path, *, watch: Watcher) -> Summary:
    """Score networks on cases; leaves a report in a folder.

    `report.html`, `summary.md` with its tables, `scores.json`, and `reliability.png` where a name rests on a landmark.

    Parameters
    ----------
    cases
        Each gives its case when it is asked, and again for its picture: all of them do not fit into memory.
    """
    scores: list[CaseScore] = []
    worst: list[_Shown] = []
    groups: dict[str, list[CaseScore]] = {}
    for count, (source, case) in enumerate(zip(cases, cases_ahead(cases), strict=True), start=1):
        score, found = _score(case, model)
        scores.append(score)
        worst = sorted([*worst, _Shown(source=source, score=score, found=found)], key=_worst_dice)[:SHOWN]
        for group in (*case.groups, _thickness(case)):
            groups.setdefault(group, []).append(score)
        watch(count)
    pictures = [_picture(shown) for shown in worst]
    out.mkdir(parents=True, exist_ok=True)
    groups = dict(sorted(groups.items()))
    page = write_page(scores, pictures, models=model.identities, training_data=model.training_data, groups=groups)
    (out / "report.html").write_text(page, encoding="utf-8")
    (out / "summary.md").write_text(_tables(scores, groups), encoding="utf-8")
    bins = reliability(scores)
    if bins:
        (out / "reliability.png").write_bytes(reliability_picture(bins))
    told = {
        "models": [asdict(identity) for identity in model.identities],
        "summary": asdict(summarise(scores)),
        "groups": {name: asdict(summarise(members)) for name, members in groups.items()},
        "reliability": [asdict(each) for each in bins],
        "cases": [asdict(score) for score in scores],
    }
    (out / "scores.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return summarise(scores)


def _tables(scores: Sequence[CaseScore], groups: Mapping[str, Sequence[CaseScore]]) -> str:
    tables = (
        summary_table({"all": scores, **groups}),
        level_table(scores),
        reliability_table(reliability(scores)),
    )
    return "\n".join(table.markdown for table in tables)


def _score(case: Case, model: SpineModel) -> tuple[CaseScore, SpineSegmentation | None]:
    found = segment_spine(case.volume, model)
    if isinstance(found, Reason):
        return missed_case(case, found.text), None
    return score_case(case, found), found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """A scan that may be shown: where it comes from, and what was found in it."""

    source: CaseSource
    score: CaseScore
    found: SpineSegmentation | None


def _worst_dice(shown: _Shown) -> float:
    return shown.score.worst_dice


def _picture(shown: _Shown) -> Picture:
    """What was found, and what is true."""
    case = shown.source()
    drawn = None if shown.found is None else draw_spine(case.volume, shown.found)
    return Picture(score=shown.score, found=drawn, true=draw_spine(case.volume, true_spine(case)))


def true_spine(case: Case) -> SpineSegmentation:
    """The truth of a case, in the form in which segmentation gives what it found."""
    vertebrae = []
    for ordinal, level in enumerate(case.levels, start=1):
        x, y, z = case.volume.affine.to_lps(np.argwhere(case.truth == level.number).mean(0))
        vertebrae.append(
            Vertebra(
                level=level,
                ordinal=ordinal,
                confidence=None,
                centroid_lps_mm=(float(x), float(y), float(z)),
                up_lps=(0.0, 0.0, 1.0),
                segment_value=level.number,
            )
        )
    segments = [Segment(value=each.segment_value, level=each.level, ordinal=each.ordinal) for each in vertebrae]
    label_map = LabelMap(
        labels=case.truth,
        affine=case.volume.affine,
        frame_of_reference=case.volume.frame_of_reference,
        segments=tuple(sorted(segments, key=lambda segment: segment.value)),
    )
    return SpineSegmentation(label_map=label_map, vertebrae=tuple(vertebrae))


def _thickness(case: Case) -> str:
    """The group of a case's slice thickness."""
    spacing = case.volume.affine.spacing_mm[0]
    low = 0.0
    for high in _THICKNESSES_MM:
        if spacing <= high:
            return f"slices of {low:g} to {high:g} mm"
        low = high
    return f"slices above {low:g} mm"
