"""Scans of the screening set with what the networks found in them, kept in a folder: making them takes longest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from models.spine import SpineModel, segment_spine
from models.vertebra import SpineSegmentation, Vertebra
from node.artefacts import label_map_from_bytes, label_map_to_bytes
from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason
from node.domain.volume import UInt8, Volume
from training.heldout.imaging import FRAME
from training.heldout.screening.scan import ScreeningSetting, draw_scan, draw_setting
from training.heldout.screening.spec import ScreeningSpec

_IDENTITY = "models.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is kept of a segmentation beside its label map; `reason` where nothing could be evaluated."""

    reason: Reason | None = None
    vertebrae: tuple[Vertebra, ...] = ()
    limitations: tuple[str, ...] = ()


_FOUND = TypeAdapter(_Found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentedScan:
    """A scan, its truth, and what the networks found in it or why they found nothing.

    `core_hu` and `truth` are those of `ScreeningScan`.
    """

    setting: ScreeningSetting
    volume: Volume
    truth: UInt8
    core_hu: Mapping[VertebralLevel, float]
    spine: SpineSegmentation | Reason


class SegmentedScans:
    """A folder of segmented scans; what is not there yet is drawn and segmented.

    Parameters
    ----------
    folder
        Takes 16 to 90 MB a scan.

    Raises
    ------
    InputRejected
        Where the folder holds what other networks found.
    """

    def __init__(self, folder: Path, model: SpineModel) -> None:
        self._folder, self._model = folder, model
        identity = json.dumps([asdict(each) for each in model.identities])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _IDENTITY
        if not path.exists():
            path.write_text(identity, encoding="utf-8")
        if path.read_text(encoding="utf-8") != identity:
            raise InputRejected(f"{folder} holds what other networks found; choose another folder, or empty it")

    def scan(self, spec: ScreeningSpec, *, noise: int = 0) -> SegmentedScan:
        """The scan of a specification; another `noise` is the same person once more."""
        path = self._folder / f"{spec.name}-{noise}.npz"
        if not path.exists():
            self._make(spec, noise, path)
        return _read(spec, path)

    def all(self, specs: Iterable[ScreeningSpec], watch: Callable[[], None]) -> Iterator[SegmentedScan]:
        """Scans one after the other; `watch` is told when one is done."""
        for spec in specs:
            yield self.scan(spec)
            watch()

    def _make(self, spec: ScreeningSpec, noise: int, path: Path) -> None:
        drawn = draw_scan(draw_setting(spec), noise=noise)
        spine = segment_spine(drawn.volume, self._model)
        if isinstance(spine, Reason):
            found, label_map = _Found(reason=spine), b""
        else:
            found = _Found(vertebrae=spine.vertebrae, limitations=spine.limitations)
            label_map = label_map_to_bytes(spine.label_map)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                hu=drawn.volume.hu.astype(np.int16),
                truth=drawn.truth,
                core_hu=np.array([[level.number, hu] for level, hu in drawn.core_hu.items()]).reshape(-1, 2),
                affine=drawn.volume.affine.matrix,
                found=np.frombuffer(_FOUND.dump_json(found), dtype=np.uint8),
                label_map=np.frombuffer(label_map, dtype=np.uint8),
            )
        partial.rename(path)


def _read(spec: ScreeningSpec, path: Path) -> SegmentedScan:
    with np.load(path, allow_pickle=False) as kept:
        affine = Affine(kept["affine"])
        volume = Volume(hu=kept["hu"].astype(np.float32), affine=affine, frame_of_reference=FRAME)
        core_hu = {VertebralLevel.from_number(int(number)): float(hu) for number, hu in kept["core_hu"]}
        truth, label_map = kept["truth"], kept["label_map"].tobytes()
        found = _FOUND.validate_json(kept["found"].tobytes())
    spine = found.reason or SpineSegmentation(
        label_map=label_map_from_bytes(label_map), vertebrae=found.vertebrae, limitations=found.limitations
    )
    return SegmentedScan(setting=draw_setting(spec), volume=volume, truth=truth, core_hu=core_hu, spine=spine)
