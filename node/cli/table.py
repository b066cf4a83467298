"""The findings of a study as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from node.cli.outcome import RESULT_FILE, Left
from node.domain.bone_category import BoneCategory
from node.domain.bone_density import HuBand, MeanDensity
from node.domain.bone_screening import BoneScreening
from node.domain.classifier import ClassifierAnswer
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.height_loss import GenantGrade, HeightLoss
from node.domain.measurement import Measurement, Quantity
from node.domain.provenance import IntendedUse
from node.domain.study import Priority
from node.domain.whole_numbers import whole

_BAND_WORDS = {
    HuBand.LOW: "low: below 110 HU",
    HuBand.INDETERMINATE: "indeterminate: 110 to 160 HU",
    HuBand.HIGH: "high: above 160 HU",
}


_CATEGORY_WORDS = {
    BoneCategory.NORMAL: "normal: above 120 mg/cm³",
    BoneCategory.OSTEOPENIA: "osteopenia range: 80 to 120 mg/cm³",
    BoneCategory.OSTEOPOROSIS: "osteoporosis range: below 80 mg/cm³",
}


def print_left(console: Console, left: Left) -> None:
    """Print what a study came to, and where its files lie."""
    for pipeline in left.outcome.pipelines:
        print_findings(console, pipeline.findings, research=pipeline.intended_use is IntendedUse.RESEARCH)
        if pipeline.triage.priority is Priority.URGENT:
            console.print(f"[bold red]urgent:[/bold red] {'; '.join(pipeline.triage.because)}")
    for failure in left.failures:
        console.print(f"[bold red]failed:[/bold red] {escape(failure)}", highlight=False)
    names = [RESULT_FILE, *(each.file for each in left.outcome.objects), *(each.name for each in left.pictures)]
    console.print(f"{left.folder}: {', '.join(names)}", highlight=False, soft_wrap=True)


def print_findings(console: Console, findings: CtBoneFindings, *, research: bool) -> None:
    """Print what was found: one row a vertebra, then what it says, then how far to trust it."""
    if findings.vertebrae:
        console.print(_table(findings))
    if findings.screening is not None:
        for line in _screening_lines(findings.screening, findings.l1_hu):
            console.print(line)
    if findings.offer:
        console.print(escape(findings.offer), highlight=False)
    if findings.status is not Status.ASSESSED:
        console.print(f"[bold yellow]{findings.status}[/bold yellow]")
    for reason in findings.reasons:
        console.print(f"  {reason.code}: {escape(reason.text)}", highlight=False)
    for limitation in findings.limitations:
        console.print(f"[dim]{escape(limitation)}[/dim]")
    if research:
        console.print("[bold]Research use only.[/bold]")


def _screening_lines(screening: BoneScreening, l1_hu: float | None) -> Iterator[str]:
    """What the levels together say, with rich's markup."""
    if screening.density is not None:
        yield f"[bold]Mean density of {' and '.join(screening.levels)}:[/bold] {_mean(screening.density)}"
    if screening.hu_band is not None:
        yield f"[bold]Attenuation of L1:[/bold] {_BAND_WORDS[screening.hu_band]} (uncalibrated)"
        yield from screening.told_of_band(l1_hu)
    if screening.answer is not None:
        yield f"[bold]Classifier, by {' and '.join(screening.answer.levels)}:[/bold] {_answer(screening.answer)}"
    if screening.indeterminate is not None:
        yield "[bold yellow]Indeterminate:[/bold yellow] no category of bone density can be told"


def _table(findings: CtBoneFindings) -> Table:
    table = Table(title="Vertebrae", title_justify="left", header_style="bold")
    # an empty column would take the room of the reasons
    calibrated = any(vertebra.measurement(Quantity.BMD) for vertebra in findings.vertebrae)
    graded = any(vertebra.height_loss for vertebra in findings.vertebrae)
    densities, losses = ("BMD mg/cm³ (95 %)",) if calibrated else (), ("height loss",) if graded else ()
    for heading in ("level", "core HU", "SD", *densities, "body cm³", *losses, "says"):
        table.add_column(heading, justify="left" if heading in ("level", "says") else "right")
    for vertebra in findings.vertebrae:
        level, core, spread, volume, says = _row(vertebra)
        density = (_density(vertebra.measurement(Quantity.BMD)),) if calibrated else ()
        lost = (_loss(vertebra.height_loss),) if graded else ()
        table.add_row(level, core, spread, *density, volume, *lost, says)
    return table


def _row(vertebra: VertebraFinding) -> tuple[str, str, str, str, str]:
    volume, core = vertebra.value(Quantity.BODY_VOLUME), vertebra.value(Quantity.CORE_MEAN_HU)
    return (
        str(vertebra.level) if vertebra.level is not None else f"? ({vertebra.ordinal})",
        "" if core is None else whole(core, HuBand.of),
        _number(vertebra.value(Quantity.CORE_SD_HU), 0),
        _number(None if volume is None else volume / 1000, 1),
        escape("; ".join(reason.text for reason in vertebra.reasons)),
    )


def _density(density: Measurement | None) -> str:
    if density is None or density.interval_95 is None:
        return ""
    value, low, high = (whole(each, BoneCategory.of) for each in (density.value, *density.interval_95))
    return f"{value} ({low} to {high})"


def _loss(loss: HeightLoss | None) -> str:
    """The loss and its grade, a question mark behind a grade that is not sure."""
    if loss is None:
        return ""
    percent = whole(max(loss.percent, 0.0), GenantGrade.of)
    return f"{percent} % (grade {int(loss.grade)}{'?' if loss.also_possible else ''})"


def _mean(density: MeanDensity) -> str:
    low, high = (whole(end, BoneCategory.of) for end in density.interval_95)
    others = "".join(f", maybe {category}" for category in density.also_possible)
    return f"{density.value:.1f} mg/cm³ ({low} to {high}), {_CATEGORY_WORDS[density.category]}{others}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _answer(answer: ClassifierAnswer) -> str:
    """The most probable category first."""
    ranked = sorted(BoneCategory, key=answer.probability, reverse=True)
    return ", ".join(f"{category} {answer.probability(category):.2f}" for category in ranked) + f" ({answer.word})"
