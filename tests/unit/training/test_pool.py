"""The process that draws samples, run in this one."""

from __future__ import annotations

import multiprocessing
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.tissues import Tissue
from training import pool
from training.anatomy.template import Template, build_template
from training.lessons.spine import SPINE
from training.pool import PoolPlan, ensure_template, fill_pool
from training.rendering.sample import Sample
from training.samples import load_sample


def draw_noise(template: Template, rng: np.random.Generator) -> Sample:
    """A small sample of random numbers, drawn in no time."""
    hu = torch.from_numpy(rng.integers(-1024, 3072, (4, 4, 4), dtype=np.int16))
    return Sample(hu=hu, shares=torch.full((len(Tissue), 4, 4, 4), 255 // len(Tissue), dtype=torch.uint8))


def build_coarse(rng: np.random.Generator, *, spacing_mm: float) -> Template:
    """A trunk that is built in a moment."""
    return build_template(rng, spacing_mm=6.0 * spacing_mm)


@pytest.fixture
def small_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PoolPlan:
    """A pool of coarse templates, which are built in a moment."""
    monkeypatch.setattr(pool, "_FIRST_SAMPLES", 6)
    monkeypatch.setattr(pool, "_AHEAD", 1)
    return PoolPlan(
        folder=tmp_path / "pool",
        template_folder=tmp_path / "templates",
        lesson=replace(SPINE, build=build_coarse, draw=draw_noise, uses=4),
        size=3,
        behind=0,
        templates=1,
        seed=5,
    )


def test_a_template_is_built_once(small_plan: PoolPlan) -> None:
    first = ensure_template(small_plan, 0)
    built = first.stat().st_mtime_ns

    assert ensure_template(small_plan, 0).stat().st_mtime_ns == built


def test_a_pool_draws_a_little_ahead_and_no_more(small_plan: PoolPlan) -> None:
    drawn = filled(small_plan, until=7, used=0, linger_s=1.0)

    # Six to begin with, of which three may be used, and one ahead; samples come in fours.
    assert drawn == list(range(8))


def test_a_pool_draws_what_its_lesson_asks_for(small_plan: PoolPlan) -> None:
    filled(replace(small_plan, lesson=SPINE), until=0, used=0)

    hu, shares = load_sample(small_plan.path(0))
    assert shares.shape == (len(Tissue), *hu.shape)
    assert np.isfinite(hu.numpy()).all()
    assert hu.min() < -500.0 < hu.max()


def test_the_oldest_samples_go(small_plan: PoolPlan) -> None:
    assert filled(small_plan, until=7, used=0, linger_s=1.0) == list(range(8))

    drawn = filled(small_plan, until=15, used=28, linger_s=1.0)

    # Beyond the window a load of samples stays, and what is ahead.
    assert small_plan.there_after(28) == range(10, 13)
    assert drawn == [8, 9, 10, 11, 12, 13, 14, 15]


def test_what_was_used_since_the_last_checkpoint_stays(small_plan: PoolPlan) -> None:
    drawn = filled(replace(small_plan, behind=8), until=15, used=28, linger_s=1.0)

    assert {*small_plan.there_after(20), *small_plan.there_after(28)} <= set(drawn)


def test_what_a_step_may_use_follows_from_what_was_used_before(small_plan: PoolPlan) -> None:
    there = [small_plan.there_after(used) for used in (0, 4, 400)]

    assert [window.stop for window in there] == [6, 7, 106]
    assert all(len(window) == small_plan.size for window in there)


def test_a_pool_of_so_many_samples_never_has_more(small_plan: PoolPlan) -> None:
    few = replace(small_plan, most=6, size=6)

    drawn = filled(few, until=5, used=1000, linger_s=1.0)

    assert [few.there_after(used) for used in (0, 1000)] == [range(6), range(6)]
    assert replace(small_plan, most=40, size=40).there_after(0) == range(40)
    # Samples come in fours.
    assert drawn == list(range(8))


def test_so_many_samples_are_of_as_many_trunks_as_can_be(small_plan: PoolPlan) -> None:
    few = replace(small_plan, most=50, size=50, templates=48)
    rng = np.random.default_rng(1)

    # Four come from each trunk before the next one's turn.
    assert len({few.template_of(number, rng) for number in range(0, 50, 4)}) == 13
    assert {few.template_of(number, rng) for number in range(0, 4 * 48, 4)} == set(range(48))


def test_a_pool_that_is_resumed_draws_what_is_missing_again(small_plan: PoolPlan) -> None:
    filled(small_plan, until=7, used=0)
    first, _ = load_sample(small_plan.path(5))
    small_plan.path(5).unlink()

    filled(small_plan, until=5, used=0)

    again, _ = load_sample(small_plan.path(5))
    assert (first == again).all()


def filled(plan: PoolPlan, *, until: int, used: int, linger_s: float = 0.0) -> list[int]:
    """The numbers of the samples that lie there once this one was drawn and the pool was stopped."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    worker = threading.Thread(target=fill_pool, args=(plan, stop, context.Value("q", used)))
    worker.start()
    deadline = time.monotonic() + 120.0
    while not plan.path(until).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(linger_s)
    stop.set()
    worker.join(timeout=60.0)
    assert not worker.is_alive()
    return sorted(int(path.stem) for path in plan.folder.glob("*.npy"))
