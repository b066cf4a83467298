"""`osteonode-train evaluate bmd-screening` and `osteonode-train release bmd-screening`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cohort.manifest import Cohort
from training.screening_fit.command import Device, Manifest, Work, bars


def register(evaluate: typer.Typer, release: typer.Typer) -> None:
    """Add the commands to `evaluate` and `release`."""
    evaluate.command("bmd-screening")(evaluate_screening_command)
    release.command("bmd-screening")(release_screening_command)


def evaluate_screening_command(
    manifest: Manifest,
    bundle: Annotated[Path, typer.Option(help="Folder of the weights.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for report.html and evaluation.json.")],
    work: Work,
    cohort: Annotated[Cohort, typer.Option(help="Whose scans: test, external or prospective.")] = Cohort.TEST,
    split: Annotated[
        Path | None,
        typer.Option(help="The split.csv of the fit; the one beside the bundle where none is given.", exists=True),
    ] = None,
    device: Device = "cpu",
    trusted_key: Annotated[
        list[Path] | None, typer.Option(help="Public key, PEM, for weights under a signed release; repeatable.")
    ] = None,
) -> None:
    """Judge a classifier of bone density on scans that it has not learned from."""
    from rich.console import Console
    from rich.progress import Progress

    from models.device import choose_device
    from models.release import read_public_keys
    from training.screening_fit.fit import Watch
    from training.screening_report.run import REPORT, EvaluationPlan, evaluate_screening
    from training.screening_report.tables import figure

    plan = EvaluationPlan(
        manifest=manifest,
        bundle=bundle,
        out=out,
        work=work,
        device=choose_device(device),
        cohort=cohort,
        split=split,
        trusted=read_public_keys(trusted_key or ()),
    )
    with Progress(console=Console(stderr=True)) as progress:
        evaluation = evaluate_screening(plan, Watch(step=bars(progress)))
    fused, alone = evaluation.overall.models
    typer.echo(
        f"{evaluation.overall.scans} scans; mean AUC of model 1: {figure(fused.macro_area)}; of model 2: "
        f"{figure(alone.macro_area)}; {out / REPORT}"
    )


def release_screening_command(
    bundle: Annotated[Path, typer.Option(help="Folder of the weights of a fit.", exists=True, file_okay=False)],
    evaluation: Annotated[Path, typer.Option(help="The evaluation.json of exactly these weights.", dir_okay=False)],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the released bundle.")],
) -> None:
    """Make the bundle that a node uses; refused without an evaluation of exactly these weights."""
    from training.screening_report.release import release_screening

    card = release_screening(bundle, evaluation, out)
    typer.echo(f"{card.name} {card.version} for {card.intended_use}, evaluation {card.evaluation_sha256}, in {out}")
