"""`osteonode-train cohort`: synthetic people for the classifier of bone density."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("cohort")(cohort)


def cohort(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for cases and manifest.csv; resumed from.")],
    people: Annotated[int, typer.Option(min=1, help="How many; three are drawn a second.")] = 3000,
    trunks: Annotated[int, typer.Option(min=1, help="How many trunks they share; one takes half a minute.")] = 24,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 1,
) -> None:
    """Draw synthetic people of known bone density, as cases for `fit bmd-screening`."""
    from rich.progress import Progress

    from training.synthetic_cohort import CohortPlan, write_cohort

    with Progress() as progress:
        bar = progress.add_task("people", total=people)
        plan = CohortPlan(folder=out, seed=seed, people=people, trunks=trunks)
        manifest = write_cohort(plan, lambda: progress.advance(bar))
    typer.echo(f"{people} synthetic people: {manifest}")
