"""Training of a network, on tiny samples."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from models.bundle import load_bundle, load_card
from models.card import Metric
from models.levels.file import LevelFile, load_levels
from models.levels.plausible import PLAUSIBLE
from models.tissues import Tissue
from node.domain.errors import ConfigurationError
from node.domain.provenance import IntendedUse
from tests.builders.level_files import level_file
from training import fitting
from training.cli import app
from training.fitting import (
    FitPlan,
    Learner,
    TrainingFailed,
    Watcher,
    fit,
    load_learner,
    loss_function,
    prepared,
    rate_share,
    save_learner,
    take_step,
)
from training.lessons.body import BODY
from training.lessons.lesson import Lesson
from training.lessons.loss import segmentation_loss
from training.lessons.ribs import RIBS
from training.lessons.spine import SPINE
from training.lessons.validation import tissue_dice
from training.levels import learn
from training.levels.learn import LevelPlan
from training.pool import PoolPlan
from training.release import write_bundle
from training.rendering.sample import Sample
from training.samples import VALIDATION_SEED, load_sample, save_sample

#: Three voxels on the coarsest grid. With two, oneDNN's weight gradients in bfloat16 are not finite on some processors
#: (AMD EPYC with avx512_bf16, torch 2.13.0); real samples have six.
SHAPE = (48, 16, 16)


def a_sample(seed: int = 1) -> Sample:
    """A bright slab of lumbar body in dark surroundings."""
    generator = torch.Generator().manual_seed(seed)
    shares = torch.zeros((len(Tissue), *SHAPE), dtype=torch.uint8)
    shares[Tissue.LUMBAR_BODY, SHAPE[0] // 4 : -SHAPE[0] // 4] = 255
    shares[Tissue.BACKGROUND] = 255 - shares[Tissue.LUMBAR_BODY]
    hu = torch.where(shares[Tissue.LUMBAR_BODY] > 0, 200.0, -50.0) + 10.0 * torch.randn(SHAPE, generator=generator)
    return Sample(hu=hu.to(torch.int16), shares=shares)


def step(plan: FitPlan, learner: Learner, path: Path, rng: np.random.Generator) -> float:
    images, shares = prepared(plan.lesson, [load_sample(path)], rng)
    return take_step(plan, learner, loss_function(plan, learner.network), images, shares)


def a_plan(work: Path) -> FitPlan:
    return FitPlan(lesson=replace(SPINE, compiled=False), work=work, seed=3, steps=1000)


def test_a_sample_survives_its_file(tmp_path: Path) -> None:
    sample = a_sample()
    save_sample(sample, tmp_path / "0.npy")

    hu, shares = load_sample(tmp_path / "0.npy")

    assert torch.equal(hu, sample.hu.float())
    assert torch.equal(shares * 255.0, sample.shares.float())
    assert [path.name for path in tmp_path.iterdir()] == ["0.npy"]


def test_a_perfect_answer_costs_almost_nothing() -> None:
    shares = a_sample().shares.float() / 255.0

    assert float(segmentation_loss(100.0 * shares[None], shares[None])) == pytest.approx(0.0, abs=1e-4)


def test_knowing_nothing_costs_the_entropy_of_all_classes_and_most_of_dice() -> None:
    shares = a_sample().shares.float() / 255.0
    voxels = float(shares[0].numel())

    loss = float(segmentation_loss(torch.zeros(shares.shape)[None], shares[None]))

    # Half of the voxels are background, whose weight is 0.4, and half lumbar body, whose weight is 1.
    entropy = 0.5 * (0.4 + 1.0) * math.log(len(Tissue))
    overlap, total = 0.5 * voxels / len(Tissue), voxels / len(Tissue) ** 2 + 0.5 * voxels
    assert loss == pytest.approx(3.0 * entropy + 1.0 - (2.0 * overlap + 10.0) / (total + 10.0), rel=1e-4)


def test_the_learning_rate_rises_and_then_falls_to_almost_nothing() -> None:
    rates = [rate_share(0, 0.0), rate_share(99, 0.0), rate_share(5000, 0.5), rate_share(9000, 1.0)]

    assert rates[0] == pytest.approx(0.01, rel=0.01)
    assert rates[1] == max(rates)
    assert rates[2] == pytest.approx(0.5, rel=0.02)
    assert rates[3] < 0.01


def test_steps_make_the_loss_smaller(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    learner = load_learner(plan)
    save_sample(a_sample(), tmp_path / "0.npy")
    rng = np.random.default_rng(1)

    losses = [step(plan, learner, tmp_path / "0.npy", rng) for _ in range(25)]

    assert np.mean(losses[-3:]) < 0.95 * losses[0]
    assert learner.step == 25


def test_a_step_that_cannot_be_computed_ends_the_training_and_leaves_the_weights_as_they_were(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    learner = load_learner(plan)
    before = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    images, shares = prepared(
        plan.lesson, [(a_sample().hu.float(), a_sample().shares.float())], np.random.default_rng(1)
    )
    images[0, 20, 8, 8] = float("nan")

    with pytest.raises(TrainingFailed, match="step 1: the gradient is not finite"):
        take_step(plan, learner, loss_function(plan, learner.network), images, shares)

    assert learner.step == 0
    for name, tensor in learner.network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_half_precision_changes_a_step_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = a_plan(tmp_path)
    sample = a_sample()
    # As large as samples are: norms over the few voxels that a small one has on the coarsest grid depend on rounding.
    images, shares = sample.hu.float().repeat(1, 2, 4, 4), sample.shares.float().repeat(1, 1, 2, 4, 4) / 255.0
    losses, slopes = [], []
    for pays in (False, True):
        monkeypatch.setattr(fitting, "half_precision_pays", lambda device, pays=pays: pays)
        network = load_learner(plan).network
        loss = loss_function(plan, network)(images, shares)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
        slopes.append(torch.cat([weight.grad.flatten() for weight in network.parameters() if weight.grad is not None]))

    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert not torch.equal(*slopes)
    assert float(torch.cosine_similarity(*slopes, dim=0)) > 0.99
    assert slopes[1].dtype is torch.float32


def test_training_resumes_where_it_was_left(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    learner = load_learner(plan)
    save_sample(a_sample(), tmp_path / "0.npy")
    step(plan, learner, tmp_path / "0.npy", np.random.default_rng(1))
    save_learner(plan, learner)

    resumed = load_learner(plan)

    assert (resumed.step, resumed.spent_s) == (learner.step, learner.spent_s)
    for name, tensor in learner.average.state_dict().items():
        assert torch.equal(resumed.average.state_dict()[name], tensor), name
    assert resumed.optimiser.state_dict()["state"][0]["step"] == 1.0


def test_two_trainings_start_from_the_same_weights(tmp_path: Path) -> None:
    first, second = (load_learner(a_plan(tmp_path)).network.state_dict() for _ in range(2))

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_dice_is_one_for_a_network_that_knows_and_zero_for_one_that_does_not(tmp_path: Path) -> None:
    class Knows(torch.nn.Module):
        def __init__(self, sign: float) -> None:
            super().__init__()
            self.sign = sign

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros((1, len(Tissue), *image.shape[2:]))
            logits[:, Tissue.LUMBAR_BODY] = self.sign * (image[:, 0] - 0.25)
            logits[:, Tissue.RIB] = -1.0
            return logits

    save_sample(a_sample(), tmp_path / "0.npy")

    scores = [
        {metric.name: metric.value for metric in tissue_dice(Knows(sign), (tmp_path / "0.npy",))}
        for sign in (1.0, -1.0)
    ]

    assert scores[0]["dice_lumbar_body"] == scores[0]["dice_any_body"] == 1.0
    assert scores[1]["dice_lumbar_body"] == 0.0
    assert "dice_background" not in scores[0]


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    save_learner(plan, load_learner(plan))

    with pytest.raises(ConfigurationError, match="another plan"):
        load_learner(replace(plan, seed=4))


def test_a_training_whose_samples_do_not_come_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fill_pool", _draw_nothing)
    monkeypatch.setattr(fitting, "validation_samples", lambda lesson, work: ())

    with pytest.raises(TrainingFailed, match="the process that draws samples ended"):
        fit(a_plan(tmp_path), lambda share, loss: None)


def test_a_training_that_was_interrupted_gives_the_weights_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fill_pool", _draw_slabs)
    monkeypatch.setattr(fitting, "validation_samples", lambda lesson, work: ())
    monkeypatch.setattr(fitting, "_SAVE_EVERY", 2)
    whole, broken = (replace(a_plan(tmp_path / name), steps=5, threads=1) for name in ("whole", "broken"))

    expected, _ = fit(whole, lambda share, loss: None)
    with pytest.raises(KeyboardInterrupt):
        fit(broken, _interrupt_at(0.7))
    resumed, _ = fit(broken, lambda share, loss: None)

    assert resumed.step == expected.step == 5
    assert resumed.spent_s > 0.0
    for name, tensor in expected.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], tensor, msg=name)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell lets what it starts in the background ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("interruptible")
def test_a_training_that_is_interrupted_while_it_waits_for_a_sample_ends_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fill_pool", _draw_late)
    monkeypatch.setattr(fitting, "validation_samples", lambda lesson, work: ())
    interrupt = threading.Timer(5.0, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()

    with pytest.raises(KeyboardInterrupt):
        fit(a_plan(tmp_path), lambda share, loss: None)

    interrupt.join()


def _draw_late(plan: PoolPlan, stop: Event, used: Synchronized[int]) -> None:
    """Draws nothing until it is told to stop."""
    stop.wait(600.0)


def _draw_nothing(plan: PoolPlan, stop: Event, used: Synchronized[int]) -> None:
    """Ends at once."""


def _draw_slabs(plan: PoolPlan, stop: Event, used: Synchronized[int]) -> None:
    """Draws the first samples, and stays."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    for number in range(32):
        save_sample(a_sample(number), plan.path(number))
    stop.wait(60.0)


