"""The curve of Dice against the number of samples: what is written is what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.card import Metric
from training import sample_curve
from training.fitting import FitPlan, Watcher
from training.lessons.spine import SPINE
from training.sample_curve import draw_curve, write_curve


def test_each_number_of_samples_is_a_training_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[FitPlan] = []
    told: list[float] = []

    def fit(plan: FitPlan, watch: Watcher) -> tuple[None, tuple[Metric, ...]]:
        trained.append(plan)
        watch(1.0, 0.5)
        dice = {50: 0.7, 200: 0.8}[plan.most_samples or 0]
        return None, (Metric(name="dice_rib", value=0.1, data="x"), Metric(name="dice_any_body", value=dice, data="x"))

    monkeypatch.setattr(sample_curve, "fit", fit)
    plan = FitPlan(lesson=replace(SPINE, compiled=False), work=tmp_path, seed=3, steps=10)

    points = draw_curve(plan, (50, 200), "dice_any_body", watch=lambda share, loss: told.append(share))

    assert [(point.samples, point.dice) for point in points] == [(50, 0.7), (200, 0.8)]
    assert len({each.work for each in trained}) == 2
    assert {each.common for each in trained} == {plan.common}
    assert told == [0.5, 1.0]
    write_curve(points, tmp_path / "out", title="a curve")
    written = json.loads((tmp_path / "out" / "curve.json").read_text())
    assert [entry["dice"] for entry in written] == [0.7, 0.8]
    assert (tmp_path / "out" / "curve.png").read_bytes().startswith(b"\x89PNG")
