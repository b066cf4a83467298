"""The cases of a manifest, made once and kept: reading and segmenting scans takes longer than learning from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from models.bone import measure_bone
from models.choice import load_spine_model
from models.crops import SpineCrops, crop_bodies
from models.density import DensityRule
from models.plausibility import check_hounsfield
from models.references import read_references
from models.resample import to_network_grid
from models.screening.answer import screening_case
from models.screening.case import FORM, ScreeningCase, case_from_bytes, case_to_bytes
from models.spine import SpineModel, segment_spine
from models.withheld import withheld_vertebrae
from node.domain.errors import InputRejected
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume
from training.cohort.manifest import Files, Scan
from training.cohort.rows import ManifestRejected, Problem
from training.images import grid_of, load_ct, read_grid, read_image
from training.screening_fit.bodies import crops_of_mask
from training.screening_fit.facts import acquisition_of, contradictions
from training.screening_fit.suitable import why_not_read

#: Grid that tissues around the spine are read on, mm: that of the network of the whole scan, as the node has it.
_AROUND_MM = (2.5, 2.5, 2.5)

#: Rises whenever the same scan would be shown otherwise, or not at all: cases by older code are not taken.
_RULES = 1

#: The suffix of a file that holds a case.
CASE_SUFFIX = ".npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownCase:
    """A scan of the manifest and what the classifier sees of it."""

    scan: Scan
    case: ScreeningCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A scan that the classifier cannot be shown, and why."""

    scan: Scan
    reason: Reason


def check_files(
    scans: Iterable[Scan | Files], watch: Callable[[], None] = lambda: None, *, known: Iterable[Problem] = ()
) -> None:
    """Make sure that every image and mask can be read and belongs together, before time is spent on any.

    Parameters
    ----------
    known
        What is wrong in the manifest already, told with the rest.

    Raises
    ------
    ManifestRejected
        Where something is wrong: everything with its row.
    """
    problems = list(known)
    for scan in scans:
        problems += _problems(scan)
        watch()
    if problems:
        raise ManifestRejected("the manifest", problems)


def _problems(scan: Scan | Files) -> Iterator[Problem]:
    try:
        if scan.image.suffix == CASE_SUFFIX:
            case_from_bytes(scan.image.read_bytes())
            if scan.mask is not None:
                yield Problem(row=scan.row, column="mask", what="must be empty: the image is a case with its own masks")
            return
        image = read_grid(scan.image)
    except (InputRejected, OSError) as error:
        yield Problem(row=scan.row, column="image", what=str(error))
        return
    if isinstance(scan, Scan):
        try:
            yield from contradictions(scan)
        except InputRejected as error:
            yield Problem(row=scan.row, column="image", what=str(error))
    if scan.mask is None:
        return
    try:
        labels, mask = read_image(scan.mask)
    except InputRejected as error:
        yield Problem(row=scan.row, column="mask", what=str(error))
        return
    if not np.rint(labels.astype(np.float32)).any():
        yield Problem(row=scan.row, column="mask", what="is empty: not one of its voxels belongs to a vertebra")
    if not image.is_that_of(mask):
        apart = f", corners up to {image.apart_mm(mask):.1f} mm apart" if image.shape == mask.shape else ""
        what = (
            f"does not lie on the grid of its image: {mask.shape} voxels instead of {image.shape}{apart}; resample it "
            "onto its image"
        )
        yield Problem(row=scan.row, column="mask", what=what)


