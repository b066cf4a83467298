"""The stand-in for TotalSegmentator has the functions, arguments and names of the real package."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest

from models.backends.totalsegmentator import WEIGHTS
from tests import peers
from tests.builders.structures import NAMES

STANDIN = Path(__file__).parents[1] / "standins" / "totalsegmentator"

#: Thirteenth vertebrae and ribs and a sixth lumbar one, which it does not tell apart.
UNKNOWN = {"vertebrae_T13", "vertebrae_L6", "rib_left_13", "rib_right_13"}


def package() -> Path:
    """The folder of the real package."""
    return peers.require_totalsegmentator() / "totalsegmentator"


def functions(path: Path) -> dict[str, dict[str, str | None]]:
    """The functions of a module, each with its arguments and their defaults."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = [argument.arg for argument in node.args.args]
            defaults = [None] * (len(names) - len(node.args.defaults)) + [
                ast.unparse(each) for each in node.args.defaults
            ]
            found[node.name] = dict(zip(names, defaults, strict=True))
    return found


@pytest.mark.parametrize("module", ["python_api.py", "config.py"])
def test_functions_take_the_arguments_of_the_real_ones(module: str) -> None:
    real = functions(package() / module)

    for name, arguments in functions(STANDIN / module).items():
        assert name in real
        for argument, default in arguments.items():
            assert argument in real[name], f"{name}({argument})"
            if default is not None:
                assert real[name][argument] == default, f"{name}({argument})"


def test_names_are_those_of_the_real_task() -> None:
    real = runpy.run_path(str(package() / "map_to_binary.py"))["class_map"]["total"]

    assert set(NAMES.values()) - UNKNOWN <= set(real.values())
    assert {"hip_left", "hip_right", "femur_left", "femur_right", "vertebrae_C7"} <= set(real.values())


def test_every_folder_of_weights_is_one_that_the_real_package_asks_for() -> None:
    text = (package() / "map_tasks_config.py").read_text(encoding="utf-8")

    assert [name for name in WEIGHTS if f'"{name}"' not in text] == []