def _interrupt_at(share: float) -> Watcher:
    def watch(done: float, loss: float) -> None:
        if done >= share:
            raise KeyboardInterrupt

    return watch


def test_the_seed_of_the_validation_set_cannot_be_trained_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="validation"):
        FitPlan(lesson=SPINE, work=tmp_path, seed=VALIDATION_SEED, steps=1000)


def test_the_bundle_says_how_it_was_made_and_that_it_is_for_research(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    metric = Metric(name="dice_any_body", value=0.9, data="synthetic")

    write_bundle(
        tmp_path / "bundle", plan, load_learner(plan), version="0.0.1", command="the command", metrics=(metric,)
    )

    card = load_bundle(tmp_path / "bundle", torch.device("cpu")).card
    assert card.training.command == "the command"
    assert card.intended_use is IntendedUse.RESEARCH
    assert card.metrics == (metric,)
    assert card.spacing_mm == (2.5, 2.5, 2.5)


def test_the_command_line_explains_itself() -> None:
    result = CliRunner().invoke(app, ["fit", "spine", "--help"])

    assert result.exit_code == 0
    assert "--seed" in result.output


def test_one_command_makes_all_networks_and_then_the_level_model_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, int]] = []
    commands: list[str] = []

    def at_once(plan: FitPlan, watch: Watcher) -> tuple[Learner, tuple[Metric, ...]]:
        made.append((plan.lesson.name, plan.steps))
        return load_learner(plan), ()

    def counted_at_once(plan: LevelPlan, *, version: str, command: str, watch: object) -> LevelFile:
        made.append((f"levels of {plan.bundle.name}", plan.persons))
        commands.append(command)
        return level_file(PLAUSIBLE, load_card(plan.bundle), load_card(plan.ribs), version=version)

    monkeypatch.setattr(fitting, "fit", at_once)
    monkeypatch.setattr(learn, "learn_levels", counted_at_once)
    told = "fit spine --seed 5 --steps 7 --body-steps 8 --ribs-steps 6 --persons 9"
    places = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "--version", "1.2.3"]

    result = CliRunner().invoke(app, [*told.split(), *places])

    assert result.exit_code == 0, result.output
    assert made == [("spine-ct", 7), ("body-ct", 8), ("ribs-ct", 6), ("levels of spine-ct", 9)]
    cards = [load_card(tmp_path / "out" / name) for name in ("spine-ct", "body-ct", "ribs-ct")]
    commands += [card.training.command for card in cards]
    assert commands == [f"osteonode-train {told}"] * 4
    levels = load_levels(tmp_path / "out" / "spine-ct", cards[0], cards[2])
    assert levels is not None
    assert levels[1].version == "1.2.3"


@pytest.mark.parametrize("lesson", [SPINE, BODY, RIBS])
def test_one_network_can_be_trained_alone_and_its_card_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lesson: Lesson
) -> None:
    asked: list[FitPlan] = []

    def at_once(plan: FitPlan, watch: Watcher) -> tuple[Learner, tuple[Metric, ...]]:
        asked.append(plan)
        watch(1.0, 0.5)
        return load_learner(plan), ()

    monkeypatch.setattr(fitting, "fit", at_once)
    told = f"fit network {lesson.name} --seed 5 --steps 7"
    places = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "--version", "1.2.3"]

    result = CliRunner().invoke(app, [*told.split(), *places])

    assert result.exit_code == 0, result.output
    assert [(plan.lesson, plan.seed, plan.steps) for plan in asked] == [(lesson, 5, 7)]
    card = load_bundle(tmp_path / "out" / lesson.name, torch.device("cpu")).card
    assert (card.name, card.version) == (lesson.name, "1.2.3")
    assert card.training.command == f"osteonode-train {told}"
