"""How long the bodies of a large scan take, and a large network: `python -m tests.bench.spine_network`.

A synthetic trunk of the second family on 400 slices of 512x512 voxels of 1 mm goes through the shipped networks, from
CT numbers to named masks, in a process of its own. The peer is a U-Net of nnU-Net's standard size (MONAI's DynUNet, 31
million weights, random ones, which take the same time), windows of 128x128x128 with half overlap on the same voxels:
its time is that of some windows times their number, side by side in the same run, and nothing beside its windows is
counted.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets import DynUNet
from numpy.typing import NDArray
from scipy import ndimage

from models.choice import load_spine_model
from models.spine import segment_spine
from models.vertebra import SpineSegmentation
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.volume import Float32, Volume
from training.heldout.scan import Coverage, HeldOutSpec, draw_case

SHAPE = (400, 512, 512)
WINDOW = 128
RUNS, WINDOWS = 3, 3
_SEED = 4_001


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.npy"
        np.save(path, _large_scan())
        ours = _told("ours", path)
        window_s = _told("peer", path)["window_s"]
    windows = _windows()
    peer_s = windows * window_s
    median = statistics.median(ours["seconds"])
    lines = (
        "| what | value |",
        "|---|---|",
        f"| three networks and all between, median of {RUNS} | {median:.1f} s |",
        f"| fastest and slowest | {min(ours['seconds']):.1f} s, {max(ours['seconds']):.1f} s |",
        f"| peak memory of the process, the scan of 0.42 GB and libraries included | {ours['peak_gb']:.2f} GB |",
        f"| bodies found | {ours['bodies']} |",
        f"| peer: {windows} windows of {window_s:.2f} s | {peer_s:.0f} s |",
        f"| ratio | {peer_s / median:.0f} |",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _large_scan() -> NDArray[np.int16]:
    """A trunk on voxels of 1 mm, cut or filled with air to the shape."""
    volume = draw_case(HeldOutSpec(seed=_SEED, coverage=Coverage.TRUNK)).volume
    fine = ndimage.zoom(volume.hu, volume.affine.spacing_mm, order=1)
    scan = np.full(SHAPE, -1000, dtype=np.int16)
    fine = fine[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    start = [(whole - part) // 2 for whole, part in zip(SHAPE, fine.shape, strict=True)]
    scan[tuple(slice(first, first + size) for first, size in zip(start, fine.shape, strict=True))] = np.rint(fine)
    return scan


def _windows() -> int:
    """How many windows with half overlap cover the scan."""
    counts = [1 + ceil(max(0, size - WINDOW) / (WINDOW / 2)) for size in SHAPE]
    return int(np.prod(counts))


def _told(which: str, path: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.spine_network", which, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


def _run_ours(hu: Float32) -> dict[str, object]:
    model = load_spine_model(torch.device("cpu"))
    volume = Volume(hu=hu, affine=Affine.from_spacing((1.0, 1.0, 1.0)), frame_of_reference=Uid("2.25.3"))
    seconds, bodies = [], 0
    for _ in range(RUNS):
        started = time.perf_counter()
        spine = segment_spine(volume, model)
        seconds.append(time.perf_counter() - started)
        if not isinstance(spine, SpineSegmentation):
            raise SystemExit(f"nothing was found: {spine.text}")
        bodies = len(spine.vertebrae)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"seconds": seconds, "bodies": bodies, "peak_gb": peak}


def _run_peer(hu: Float32) -> dict[str, object]:
    network = DynUNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=27,
        kernel_size=[3] * 6,
        strides=[1, 2, 2, 2, 2, 2],
        upsample_kernel_size=[2] * 5,
        filters=[32, 64, 128, 256, 320, 320],
    ).eval()
    window = torch.from_numpy(hu[:WINDOW, 192 : 192 + WINDOW, 192 : 192 + WINDOW] / 1000.0)[None, None]
    seconds = []
    with torch.inference_mode():
        for _ in range(WINDOWS + 1):
            started = time.perf_counter()
            network(window)
            seconds.append(time.perf_counter() - started)
    return {"window_s": statistics.median(seconds[1:])}


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    scan = np.load(sys.argv[2]).astype(np.float32)
    sys.stdout.write(json.dumps({"ours": _run_ours, "peer": _run_peer}[sys.argv[1]](scan)) + "\n")
