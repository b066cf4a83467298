"""`osteonode-train fracture-set`: the synthetic people of the frozen list, as the node's networks see them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cohort.manifest import Cohort


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("fracture-set")(fracture_set)


def fracture_set(
    work: Annotated[Path, typer.Option(file_okay=False, help="Folder for the bodies of all scans; resumed from.")],
    cohort: Annotated[list[Cohort] | None, typer.Option(help="Only these cohorts; repeatable.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Draw and segment the scans of the frozen fracture set: five to ten seconds each on two cores."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from models.choice import load_spine_model
    from models.device import choose_device
    from training.fracture_set.manifest import read_manifest
    from training.fracture_set.segmented import segment_set

    scans = [scan for scan in read_manifest() if not cohort or scan.cohort in cohort]
    model = load_spine_model(choose_device(device))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("scans", total=len(scans))
        segment_set(scans, work, model, lambda: progress.advance(bar))
    typer.echo(f"{len(scans)} scans of the fracture set: {work}")
