"""The process that draws samples, run in this one."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from models.tissues import Tissue
from training import pool
from training.anatomy.template import Template, build_template
from training.lessons.spine import SPINE
from training.pool import PoolPlan, ensure_template, fill_pool
from training.samples import load_sample


@pytest.fixture
def small_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PoolPlan:
    """A pool of coarse templates, which are built in a moment."""

    def build_coarse(rng: np.random.Generator, *, spacing_mm: float) -> Template:
        return build_template(rng, spacing_mm=6.0 * spacing_mm)

    monkeypatch.setattr(pool, "build_template", build_coarse)
    return PoolPlan(folder=tmp_path / "pool", lesson=SPINE, size=3, templates=1, seed=5)


def test_a_template_is_built_once(small_plan: PoolPlan) -> None:
    first = ensure_template(small_plan, 0)
    built = first.stat().st_mtime_ns

    assert ensure_template(small_plan, 0).stat().st_mtime_ns == built


def test_a_pool_fills_until_it_is_stopped_and_the_oldest_samples_go(small_plan: PoolPlan) -> None:
    stop = multiprocessing.get_context("spawn").Event()
    worker = threading.Thread(target=fill_pool, args=(small_plan, stop))

    worker.start()
    deadline = time.monotonic() + 120.0
    while not (small_plan.folder / "0000004.npy").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    worker.join(timeout=60.0)

    names = sorted(path.name for path in small_plan.folder.glob("*.npy"))
    assert not worker.is_alive()
    assert len(names) == 3
    assert "0000000.npy" not in names
    hu, shares = load_sample(small_plan.folder / names[-1])
    assert shares.shape == (len(Tissue), *hu.shape)
    assert np.isfinite(hu.numpy()).all()