class CaseBook:
    """Makes cases, and keeps them in a folder under names that follow from their files."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._folder = folder
        self._device = device
        folder.mkdir(parents=True, exist_ok=True)

    def case(self, scan: Scan) -> ScreeningCase | Reason:
        """What the classifier sees of a scan, or why it is shown nothing: by the rules of the node.

        What nobody says of a scan, such as its tube voltage, speaks against nothing here, nor does a density that no
        bone has, since nothing is calibrated. In a mask nobody looks for a mirrored image. A case was made by these
        rules, and is only asked for its tube voltage and the name of its kernel.

        Raises
        ------
        InputRejected
            Where a file cannot be read.
        """
        if scan.image.suffix == CASE_SUFFIX:
            return _checked(case_from_bytes(scan.image.read_bytes()), scan)
        path = self._folder / f"{self._key(scan)}{CASE_SUFFIX}"
        why_not = path.with_suffix(".json")
        if path.exists():
            return case_from_bytes(path.read_bytes())
        if why_not.exists():
            told = json.loads(why_not.read_text(encoding="utf-8"))
            return Reason(code=ReasonCode(told["code"]), detail=told["detail"])
        made = self._make(scan)
        if isinstance(made, Reason):
            _write(why_not, json.dumps({"code": made.code, "detail": made.detail}).encode())
        else:
            _write(path, case_to_bytes(made))
        return made

    def all(
        self, scans: Iterable[Scan], watch: Callable[[], None] = lambda: None
    ) -> tuple[tuple[KnownCase, ...], tuple[Excluded, ...]]:
        """The cases of all scans in their order, and the scans that have none; `watch` is told after each.

        Raises
        ------
        InputRejected
            Where a file cannot be read: its row.
        """
        known, excluded = [], []
        for scan in scans:
            try:
                made = self.case(scan)
            except InputRejected as error:
                raise InputRejected(f"row {scan.row}: {error}") from error
            if isinstance(made, Reason):
                excluded.append(Excluded(scan=scan, reason=made))
            else:
                known.append(KnownCase(scan=scan, case=made))
            watch()
        return tuple(known), tuple(excluded)

    def _make(self, scan: Scan) -> ScreeningCase | Reason:
        volume = load_ct(scan.image)
        refused = why_not_read(scan, volume) or check_hounsfield(volume).reason
        if refused is not None:
            return refused
        spine = self._bodies(scan, volume)
        if isinstance(spine, Reason):
            return spine
        tissues = read_references(volume, to_network_grid(volume, _AROUND_MM), [crop.vertebra for crop in spine.crops])
        rule = DensityRule(acquisition=acquisition_of(scan), references=tissues)
        if rule.against_learning is not None:
            return rule.against_learning
        unsound = withheld_vertebrae(measure_bone(spine, rule).vertebrae)
        return screening_case(replace(spine, references=tissues), kvp=rule.acquisition.kvp, unsound=unsound)

    def _bodies(self, scan: Scan, volume: Volume) -> SpineCrops | Reason:
        if scan.mask is None:
            spine = segment_spine(volume, self._networks)
            return spine if isinstance(spine, Reason) else crop_bodies(volume, spine)
        labels, grid = read_image(scan.mask)
        if not grid_of(volume).is_that_of(grid):
            raise InputRejected("the mask does not lie on the grid of its image")
        return crops_of_mask(volume, np.rint(labels.astype(np.float32)).astype(np.int32))

    @cached_property
    def _networks(self) -> SpineModel:
        return load_spine_model(self._device)

    def _key(self, scan: Scan) -> str:
        """Another one where files, what a row tells, the form of cases, rules or the segmenting networks are others."""
        parts = [str(FORM), str(_RULES), repr((scan.kvp, scan.kernel, scan.contrast))]
        for path in filter(None, (scan.image, scan.mask)):
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            parts += [f"{file.resolve()} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
        if scan.mask is None:
            parts += [identity.weights_sha256 for identity in self._networks.identities]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _checked(case: ScreeningCase, scan: Scan) -> ScreeningCase | Reason:
    """A case, or what its row and the case itself say against it."""
    acquisition = acquisition_of(scan)
    kvp = case.references.kvp if acquisition.kvp is None else acquisition.kvp
    return DensityRule(acquisition=replace(acquisition, kvp=kvp)).against_learning or case


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.rename(path)
