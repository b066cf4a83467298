"""Whole runs of `osteonode run`, made once and looked at by many tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from training.phantom import Phantom, PhantomSpec, make_chest_ct, write_series

#: A run on a machine that does other things, too.
RUN_WITHIN_S = 280


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What `osteonode run` left."""

    folder: Path
    result: dict[str, Any]
    printed: str

    @property
    def pipeline(self) -> dict[str, Any]:
        """The part of `ct-bone`."""
        (found,) = (each for each in self.result["pipelines"] if each["name"] == "ct-bone")
        return found

    def vertebra(self, level: str) -> dict[str, Any] | None:
        """The entry of a level, if there is one."""
        return next((each for each in self.pipeline["vertebrae"] if each["level"] == level), None)

    def file(self, kind: str) -> Path:
        """The only object of a kind."""
        (found,) = (each["file"] for each in self.result["objects"] if each["kind"] == kind)
        return self.folder / found


def osteonode_run(study: Path, out: Path, **settings: str) -> Run:
    """Run the main job as a user does, with the shipped settings and network, and others by their variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OSTEONODE_")} | settings
    done = subprocess.run(
        [sys.executable, "-m", "node", "run", str(study), "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Run(folder=out, result=json.loads((out / "result.json").read_text()), printed=done.stdout)


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """The synthetic chest CT of `make run`, at half its resolution."""
    return make_chest_ct(PhantomSpec(seed=7, size=256))


@pytest.fixture(scope="session")
def phantom_run(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The synthetic chest CT, analysed."""
    folder = tmp_path_factory.mktemp("phantom")
    write_series(phantom, folder / "study")
    return osteonode_run(folder / "study", folder / "out")
