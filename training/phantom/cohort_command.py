"""`osteonode-train phantom-cohort`: a few synthetic scans with a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("phantom-cohort")(phantom_cohort)


def phantom_cohort(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for scans, masks and data.csv.")],
    scans: Annotated[int, typer.Option(min=5, help="How many.")] = 10,
    seed: Annotated[int, typer.Option(help="The first person; every other one has the next seed.")] = 1,
) -> None:
    """Make synthetic scans with a manifest to try `fit bmd-screening` on; nothing can be concluded from them."""
    from rich.console import Console
    from rich.progress import Progress

    from training.phantom.cohort import write_cohort

    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("drawing", total=1.0)
        manifest = write_cohort(
            out, scans=scans, seed=seed, progress=lambda share: progress.update(bar, completed=share)
        )
    typer.echo(f"{scans} synthetic scans, {manifest}")
