"""`osteonode-train evaluate screening-set`: densities on synthetic scans of known density."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(evaluate: typer.Typer) -> None:
    """Add the command to `evaluate`."""
    evaluate.command("screening-set")(evaluate_screening_set)


def evaluate_screening_set(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for figures, outcomes and manifest.csv.")],
    work: Annotated[Path, typer.Option(file_okay=False, help="Folder for scans and masks, 16 GB; resumed from.")],
    first: Annotated[int, typer.Option(min=0, max=299, help="The first scan.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many scans.")] = 300,
    bundle: Annotated[
        Path | None, typer.Option(help="Folder of the classifier; without it the one that comes along.", exists=True)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Measure the frozen screening set by the networks and the classifier that come along; run it again to resume."""
    from rich.progress import Progress

    from models.choice import load_classifier, load_spine_model
    from models.device import choose_device
    from node.domain.networks import ClassifierChoice
    from training.evaluation.screening.metrology import evaluated
    from training.evaluation.screening.run import SUMMARY, judge_set, rescanned
    from training.evaluation.screening.segmented import SegmentedScans
    from training.heldout.screening.manifest import read_manifest
    from training.statistics.estimate import NotEstimable

    specs = read_manifest()[first : first + count]
    on = choose_device(device)
    scans = SegmentedScans(work, load_spine_model(on))
    classifier = load_classifier(on, ClassifierChoice(bundle=bundle))
    with Progress() as progress:
        bar = progress.add_task("scans", total=len(specs) + len(rescanned(specs)))
        outcomes = judge_set(scans, specs, out, lambda: progress.advance(bar), classifier=classifier)
    share = evaluated(outcomes)
    what = "of those in scope have a density, or an L1 that a classifier may see"
    told = share.because if isinstance(share, NotEstimable) else f"{share.value:.1%} {what}"
    typer.echo(f"{len(specs)} scans, {told}; {out / SUMMARY}")
