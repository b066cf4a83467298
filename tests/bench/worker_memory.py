"""Peak memory and time of a GPU worker's stage `segment` on large series: `python -m tests.bench.worker_memory`.

400 and 1,000 slices of 512x512 with a painted spine in air, loaded and segmented in a process of their own, on the CPU.
The first network has the shape of the shipped one; what it says is replaced by what is painted, so that everything
behind it runs as it does on a patient. The networks that look closely at bodies and ribs are the shipped ones.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.bundle import BODY_CT, RIBS_CT, load_bundle
from models.crops import crop_bodies, crops_to_bytes
from models.network import build_network
from models.spine import SpineModel, segment_spine
from models.tissues import Tissue
from node.artefacts import label_map_to_bytes
from node.domain.reasons import Reason
from tests.builders.ct import CtSpec, ct_series, decimal, stored
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import PaintedNetwork, painted_bundle, painted_model, painted_volume
from workers.volume_io import LoadedSeries, load_series
from workers.voxel_memory import VoxelMemory

SIZES = (400, 1000)
PIXELS = 512
FIELD_MM = 450.0
#: Times are medians of so many loads; the first one also pays for fresh memory, as every one beyond 570 slices does.
LOADS = 5


class PaintedBehindNetwork(PaintedNetwork):
    """Runs the real network for its time and memory, and answers what is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.real = build_network(painted_bundle().card.architecture, len(Tissue))

    def forward(self, image: Tensor) -> Tensor:
        """Image (n, 1, k, j, i) to logits (n, classes, k, j, i)."""
        self.real(image)
        return super().forward(image)


def write_slices(slices: int, folder: Path) -> None:
    """A painted spine in air: 1 mm slices of 512x512."""
    volume = painted_volume(build(Scene()))
    spec = CtSpec(slices=1, rows=PIXELS, columns=PIXELS, spacing_mm=(1.0, FIELD_MM / PIXELS, FIELD_MM / PIXELS))
    template = ct_series(spec, np.zeros((1, PIXELS, PIXELS), np.float32))[0]
    for k in range(slices):
        template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = spec.uid(f"slice {k}")
        template.ImagePositionPatient = decimal(0.0, 0.0, float(k))
        template.PixelData = stored(_plane(volume.hu, volume.affine.spacing_mm, k))
        template.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)


def _plane(hu: NDArray[np.float32], spacing_mm: tuple[float, float, float], k: int) -> NDArray[np.float32]:
    """Slice k of the painted volume, with air around it, by nearest neighbour."""
    at = np.arange(PIXELS) * FIELD_MM / PIXELS
    places = [int(k / spacing_mm[0]), *(np.rint((at - 80.0) / step).astype(int) for step in spacing_mm[1:])]
    plane = np.full((PIXELS, PIXELS), -1000.0, np.float32)
    if places[0] < hu.shape[0]:
        rows, columns = ((place >= 0) & (place < size) for place, size in zip(places[1:], hu.shape[1:], strict=True))
        plane[np.ix_(rows, columns)] = hu[places[0]][np.ix_(places[1][rows], places[2][columns])]
    return plane


def measure(folder: Path, *, threads: int) -> dict[str, float]:
    """Load, segment and pack a series; seconds by phase, and peak memory in GB after each."""
    torch.set_num_threads(threads)
    painted = replace(painted_bundle(), network=PaintedBehindNetwork().eval())
    body, ribs = (load_bundle(folder, torch.device("cpu")) for folder in (BODY_CT, RIBS_CT))
    model = replace(painted_model(painted), body=body, ribs=ribs)
    files, memory = tuple(folder.iterdir()), VoxelMemory()
    times = []
    for _ in range(LOADS):
        series = None
        started = time.perf_counter()
        series = load_series(files, threads=threads, allocate=memory)
        times.append(time.perf_counter() - started)
    if not isinstance(series, LoadedSeries):
        raise SystemExit(f"the series was refused: {series}")
    told = {"load": float(np.median(times)), "loaded_gb": _peak_gb()}
    return told | _segment(series, model)


def _segment(series: LoadedSeries, model: SpineModel) -> dict[str, float]:
    started = time.perf_counter()
    spine = segment_spine(series.volume, model)
    if isinstance(spine, Reason):
        raise SystemExit(f"nothing was found: {spine.text}")
    told = {"segment": time.perf_counter() - started, "segmented_gb": _peak_gb(), "found": float(len(spine.vertebrae))}
    started = time.perf_counter()
    size = len(crops_to_bytes(crop_bodies(series.volume, spine))) + len(label_map_to_bytes(spine.label_map))
    return told | {"pack": time.perf_counter() - started, "peak_gb": _peak_gb(), "left_mb": size / 1e6}


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", type=Path, help="measure one folder in this process and print JSON")
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(measure(options.measure, threads=options.threads)))
        return 0
    sys.stdout.write(
        "| slices | load s | segment s | pack s | peak GB, loaded | peak GB, all | vertebrae | left MB |\n"
    )
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    for slices in SIZES:
        with tempfile.TemporaryDirectory() as name:
            write_slices(slices, Path(name))
            command = [sys.executable, "-m", "tests.bench.worker_memory", "--measure", name]
            done = subprocess.run(
                [*command, "--threads", str(options.threads)], check=True, stdout=subprocess.PIPE, text=True
            )
        told = json.loads(done.stdout)
        sys.stdout.write(
            f"| {slices} | {told['load']:.2f} | {told['segment']:.1f} | {told['pack']:.2f} | {told['loaded_gb']:.2f} "
            f"| {told['peak_gb']:.2f} | {told['found']:.0f} | {told['left_mb']:.1f} |\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
