"""The scans of the set as the node sees them: bodies by its networks, each with the level that is true there.

Drawing and segmenting takes longer than anything that is done with the bodies, so they are kept in files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from models.crops import BodyCrop, SpineCrops, crop_bodies, crops_from_bytes, crops_to_bytes
from models.spine import SpineModel, segment_spine
from node.domain.errors import Bug, InputRejected
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import UInt8, Volume
from training.ahead import drawn_ahead
from training.fracture_set.draw import DrawnScan, draw_scan
from training.fracture_set.spec import FractureScan
from training.true_heights import Heights

#: A mask belongs to the true body that holds this share of it.
_LEAST_SHARE = 0.5

_CROPS, _TRUTH, _PARTIAL = ".npz", ".json", ".partial"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentedBody:
    """A body that the networks found.

    Parameters
    ----------
    true_level
        Where it really is; `None` where its mask holds no true body.
    true_heights
        Of that body, the fracture included; `None` where there is none.
    """

    crop: BodyCrop
    true_level: VertebralLevel | None
    true_heights: Heights | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentedScan:
    """What the networks found in a scan, from head to foot, or why nothing."""

    scan: FractureScan
    bodies: tuple[SegmentedBody, ...]
    refused: Reason | None = None


def segment_scan(drawn: DrawnScan, model: SpineModel) -> SegmentedScan:
    """The bodies of a scan by the networks, with the levels that are true."""
    spine = segment_spine(drawn.volume, model)
    if isinstance(spine, Reason):
        return SegmentedScan(scan=drawn.scan, bodies=(), refused=spine)
    crops = crop_bodies(drawn.volume, spine).crops
    return SegmentedScan(scan=drawn.scan, bodies=tuple(_with_truth(crop, drawn) for crop in crops))


def _with_truth(crop: BodyCrop, drawn: DrawnScan) -> SegmentedBody:
    level = true_level(crop, drawn.volume, drawn.truth)
    heights = None if level is None else drawn.heights[level]
    return SegmentedBody(crop=crop, true_level=level, true_heights=heights)


def true_level(crop: BodyCrop, volume: Volume, truth: UInt8) -> VertebralLevel | None:
    """The true body that holds most of a mask, where it holds half of it at least."""
    first = np.rint(volume.affine.to_index(crop.affine.matrix[:3, 3])).astype(int)
    box = tuple(slice(int(start), int(start) + size) for start, size in zip(first, crop.body.shape, strict=True))
    numbers = truth[box][crop.body]
    if not numbers.size:
        return None
    counts = np.bincount(numbers)
    counts[0] = 0
    best = int(counts.argmax())
    return VertebralLevel.from_number(best) if counts[best] >= _LEAST_SHARE * numbers.size else None


def segment_set(
    scans: Iterable[FractureScan], work: Path, model: SpineModel, watch: Callable[[], None] = lambda: None
) -> None:
    """Draw and segment the scans that are not there yet, and keep their bodies; `watch` is called once a scan."""
    work.mkdir(parents=True, exist_ok=True)
    missing = []
    for scan in scans:
        if _truth_path(scan, work).exists():
            watch()
        else:
            missing.append(scan)
    for drawn in drawn_ahead(partial(draw_scan, scan) for scan in missing):
        _keep(segment_scan(drawn, model), work)
        watch()


def load_segmented(scan: FractureScan, work: Path) -> SegmentedScan:
    """A scan that `segment_set` kept.

    Raises
    ------
    InputRejected
        Where it is not there, or is none.
    """
    try:
        record = json.loads(_truth_path(scan, work).read_text(encoding="utf-8"))
        crops = crops_from_bytes(_crops_path(scan, work).read_bytes()).crops
        levels = [None if level is None else VertebralLevel(level) for level in record["levels"]]
        heights = [None if each is None else Heights(**each) for each in record["heights"]]
        refused = record["refused"]
        return SegmentedScan(
            scan=scan,
            bodies=tuple(
                SegmentedBody(crop=crop, true_level=level, true_heights=each)
                for crop, level, each in zip(crops, levels, heights, strict=True)
            ),
            refused=None if refused is None else Reason(code=ReasonCode(refused[0]), detail=refused[1]),
        )
    except (Bug, OSError, KeyError, ValueError, TypeError) as error:
        raise InputRejected(f"scan {scan.number} is not segmented in {work}: {error}") from error


def _keep(found: SegmentedScan, work: Path) -> None:
    """The record comes last: a scan is there once it is."""
    crops = SpineCrops(crops=tuple(body.crop for body in found.bodies))
    _write(_crops_path(found.scan, work), crops_to_bytes(crops))
    record = {
        "levels": [None if body.true_level is None else str(body.true_level) for body in found.bodies],
        "heights": [None if body.true_heights is None else asdict(body.true_heights) for body in found.bodies],
        "refused": None if found.refused is None else [str(found.refused.code), found.refused.detail],
    }
    _write(_truth_path(found.scan, work), json.dumps(record).encode())


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(_PARTIAL)
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _crops_path(scan: FractureScan, work: Path) -> Path:
    return work / f"{scan.name}{_CROPS}"


def _truth_path(scan: FractureScan, work: Path) -> Path:
    return work / f"{scan.name}{_TRUTH}"
