"""How long measuring takes once bodies are found, and how much memory: `python -m tests.bench.measuring`.

A synthetic chest of the second family, slices of 1 mm down to below L3, with its true masks: tissues around the spine
are read, bodies cut out, judged for soundness and measured, and a classifier of the shipped size is asked. The peer is
nobody's program: it is one copy of the scan in memory, the least that anything which looks at all of it must do.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from models.bone import measure_bone
from models.core_map import map_cores
from models.crops import crop_bodies
from models.density import DensityRule
from models.references import read_references
from models.resample import to_network_grid
from models.screening.answer import classify
from models.screening.bundle import load_bundle
from node.domain.reasons import Reason
from tests.builders.screening import write_untrained
from tests.builders.true_scan import true_scan
from training.heldout.screening.manifest import read_manifest

_NUMBER = 0
RUNS = 5
_GRID_MM = (2.5, 2.5, 2.5)


def main() -> int:
    """Print the table."""
    told = json.loads(subprocess.run([sys.executable, "-m", __spec__.name, "measure"], stdout=-1, check=True).stdout)
    rows = [(name, statistics.median(seconds)) for name, seconds in told["seconds"].items()]
    total = sum(seconds for _, seconds in rows)
    lines = (
        "| what | value |",
        "|---|---|",
        f"| bodies in the scan of {told['voxels']} million voxels | {told['bodies']} |",
        *(f"| {name}, median of {RUNS} | {seconds:.2f} s |" for name, seconds in rows),
        f"| all of it | {total:.2f} s |",
        f"| copies of the scan in memory in that time | {total / statistics.median(told['copy']):.0f} |",
        f"| memory beyond the scan and the libraries | {told['grown_gb']:.2f} GB |",
        f"| peak memory of the process, scan and libraries included | {told['peak_gb']:.2f} GB |",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def measure() -> None:
    """Times and memory, as JSON."""
    scan = true_scan(read_manifest()[_NUMBER])
    if isinstance(scan.spine, Reason):
        raise TypeError(f"a true scan has bodies, got {scan.spine.code}")
    grid = to_network_grid(scan.volume, _GRID_MM)  # the first network had it made
    with tempfile.TemporaryDirectory() as folder:
        write_untrained(Path(folder))
        bundle = load_bundle(Path(folder), torch.device("cpu"))
    # drawing took more memory than measuring will
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _peak_kb()
    seconds: dict[str, list[float]] = {}
    copies = []
    for _ in range(RUNS):
        clock = time.monotonic()
        references = read_references(scan.volume, grid, scan.spine.vertebrae)
        clock = _told(seconds, "tissues around the spine", clock)
        crops = replace(crop_bodies(scan.volume, scan.spine), references=references)
        clock = _told(seconds, "cutting bodies out", clock)
        setting = scan.setting
        rule = DensityRule(acquisition=setting.acquisition, scanners=setting.scanners, references=references)
        findings = measure_bone(crops, rule, partial(classify, bundle, crops, kvp=setting.acquisition.kvp))
        clock = _told(seconds, "soundness, densities, classifier", clock)
        map_cores(crops, findings, scan.spine.label_map)
        clock = _told(seconds, "map of the cores", clock)
        scan.volume.hu.copy()
        copies.append(time.monotonic() - clock)
    after = _peak_kb()
    told = {
        "seconds": seconds,
        "copy": copies,
        "bodies": len(scan.spine.vertebrae),
        "voxels": round(scan.volume.hu.size / 1e6),
        "grown_gb": (after - before) / 2**20,
        "peak_gb": after / 2**20,
    }
    sys.stdout.write(json.dumps(told))


def _peak_kb() -> int:
    """Most memory that the process had since it was last cleared (proc(5), VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def _told(seconds: dict[str, list[float]], name: str, since: float) -> float:
    now = time.monotonic()
    seconds.setdefault(name, []).append(now - since)
    return now


if __name__ == "__main__":
    if "measure" in sys.argv:
        measure()
    else:
        sys.exit(main())
