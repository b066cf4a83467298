"""The figures of an evaluation as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from node.domain.bone_category import BoneCategory
from node.domain.classifier import ClassifierMethod
from training.screening_report.agreement import Agreement
from training.screening_report.evaluation import Evaluation
from training.screening_report.figures import AgainstPlain, Difference, GroupFigures, ModelFigures
from training.statistics.estimate import Estimate, Figure, Interval, NotEstimable, PairedTest
from training.table import Table

#: What the models are called, as in the paper that the design follows (BMC Musculoskelet Disord 2024;25:176).
MODEL_WORDS = {ClassifierMethod.L1_L2: "model 1 (L1 and L2)", ClassifierMethod.L1: "model 2 (L1)"}

#: How the comparison with a plain CT number is to be read.
PLAIN_ADVANTAGE = (
    "More of a CT number speaks for normal, less for osteoporosis. For osteopenia its distance from a middle counts, "
    "which is chosen with the truth at hand so that it orders these very scans best. No reader has that advantage: "
    "where a model is better all the same, its P value is rather too large than too small."
)

_NONE = "-"

_PLAIN_HEADS = (
    "model 1 less CT number of L1 and L2",
    "P (DeLong)",
    "model 2 less CT number of L1",
    "P (DeLong)",
)


def area_table(models: Sequence[ModelFigures]) -> Table:
    """Areas under the ROC curves, and the other figures of each model."""
    head = ("", *(f"{MODEL_WORDS[model.method]}, {_scans(model.scans)}" for model in models))
    areas = [
        (f"AUC, {category}", *(figure(model.categories[place].area) for model in models))
        for place, category in enumerate(BoneCategory)
    ]
    rows = (
        *areas,
        ("AUC, mean of the three", *(figure(model.macro_area) for model in models)),
        ("accuracy", *(figure(model.accuracy) for model in models)),
        ("Cohen's kappa", *(figure(model.kappa) for model in models)),
        ("Brier score (0 to 2; less is better)", *(figure(model.brier) for model in models)),
        (
            "Brier score of always telling the shares of the categories",
            *(_NONE if model.brier_reference is None else _number(model.brier_reference, 3) for model in models),
        ),
    )
    return Table(head=head, rows=rows)


def difference_table(differences: Iterable[Difference], of: str) -> Table:
    """Paired tests of areas."""
    head = ("AUC of", f"difference, {of}", "z", "P (DeLong)")
    return Table(head=head, rows=tuple(_difference(each) for each in differences))


def plain_table(group: GroupFigures) -> Table:
    """Paired tests of each model against the plain CT number that sees the same vertebrae, by category."""
    pairs = zip(group.fused_against_plain.differences, group.alone_against_plain.differences, strict=True)
    rows = tuple((fused.of, *_beside(fused, alone, because=True)) for fused, alone in pairs)
    return Table(head=("AUC of", *_PLAIN_HEADS), rows=rows)


def plain_group_table(evaluation: Evaluation) -> Table:
    """Those of the mean area, for all scans and for parts of them."""
    rows = tuple(
        (
            group.name,
            str(group.scans),
            *_beside(group.fused_against_plain.differences[-1], group.alone_against_plain.differences[-1]),
        )
        for group in (evaluation.overall, *evaluation.groups)
    )
    return Table(head=("mean AUC", "scans", *_PLAIN_HEADS), rows=rows)


def plain_area_table(group: GroupFigures) -> Table:
    """What the plain CT numbers come to by themselves, and where their middle was put."""
    named = (("of L1 and L2, mean", group.fused_against_plain), ("of L1", group.alone_against_plain))
    rows = tuple((name, figure(each.plain_area), _middle(each)) for name, each in named)
    return Table(head=("CT number", "mean AUC of the three", "middle of osteopenia, HU"), rows=rows)


def _middle(against: AgainstPlain) -> str:
    """A dash where there are too few scans for its area: of a few, chance chose it."""
    if against.middle_hu is None or isinstance(against.plain_area, NotEstimable):
        return _NONE
    return f"{against.middle_hu:.0f}"


def working_point_table(models: Sequence[ModelFigures]) -> Table:
    """Sensitivity and specificity at the thresholds of the card."""
    rows = [
        (
            f"{MODEL_WORDS[model.method]}, {each.category}",
            f"{each.working_point.threshold:.3f}",
            figure(each.working_point.sensitivity),
            figure(each.working_point.specificity),
        )
        for model in models
        for each in model.categories
        if each.working_point is not None
    ]
    return Table(head=("", "threshold", "sensitivity", "specificity"), rows=tuple(rows))


def confusion_table(model: ModelFigures) -> Table:
    """Scans by true category (row) and most probable one (column)."""
    names = tuple(map(str, BoneCategory))
    rows = tuple((name, *map(str, row)) for name, row in zip(names, model.confusion, strict=True))
    return Table(head=(MODEL_WORDS[model.method], *names), rows=rows)


def group_table(evaluation: Evaluation) -> Table:
    """The mean area and the Brier score by site, scanner, sex, age and what else varies."""
    head = ("", "scans", "patients", *(f"AUC, {MODEL_WORDS[method]}" for method in ClassifierMethod), "Brier, model 2")
    rows = tuple(_group(group) for group in (evaluation.overall, *evaluation.groups))
    return Table(head=head, rows=rows)


def agreement_table(agreement: Agreement, truth: str) -> Table:
    """Measurements against what `truth` names."""
    measured = agreement.measured
    told: tuple[Figure, ...] = (
        (measured,) * 3
        if isinstance(measured, NotEstimable)
        else (measured.bias, measured.lower_limit, measured.upper_limit)
    )
    names = ("bias of the measured density, mg/cm3", "lower limit of agreement, mg/cm3", "upper limit, mg/cm3")
    rows = (
        *((name, figure(value, digits=1)) for name, value in zip(names, told, strict=True)),
        (f"r of the measured density with {truth}", figure(agreement.measured_correlation)),
        (f"r of the plain CT number of L1 with {truth}", figure(agreement.plain_correlation)),
    )
    return Table(head=("", "value (95 % interval)"), rows=rows)


def excluded_table(evaluation: Evaluation) -> Table:
    """Scans that could not be shown to the classifier."""
    return Table(head=("reason", "scans"), rows=tuple((code, str(count)) for code, count in evaluation.excluded))


def figure(value: Figure, *, digits: int = 3) -> str:
    """A figure with its interval, or why there is none."""
    if isinstance(value, NotEstimable):
        return value.because
    return f"{_number(value.value, digits)} ({_interval(value.interval, digits)})"


def short(value: Figure) -> str:
    """A figure with its interval; a dash where there is none."""
    return figure(value) if isinstance(value, Estimate) else _NONE


def _interval(interval: Interval, digits: int) -> str:
    return f"{_number(interval.low, digits)} to {_number(interval.high, digits)}"


def _number(value: float, digits: int) -> str:
    """With so many digits behind the point; what rounds to nothing has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _difference(each: Difference) -> tuple[str, ...]:
    test = each.test
    if isinstance(test, NotEstimable):
        return each.of, test.because, _NONE, _NONE
    return each.of, figure(test.difference), f"{test.statistic:.2f}", _p_value(test)


def _beside(fused: Difference, alone: Difference, *, because: bool = False) -> tuple[str, ...]:
    """Differences of both models, each with its P value; dashes where there is none, or the reason."""
    return tuple(cell for each in (fused, alone) for cell in _with_p(each.test, because=because))


def _with_p(test: PairedTest | NotEstimable, *, because: bool) -> tuple[str, str]:
    if isinstance(test, NotEstimable):
        return test.because if because else _NONE, _NONE
    return figure(test.difference), _p_value(test)


def _p_value(test: PairedTest) -> str:
    return "< 0.001" if test.p_value < 0.001 else f"{test.p_value:.3f}"


def _group(group: GroupFigures) -> tuple[str, ...]:
    fused, alone = group.models
    areas = (short(fused.macro_area), short(alone.macro_area))
    return group.name, str(group.scans), str(group.patients), *areas, short(alone.brier)


def _scans(count: int) -> str:
    return f"{count} scan" if count == 1 else f"{count} scans"
