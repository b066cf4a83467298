"""The program `osteonode-train`: makes and judges models."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.domain.errors import NodeError
from node.domain.networks import (
    LEAST_LEVEL_PROBABILITY,
    USUAL_LEVEL_PROBABILITY,
    BackendName,
    SpineChoice,
)
from training import cohort_command as cohort
from training import sign_release
from training.evaluation.screening import command as screening_set
from training.export import command as export
from training.fracture_set import command as fracture_set
from training.phantom import cohort_command as phantom_cohort
from training.phantom import command as phantom
from training.screening_fit import cases_command
from training.screening_fit import command as screening_fit
from training.screening_report import command as screening_report

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from training.levels.learn import LevelPlan

app = typer.Typer(name="osteonode-train", no_args_is_help=True, help="Make and judge the models of OsteoNode.")
phantom.register(app)
phantom_cohort.register(app)
cohort.register(app)
sign_release.register(app)
cases_command.register(app)
export.register(app)
fracture_set.register(app)
evaluate = typer.Typer(no_args_is_help=True, help="Judge a model on scans whose truth is known.")
app.add_typer(evaluate, name="evaluate")
fit = typer.Typer(no_args_is_help=True, help="Train a model.")
app.add_typer(fit, name="fit")
release = typer.Typer(no_args_is_help=True, help="Make the bundle that a node uses.")
app.add_typer(release, name="release")
screening_fit.register(fit)
screening_report.register(evaluate, release)
screening_set.register(evaluate)


@release.callback()
def _release() -> None:
    """Make the bundle that a node uses."""


class NetworkName(StrEnum):
    """A network that can be trained, by the name of its bundle."""

    SPINE = "spine-ct"
    BODY = "body-ct"
    RIBS = "ribs-ct"


Seed = Annotated[int, typer.Option(help="Everything random follows from it.")]
Persons = Annotated[int, typer.Option(min=5, help="How many synthetic persons the level model is made of.")]


@fit.callback()
def _fit() -> None:
    """Train a model."""


@fit.command("spine")
def fit_spine_command(
    out: Annotated[Path, typer.Option(help="Folder for the bundles spine-ct, body-ct and ribs-ct.")],
    work: Annotated[Path, typer.Option(help="Folder for samples, checkpoints and logs; resumed from.")],
    version: Annotated[str, typer.Option(help="Version in the model cards.")],
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the network that sees the whole scan.")] = 10_000,
    body_steps: Annotated[int, typer.Option(min=1, help="Steps of the one that sees one body.")] = 10_000,
    ribs_steps: Annotated[int, typer.Option(min=1, help="Steps of the one that sees ribs.")] = 10_000,
    persons: Persons = 95,
) -> None:
    """Train the networks of the spine and the level model on synthetic anatomy; run it again to resume."""
    from training.levels.learn import LevelPlan

    command = (
        f"osteonode-train fit spine --seed {seed} --steps {steps} --body-steps {body_steps} --ribs-steps {ribs_steps} "
        f"--persons {persons}"
    )
    lengths = {NetworkName.SPINE: steps, NetworkName.BODY: body_steps, NetworkName.RIBS: ribs_steps}
    for network, length in lengths.items():
        _train(network, out, work, version=version, seed=seed, steps=length, command=command)
    plan = LevelPlan(
        bundle=out / NetworkName.SPINE, ribs=out / NetworkName.RIBS, work=work / "levels", seed=seed, persons=persons
    )
    _learn_levels(plan, version=version, command=command)


@fit.command("network")
def fit_network_command(
    network: Annotated[NetworkName, typer.Argument(help="Of the whole scan, of a body, or of the ribs of one.")],
    out: Annotated[Path, typer.Option(help="Folder for the bundle.")],
    work: Annotated[Path, typer.Option(help="Folder for samples, checkpoint and log; resumed from.")],
    version: Annotated[str, typer.Option(help="Version in the model card.")],
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="Steps that it learns for.")] = 10_000,
) -> None:
    """Train one of the networks alone; one of the whole scan needs a level model as well, see `fit levels`."""
    command = f"osteonode-train fit network {network} --seed {seed} --steps {steps}"
    _train(network, out, work, version=version, seed=seed, steps=steps, command=command)


def _train(network: NetworkName, out: Path, work: Path, *, version: str, seed: int, steps: int, command: str) -> None:
    from rich.progress import Progress

    from training.fitting import FitPlan, fit
    from training.lessons.body import BODY
    from training.lessons.ribs import RIBS
    from training.lessons.spine import SPINE
    from training.release import write_bundle

    lesson = {NetworkName.SPINE: SPINE, NetworkName.BODY: BODY, NetworkName.RIBS: RIBS}[network]
    plan = FitPlan(lesson=lesson, work=work / network, seed=seed, steps=steps)
    with Progress() as progress:
        bar = progress.add_task(lesson.name, total=1.0)
        learner, metrics = fit(plan, partial(_show, progress, bar, lesson.name))
    card = write_bundle(out / network, plan, learner, version=version, command=command, metrics=metrics)
    typer.echo(f"{card.name} {card.version}: {learner.step} steps, weights {card.weights_sha256}")


@fit.command("levels")
def fit_levels_command(
    bundle: Annotated[Path, typer.Option(help="Folder of the network of the whole scan; its level model is replaced.")],
    work: Annotated[Path, typer.Option(help="Folder for what the networks saw; resumed from.")],
    version: Annotated[str, typer.Option(help="Version of the level model.")],
    ribs: Annotated[
        Path | None,
        typer.Option(help="Network of ribs; the one that comes along where none is given."),
    ] = None,
    seed: Seed = 1,
    persons: Persons = 95,
) -> None:
    """Count what a network shows of each level in whole synthetic scans, and calibrate how sure names are."""
    from models.bundle import RIBS_CT
    from training.levels.learn import LevelPlan

    command = f"osteonode-train fit levels --seed {seed} --persons {persons}"
    plan = LevelPlan(bundle=bundle, ribs=ribs or RIBS_CT, work=work, seed=seed, persons=persons)
    _learn_levels(plan, version=version, command=command)


def _learn_levels(plan: LevelPlan, *, version: str, command: str) -> None:
    from rich.progress import Progress

    from models.levels.file import save_levels
    from training.levels.learn import learn_levels

    with Progress() as progress:
        bar = progress.add_task("levels", total=plan.persons)
        learned = learn_levels(
            plan, version=version, command=command, watch=lambda done: progress.update(bar, completed=done)
        )
    save_levels(plan.bundle, learned)
    calibration = learned.model.calibration
    told = "" if calibration is None else f", calibrated on {calibration.data}"
    typer.echo(f"level model {version} of {plan.bundle.name}{told}")


@fit.command("curve")
def fit_curve_command(
    out: Annotated[Path, typer.Option(help="Folder for curve.png and curve.json.")],
    work: Annotated[Path, typer.Option(help="Folder for samples, checkpoints and logs; resumed from.")],
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each training.")] = 1_500,
    samples: Annotated[
        list[int] | None, typer.Option(min=1, help="A number of samples; may be given several times.")
    ] = None,
) -> None:
    """Train the network that sees the whole scan on ever more samples, and draw its Dice against their number."""
    from rich.progress import Progress

    from training.fitting import FitPlan
    from training.lessons.spine import SPINE
    from training.sample_curve import COUNTS, draw_curve, write_curve

    plan = FitPlan(lesson=SPINE, work=work, seed=seed, steps=steps)
    with Progress() as progress:
        bar = progress.add_task(SPINE.name, total=1.0)
        points = draw_curve(plan, samples or COUNTS, "dice_any_body", watch=partial(_show, progress, bar, SPINE.name))
    write_curve(points, out, title=f"{SPINE.name}, {steps} steps each, synthetic validation samples")
    typer.echo(", ".join(f"{point.samples}: {point.dice:.3f}" for point in points))


def _show(progress: Progress, bar: TaskID, name: str, share: float, loss: float) -> None:
    progress.update(bar, completed=share, description=f"{name}, loss {loss:.3f}")


@evaluate.callback()
def _evaluate() -> None:
    """Judge a model on scans whose truth is known."""


@evaluate.command("spine")
def evaluate_spine_command(
    out: Annotated[Path, typer.Option(help="Folder for report.html, summary.md and scores.json.")],
    cases: Annotated[
        Path | None,
        typer.Option(
            help="Folder of cases, each a folder with ct and mask; the frozen set where none is given.", exists=True
        ),
    ] = None,
    first: Annotated[int, typer.Option(min=0, max=349, help="Of the frozen set, the first scan.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="Of the frozen set, how many scans.")] = 350,
    backend: Annotated[
        BackendName, typer.Option(help="What sees the whole scan: our network, or that of others.")
    ] = BackendName.OSTEONODE,
    bundle: Annotated[
        Path | None, typer.Option(help="Network of the whole scan; the one that comes along where none is given.")
    ] = None,
    body_bundle: Annotated[
        Path | None, typer.Option(help="Network of one body; the one that comes along where none is given.")
    ] = None,
    ribs_bundle: Annotated[
        Path | None, typer.Option(help="Network of the ribs of one vertebra; the one that comes along otherwise.")
    ] = None,
    level_probability: Annotated[
        float, typer.Option(min=LEAST_LEVEL_PROBABILITY, max=0.9999, help="How probable a name must be to be given.")
    ] = USUAL_LEVEL_PROBABILITY,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Compare the bodies that a bundle finds, and their names, with masks; run it again to resume."""
    from rich.progress import Progress

    from models.choice import load_spine_model
    from models.device import choose_device
    from training.evaluation.ahead import CaseSource
    from training.evaluation.case import find_cases, load_case
    from training.evaluation.run import evaluate_spine
    from training.heldout.scan import draw_case, frozen_specs

    sources: list[CaseSource]
    if cases is None:
        specs = islice(frozen_specs(), first, first + count)
        sources = [CaseSource(key=str(spec.seed), draw=partial(draw_case, spec)) for spec in specs]
    else:
        folders = find_cases(cases)
        sources = [CaseSource(key=str(each.relative_to(cases)), draw=partial(load_case, each)) for each in folders]
    choice = SpineChoice(
        backend=backend,
        bundle=bundle,
        body_bundle=body_bundle,
        ribs_bundle=ribs_bundle,
        level_probability=level_probability,
    )
    model = load_spine_model(choose_device(device), choice)
    with Progress() as progress:
        bar = progress.add_task(f"{len(sources)} cases and pictures of the worst", total=None)
        summary = evaluate_spine(
            sources, model, out, watch=lambda done, of: progress.update(bar, completed=done, total=of)
        )
    typer.echo(
        f"{summary.scans} scans, {summary.bodies} whole bodies: Dice {summary.dice or 0.0:.3f}, "
        f"{summary.wrong} named wrong, {summary.withheld} not named, {summary.missed} missed; {out / 'report.html'}"
    )


def main() -> None:
    """Run the program: exit status 0 for a job done, 1 for a failure that is told in one line, 2 for wrong usage."""
    try:
        app()
    except NodeError as error:
        typer.echo(f"osteonode-train: {error}", err=True)
        sys.exit(1)
