"""The page of an evaluation: one HTML file with its tables and pictures inside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from training.cohort.characteristics import characteristics
from training.cohort.truth import truth_of
from training.html import html_image, html_page, html_table
from training.screening_report.evaluation import Evaluation
from training.screening_report.figures import GroupFigures
from training.screening_report.judged import Judged
from training.screening_report.plots import (
    agreement_picture,
    confusion_picture,
    group_picture,
    reliability_picture,
    roc_picture,
)
from training.screening_report.tables import (
    PLAIN_ADVANTAGE,
    agreement_table,
    area_table,
    confusion_table,
    difference_table,
    excluded_table,
    group_table,
    plain_area_table,
    plain_group_table,
    plain_table,
    working_point_table,
)

_PAIRED = (
    "DeLong's paired test, on the scans that both models answer to. P values are not corrected for how many there are."
)
_PLAIN = (
    "What a circle in the image tells without any model: the mean CT number of a region in the axial plane of L1, and "
    f"the mean of those of L1 and L2 on scans that have both. {PLAIN_ADVANTAGE} In a part of the scans the middle is "
    "chosen anew; a dash stands there where scans are too few."
)


def write_page(evaluation: Evaluation, judged: Sequence[Judged]) -> str:
    """The whole page; it names no patient."""
    overall = evaluation.overall
    title = f"Screening of bone density: {evaluation.name} {evaluation.version}"
    points = working_point_table(overall.models)
    by_group, by_pair = group_picture(evaluation), agreement_picture(judged, evaluation)
    truth = truth_of(each.scan for each in judged)
    against = f"Measured density against {truth}"
    parts = (
        f"<h1>{escape(title)}</h1>",
        _note(evaluation),
        _scope(evaluation, truth),
        "<h2>Whose scans</h2>",
        html_table(characteristics([each.scan for each in judged])),
        "<h2>Both models</h2>",
        html_table(area_table(overall.models)),
        html_image(roc_picture(judged, overall), "ROC curves of both models, a panel a category"),
        "<h2>Model 1 against model 2</h2>",
        f"<p>{_PAIRED}</p>",
        html_table(difference_table(overall.fused_against_alone, "model 1 less model 2")),
        "<h2>Against a plain CT number</h2>",
        f"<p>{_PLAIN}</p>",
        html_table(plain_area_table(overall)),
        html_table(plain_table(overall)),
        html_table(plain_group_table(evaluation)) if evaluation.groups else "",
        "<h2>Which categories were taken for which</h2>",
        html_image(confusion_picture(overall), "confusion matrices of both models"),
        "<h2>At the thresholds of the card</h2>",
        html_table(points) if points.rows else "<p>The card has no thresholds: too few scans to choose them by.</p>",
        "<h2>Whether probabilities are what they say</h2>",
        "<p>Larger points stand for more scans; bars are Wilson's intervals.</p>",
        html_image(reliability_picture(overall), "reliability curves of both models"),
        "<h2>By site, scanner, sex and age</h2>",
        "" if by_group is None else html_image(by_group, "mean area of both models by part of the scans"),
        html_table(group_table(evaluation)),
        "<p>A dash stands where there are too few scans for a figure, or a category is missing.</p>",
        *(_details(group, truth) for group in evaluation.groups),
        f"<h2>{against}</h2>",
        "" if by_pair is None else html_image(by_pair, against),
        html_table(agreement_table(overall.agreement, truth)),
        "<h2>Scans that were not judged</h2>",
        html_table(excluded_table(evaluation)) if evaluation.excluded else "<p>None.</p>",
        f'<p class="digest">Weights {evaluation.weights_sha256}<br>Manifest {evaluation.manifest_sha256}</p>',
    )
    return html_page(title, [part for part in parts if part])


def _scope(evaluation: Evaluation, truth: str) -> str:
    overall = evaluation.overall
    return (
        f"<p>Cohort {escape(evaluation.cohort)}: {overall.scans} scans of {overall.patients} patients. Truth is the "
        f"category that the manifest gives, or that of its density by {truth} (normal above 120 mg/cm3, osteoporosis "
        "below 80). Intervals are of 95 %: DeLong's for areas under ROC curves, Wilson's for shares, the bootstrap of "
        "patients for Brier scores.</p>"
    )


def _details(group: GroupFigures, truth: str) -> str:
    """Everything about a part of the scans, folded away."""
    points = working_point_table(group.models)
    tables = (
        area_table(group.models),
        difference_table(group.fused_against_alone, "model 1 less model 2"),
        plain_table(group),
        *((points,) if points.rows else ()),
        *map(confusion_table, group.models),
        agreement_table(group.agreement, truth),
    )
    is_drawn = any(model.categories[0].reliability for model in group.models)
    curves = html_image(reliability_picture(group), f"reliability curves, {group.name}") if is_drawn else ""
    content = f"{''.join(map(html_table, tables))}{curves}"
    return f"<details><summary>{escape(group.name)}</summary>{content}</details>"


def _note(evaluation: Evaluation) -> str:
    sentences = " ".join(escape(sentence) for sentence in evaluation.limitations)
    return (
        f'<p class="note">Trained on: {escape(evaluation.training_data)} These figures describe the scans below and no '
        f"others; nothing here is a claim of clinical accuracy. {sentences}</p>"
    )
