"""`osteonode-train fit bmd-screening`, and the rest of the way to weights of one's own."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from training.cohort.splits import SplitPlan
    from training.screening_fit.plan import FitPlan

Manifest = Annotated[Path, typer.Option(help="CSV file with a row for each scan.", exists=True, dir_okay=False)]
Work = Annotated[Path, typer.Option(file_okay=False, help="Folder for cases, checkpoint and logs; resumed from.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]


#: Exit status of a program that was interrupted, as shells have it: 128 and the number of the signal.
_INTERRUPTED = 130


def register(fit: typer.Typer) -> None:
    """Add the command to `fit`."""
    fit.command("bmd-screening")(fit_screening_command)


def fit_screening_command(  # noqa: PLR0913, PLR0917 - one parameter an option of the command line
    manifest: Manifest,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for bundle, split and table of characteristics.")],
    work: Work,
    version: Annotated[str, typer.Option(help="Version in the model card.")] = "0.1.0",
    seed: Annotated[int, typer.Option(help="Everything random follows from it, the split as well.")] = 1,
    device: Device = "cpu",
    epochs: Annotated[int, typer.Option(min=1, help="Most passes over the training cohort.")] = 60,
    patience: Annotated[int, typer.Option(min=1, help="Ends after so many epochs that were no better.")] = 15,
    batch: Annotated[int, typer.Option(min=2, help="Cases a step.")] = 16,
    validation: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Share of patients to stop and calibrate by.")
    ] = 0.1,
    test: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of patients to judge by.")] = 0.2,
    external_site: Annotated[
        list[str] | None, typer.Option(help="A site that nothing is learned from; may be given several times.")
    ] = None,
    data: Annotated[str, typer.Option(help="The training data in words, for the card; counted where empty.")] = "",
    licence: Annotated[str, typer.Option(help="Of the weights, for the card; as you say where empty.")] = "",
) -> None:
    """Train the classifier of bone density on the scans of a manifest; run it again to resume."""
    from rich.console import Console
    from rich.progress import Progress

    from models.device import choose_device
    from training.cohort.splits import SplitPlan
    from training.screening_fit.fit import LICENCE, Naming, Watch, fit_screening
    from training.screening_fit.learn import Epoch
    from training.screening_fit.plan import FitPlan

    split = SplitPlan(seed=seed, validation=validation, test=test, external_sites=tuple(external_site or ()))
    plan = FitPlan(work=work, seed=seed, epochs=epochs, device=choose_device(device), batch=batch, patience=patience)
    command = command_line(manifest, split=split, plan=plan)
    console = Console(stderr=True)
    with Progress(console=console) as progress:

        def told(epoch: Epoch) -> None:
            progress.console.print(
                f"epoch {epoch.done} of {epoch.of}: loss {epoch.training_loss:.3f}, validation "
                f"{epoch.validation_loss:.3f}, best {epoch.best_loss:.3f}"
            )

        watch = Watch(step=bars(progress), epoch=told, say=progress.console.print)
        naming = Naming(version=version, data=data, command=command, licence=licence or LICENCE)
        try:
            card = fit_screening(manifest, out, split=split, plan=plan, naming=naming, watch=watch)
        except KeyboardInterrupt:
            progress.console.print("stopped; the same command goes on from here")
            raise typer.Exit(_INTERRUPTED) from None
    calibrated = "calibrated" if card.temperatures else "not calibrated: too few scans for validation"
    typer.echo(f"{card.name} {card.version}, {calibrated}, weights {card.weights_sha256}, in {out}")


def bars(progress: Progress) -> Callable[[str, float], None]:
    """What draws a bar for each kind of work, from its name and how much of it is done, 0 to 1."""
    drawn: dict[str, TaskID] = {}

    def step(what: str, share: float) -> None:
        if what not in drawn:
            drawn[what] = progress.add_task(what, total=1.0)
        progress.update(drawn[what], completed=share)

    return step


def command_line(manifest: Path, *, split: SplitPlan, plan: FitPlan) -> str:
    """What makes the same weights again: everything that cohorts and training follow from, no folder."""
    words = ["osteonode-train", "fit", "bmd-screening", "--manifest", manifest.name, "--seed", str(plan.seed)]
    words += ["--epochs", str(plan.epochs), "--patience", str(plan.patience), "--batch", str(plan.batch)]
    words += ["--validation", f"{split.validation:g}", "--test", f"{split.test:g}"]
    for site in split.external_sites:
        words += ["--external-site", site]
    return shlex.join(words)
