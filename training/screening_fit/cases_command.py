"""`osteonode-train cases`: what a site may hand over that may not give its scans away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.screening_fit.command import Device, Manifest, bars


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("cases")(cases)


def cases(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(file_okay=False, help="Empty folder for cases and manifest.csv.")],
    work: Annotated[Path, typer.Option(file_okay=False, help="Folder for what was cut; resumed from.")],
    device: Device = "cpu",
) -> None:
    """Cut out what the classifier sees of the scans of a manifest, for another site to learn from."""
    from rich.console import Console
    from rich.progress import Progress

    from models.device import choose_device
    from training.screening_fit.casebook import CaseBook
    from training.screening_fit.fit import CASES, Watch
    from training.screening_fit.hand_over import MANIFEST, write_cases

    book = CaseBook(work / CASES, choose_device(device))
    with Progress(console=Console(stderr=True)) as progress:
        known, excluded = write_cases(manifest, out, book, Watch(step=bars(progress)))
    typer.echo(f"{len(known)} cases, {len(excluded)} scans left out: {out / MANIFEST}")
