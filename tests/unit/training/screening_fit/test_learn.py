"""The training itself, on bodies of one CT number each."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.screening.network import Outputs
from node.domain.errors import ConfigurationError, InputRejected
from tests.builders.manifests import known_case
from training.cohort.manifest import Cohort
from training.screening_fit import learn as learning
from training.screening_fit.checkpoint import Learner
from training.screening_fit.learn import learn, rate_share
from training.screening_fit.loss import losses, truth_of
from training.screening_fit.plan import FitPlan, Lessons

DENSITIES = (40.0, 100.0, 160.0)


def some_lessons() -> Lessons:
    return Lessons.of(
        [
            *(known_case(density, Cohort.TRAINING, f"t{density}") for density in DENSITIES),
            *(known_case(density, Cohort.VALIDATION, f"v{density}") for density in DENSITIES[:2]),
        ]
    )


def a_plan(work: Path, *, epochs: int = 3) -> FitPlan:
    return FitPlan(work=work, seed=5, epochs=epochs, device=torch.device("cpu"))


_RUN = """
import sys, time, torch
from pathlib import Path
from tests.unit.training.screening_fit.test_learn import a_plan, some_lessons
from training.screening_fit.learn import learn
torch.set_num_threads(1)
# long enough to be killed between two epochs
learn(a_plan(Path(sys.argv[1])), some_lessons(), lambda share, epoch: time.sleep(0.0 if epoch is None else 60.0))
"""


def test_a_killed_training_ends_with_the_same_weights_as_one_that_was_not(tmp_path: Path) -> None:
    plan = a_plan(tmp_path / "killed")
    root = Path(__file__).parents[4]
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(plan.work)], cwd=root)
    until = time.monotonic() + 200.0
    while not plan.checkpoint.exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert torch.load(plan.checkpoint, weights_only=True)["epoch"] == 1

    begun: list[int] = []
    told: list[float] = []

    resumed = learn(
        plan, some_lessons(), lambda share, epoch: told.append(share), lambda learner: begun.append(learner.epoch)
    )
    straight = learn(a_plan(tmp_path / "straight"), some_lessons())

    assert begun == [1]
    # one step an epoch, of three epochs
    assert told == pytest.approx([2.0 / 3.0, 2.0 / 3.0, 1.0, 1.0])

    assert resumed.epoch == straight.epoch == 3
    assert resumed.best_loss == straight.best_loss
    for name, tensor in straight.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    assert any((plan.logs).iterdir())


def test_a_finished_training_is_not_repeated_and_another_plan_is_refused(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, epochs=1)
    first = learn(plan, some_lessons())
    told: list[float] = []
    resumed: list[int] = []

    again = learn(
        plan, some_lessons(), lambda share, epoch: told.append(share), lambda learner: resumed.append(learner.epoch)
    )

    assert told == []
    assert resumed == [1]
    assert again.best_loss == first.best_loss
    with pytest.raises(ConfigurationError, match="another plan"):
        learn(replace(plan, seed=6), some_lessons())
    with pytest.raises(ConfigurationError, match="other scans"):
        learn(plan, replace(some_lessons(), training=some_lessons().training[::-1]))


def test_a_training_ends_when_it_has_not_become_better_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation = iter([1.0, 0.5, 0.7, 0.6, 0.9, 0.1])

    def judged(*_: object) -> learning.Losses:
        return learning.Losses(fused=torch.tensor(next(validation)), alone=torch.tensor(0.0), density=torch.tensor(0.0))

    monkeypatch.setattr(learning, "_learn_epoch", _no_epoch)
    monkeypatch.setattr(learning, "judge", judged)

    learner = learn(replace(a_plan(tmp_path, epochs=50), patience=3), some_lessons())

    assert (learner.epoch, learner.best_epoch) == (5, 2)
    assert learner.best_loss == 0.5


def _no_epoch(plan: FitPlan, learner: Learner, *_: object) -> float:
    learner.epoch += 1
    return 1.0


def test_the_rate_rises_and_falls() -> None:
    shares = [rate_share(done / 100.0) for done in range(101)]

    assert shares[0] < 0.1
    assert max(shares) == pytest.approx(1.0, abs=0.03)
    assert shares.index(max(shares)) == 10
    assert shares[-1] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ([known_case(density, Cohort.TRAINING, "t") for density in DENSITIES], "cohort validation"),
        (
            [known_case(40.0, Cohort.TRAINING, "t"), known_case(40.0, Cohort.VALIDATION, "v")],
            "normal, osteopenia",
        ),
    ],
)
def test_cohorts_that_teach_nothing_are_refused(cases: list, told: str) -> None:
    with pytest.raises(InputRejected, match=told):
        Lessons.of(cases)


def logits(*rows: tuple[float, float, float]) -> Tensor:
    return torch.tensor(rows)


def test_losses_are_the_mean_cross_entropy_of_those_who_were_asked() -> None:
    scans = [known_case(density, Cohort.TRAINING, "t").scan for density in (160.0, 40.0)]
    unmeasured = [scans[0], replace(scans[1], qct_mg_cm3=None)]
    outputs = Outputs(
        fused=logits((0.0, 0.0, 0.0), (9.0, 9.0, 9.0)),
        alone=logits((math.log(2.0), 0.0, 0.0), (0.0, 0.0, math.log(2.0))),
        density=torch.tensor([[2.0, 1.5], [50.0, 50.0]]),
    )

    found = losses(outputs, torch.tensor([True, False]), truth_of(unmeasured))

    assert float(found.fused) == pytest.approx(math.log(3.0))
    assert float(found.alone) == pytest.approx(math.log(2.0))
    # 160 mg/cm3 is 1.5 units: half a unit off for model 1 (half its square), right for model 2
    assert float(found.density) == pytest.approx(0.125)
