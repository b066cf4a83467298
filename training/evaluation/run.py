"""Runs the networks on cases and writes what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.pictures import draw_spine
from models.spine import SpineModel, segment_spine
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.reasons import Reason
from node.domain.volume import LabelMap, Segment
from training.evaluation.ahead import CaseSource, cases_ahead
from training.evaluation.case import Case
from training.evaluation.journal import Journal
from training.evaluation.page import Picture, reliability_picture, write_page
from training.evaluation.scores import CaseScore, missed_case, score_case
from training.evaluation.summary import Summary, reliability, summarise
from training.evaluation.tables import level_table, reliability_table, summary_table

#: Scans that are shown, the worst first.
SHOWN = 10

#: Told after each case, and after each picture of the worst, how many of these are done, and how many there are.
Watcher = Callable[[int, int], None]


def evaluate_spine(cases: Sequence[CaseSource], model: SpineModel, out: Path, *, watch: Watcher) -> Summary:
    """Score networks on cases; leaves a report in a folder.

    `report.html`, `summary.md` with its tables, `scores.json`, and `reliability.png` where a name rests on a landmark.
    What was scored is kept there until the report is written, so that an evaluation that was stopped can go on.

    Parameters
    ----------
    cases
        Each gives its case when it is asked, and again for its picture: all of them do not fit into memory.

    Raises
    ------
    InputRejected
        Where a case cannot be read, or an evaluation of another model was stopped in this folder.
    """
    journal = Journal(out, model)
    left = [source for source in cases if source.key not in journal.done]
    steps = len(cases) + min(SHOWN, len(cases))
    watch(len(cases) - len(left), steps)
    for count, (source, case) in enumerate(zip(left, cases_ahead(left), strict=True), start=len(cases) - len(left) + 1):
        journal.add(source.key, _score(case, model))
        watch(count, steps)
    scores = [journal.done[source.key] for source in cases]
    pictures = []
    for source in sorted(cases, key=lambda source: journal.done[source.key].goodness)[:SHOWN]:
        pictures.append(_picture(source.draw(), journal.done[source.key], model))
        watch(len(cases) + len(pictures), steps)
    _write_report(scores, pictures, model, out)
    journal.finish()
    return summarise(scores)


def _write_report(scores: Sequence[CaseScore], pictures: Sequence[Picture], model: SpineModel, out: Path) -> None:
    names = sorted({group for score in scores for group in score.groups})
    groups = {name: [score for score in scores if name in score.groups] for name in names}
    page = write_page(scores, pictures, models=model.identities, training_data=model.training_data, groups=groups)
    (out / "report.html").write_text(page, encoding="utf-8")
    (out / "summary.md").write_text(_tables(scores, groups), encoding="utf-8")
    bins = reliability(scores)
    if bins:
        (out / "reliability.png").write_bytes(reliability_picture(bins))
    told = {
        "models": [asdict(identity) for identity in model.identities],
        "synthetic_scans": sum(score.is_synthetic for score in scores),
        "summary": asdict(summarise(scores)),
        "groups": {name: asdict(summarise(members)) for name, members in groups.items()},
        "reliability": [asdict(each) for each in bins],
        "cases": [asdict(score) for score in scores],
    }
    (out / "scores.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _tables(scores: Sequence[CaseScore], groups: Mapping[str, Sequence[CaseScore]]) -> str:
    tables = (
        summary_table({"all": scores, **groups}),
        level_table(scores),
        reliability_table(reliability(scores)),
    )
    return "\n".join(table.markdown for table in tables)


def _score(case: Case, model: SpineModel) -> CaseScore:
    found = segment_spine(case.volume, model)
    return missed_case(case, found.text) if isinstance(found, Reason) else score_case(case, found)


def _picture(case: Case, score: CaseScore, model: SpineModel) -> Picture:
    """What is found, once more: to keep it of all cases would take gigabytes; and what is true."""
    found = segment_spine(case.volume, model)
    drawn = None if isinstance(found, Reason) else draw_spine(case.volume, found)
    return Picture(score=score, found=drawn, true=draw_spine(case.volume, true_spine(case)))


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
