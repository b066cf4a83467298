"""The program `osteonode-train`: makes and judges models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from node.domain.errors import NodeError
from training.phantom import command as phantom

app = typer.Typer(name="osteonode-train", no_args_is_help=True, help="Make and judge the models of OsteoNode.")
phantom.register(app)
fit = typer.Typer(no_args_is_help=True, help="Train a model.")
app.add_typer(fit, name="fit")


@fit.callback()
def _fit() -> None:
    """Train a model."""


@fit.command("spine")
def fit_spine_command(
    out: Annotated[Path, typer.Option(help="Folder of the bundle that is written.")],
    work: Annotated[Path, typer.Option(help="Folder for samples, checkpoint and log; resumed from.")],
    version: Annotated[str, typer.Option(help="Version in the model card.")],
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.0, help="Time spent on training steps.")] = 75.0,
) -> None:
    """Train the spine network on synthetic anatomy and write its bundle; run it again to resume."""
    from rich.progress import Progress

    from training.fit_spine import FitPlan, fit_spine
    from training.release_spine import write_spine_bundle

    plan = FitPlan(work=work, seed=seed, minutes=minutes)
    with Progress() as progress:
        bar = progress.add_task("training", total=1.0)
        learner, metrics = fit_spine(
            plan, lambda share, loss: progress.update(bar, completed=share, description=f"loss {loss:.3f}")
        )
    card = write_spine_bundle(out, plan, learner, version=version, metrics=metrics)
    typer.echo(f"{card.name} {card.version}: {learner.step} steps, weights {card.weights_sha256}, in {out}")


def main() -> None:
    """Run the program: exit status 0 for a job done, 1 for a failure that is told in one line, 2 for wrong usage."""
    try:
        app()
    except NodeError as error:
        typer.echo(f"osteonode-train: {error}", err=True)
        sys.exit(1)
