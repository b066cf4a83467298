"""The command line of a fit."""

from __future__ import annotations

import shlex
from pathlib import Path

import torch
from rich.progress import Progress

from training.cohort.splits import SplitPlan
from training.screening_fit.command import bars, command_line
from training.screening_fit.plan import FitPlan


def test_the_command_in_the_card_says_all_that_cohorts_and_weights_follow_from() -> None:
    split = SplitPlan(seed=3, validation=0.12, test=0.08, external_sites=("north wing",))
    plan = FitPlan(work=Path("work"), seed=3, epochs=24, device=torch.device("cpu"), batch=8, patience=10)

    words = shlex.split(command_line(Path("folder/data.csv"), split=split, plan=plan))

    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--manifest": "data.csv",
        "--seed": "3",
        "--epochs": "24",
        "--patience": "10",
        "--batch": "8",
        "--validation": "0.12",
        "--test": "0.08",
        "--external-site": "north wing",
    }


def test_every_kind_of_work_has_a_bar_of_its_own() -> None:
    progress = Progress(disable=True)
    step = bars(progress)

    for what, share in (("checking files", 1.0), ("learning", 0.25), ("learning", 0.5)):
        step(what, share)

    assert [(task.description, task.completed) for task in progress.tasks] == [
        ("checking files", 1.0),
        ("learning", 0.5),
    ]
