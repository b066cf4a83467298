"""A scan of the fracture set with its truth, by whichever family draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.volume import UInt8, Volume
from training.fracture_set.spec import Family, FractureScan
from training.heldout.bones import draw_injured
from training.heldout.imaging import Field, Kernel, Slicing, painted_soft_tissue, scanned, true_bodies, volume_of
from training.heldout.injuries import Injury
from training.heldout.palette import WidePalette
from training.heldout.posture import Placed, Posture, draw_posture
from training.phantom.changes import FractureKind, VariantKind
from training.phantom.chest import make_chest_ct
from training.phantom.spec import PhantomSpec
from training.true_heights import Heights

_STREAM = 20_290_000

# What the second family makes of a fracture's percentage, in front, in the middle and behind: shares of its own.
_LOSS: Mapping[FractureKind, tuple[float, float, float]] = {
    FractureKind.WEDGE: (1.0, 0.55, 0.0),
    FractureKind.BICONCAVE: (0.1, 1.0, 0.05),
    FractureKind.CRUSH: (1.0, 1.0, 0.95),
    FractureKind.BURST: (1.0, 0.9, 0.45),
}

#: Depth of the canal that a share of it is taken of, mm (plausible choice).
_CANAL_MM = 16.0

# A scan of the second family begins so far above its first whole body and ends so far below the last, mm.
_ABOVE_MM, _BELOW_MM = 12.0, 6.0
_DEEP_MM, _WIDE_MM, _GRAIN_PIXELS = 290.0, 390.0, 0.7

#: Neighbours differ in density, HU (standard deviation).
_NEIGHBOURS_HU = 8.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnScan:
    """A scan of the set.

    Parameters
    ----------
    truth
        VerSe numbers of the bodies, on the grid of the volume.
    heights
        Of the bodies that have a part in the scan, as they were drawn: fractures count, pits and missing corners do
        not.
    """

    scan: FractureScan
    volume: Volume
    truth: UInt8
    heights: Mapping[VertebralLevel, Heights]


@dataclass(frozen=True, slots=True, kw_only=True)
class _GivenMarrow(WidePalette):
    """Tissues of anybody, with marrow of a known mean CT number, HU."""

    trabecular_hu: float

    def marrow(self, rng: np.random.Generator) -> float:
        """Of ribs and pelvis: as that of vertebrae."""
        return self.trabecular_hu

    def marrow_of(self, level: VertebralLevel | None, marrow: float, rng: np.random.Generator) -> float:
        """Neighbours differ a little."""
        return marrow + rng.normal(0.0, _NEIGHBOURS_HU)


def draw_scan(scan: FractureScan) -> DrawnScan:
    """The voxels and their truth; the same scan gives the same ones."""
    if scan.family is Family.SECOND:
        return _of_second_family(scan)
    made = make_chest_ct(scan.spec)
    heights = {each.level: each.heights for each in made.truth.vertebrae}
    return DrawnScan(scan=scan, volume=made.volume, truth=made.labels.labels, heights=heights)


def injuries_of(scan: FractureScan) -> dict[VertebralLevel, Injury]:
    """What has happened to bodies of the second family."""
    injuries = {}
    for fracture in scan.spec.fractures:
        first, second, third = (share * fracture.percent / 100.0 for share in _LOSS[fracture.kind])
        burst = fracture.kind is FractureKind.BURST
        injuries[fracture.level] = Injury(
            loss=(first, second, third),
            fragment_mm=fracture.retropulsion * _CANAL_MM if burst else 0.0,
            pressed_hu=fracture.compacted_hu,
            seed=_seed(scan, fracture.level),
        )
    for variant in scan.spec.variants:
        injuries[variant.level] = Injury(
            pit_mm=variant.mm if variant.kind is VariantKind.SCHMORL_NODE else 0.0,
            corner_mm=variant.mm if variant.kind is VariantKind.LIMBUS else 0.0,
            seed=_seed(scan, variant.level),
        )
    return injuries


def _seed(scan: FractureScan, level: VertebralLevel) -> int:
    return scan.spec.seed * 100 + level.number


def _of_second_family(scan: FractureScan) -> DrawnScan:
    spec = scan.spec
    rng = np.random.default_rng((_STREAM, spec.seed))
    posture = draw_posture(rng, USUAL_LEVELS)
    slicing = Slicing(slice_mm=spec.slice_mm, pixel_mm=_WIDE_MM / spec.size)
    palette = _GivenMarrow(enhanced=False, trabecular_hu=spec.trabecular_hu)
    canvas = painted_soft_tissue(posture, _field(posture, spec), slicing, palette, rng)
    bones = draw_injured(canvas, posture, rng, palette=palette, injuries=injuries_of(scan))
    kernel = Kernel(blur_mm=spec.blur_mm, noise_hu=spec.noise_hu, grain=_GRAIN_PIXELS)
    hu = scanned(canvas, slicing, kernel, rng)
    truth = true_bodies(bones.covers, hu.shape, slicing)
    return DrawnScan(scan=scan, volume=volume_of(canvas, slicing, hu), truth=truth, heights=bones.heights)


def _field(posture: Posture, spec: PhantomSpec) -> Field:
    placed = {each.level: each for each in posture.named}
    first, last = placed[spec.first], placed[spec.lowest]
    return Field(
        low=_edge(last, -1.0) - _BELOW_MM, high=_edge(first, 1.0) + _ABOVE_MM, deep=_DEEP_MM, wide=_WIDE_MM, aside=0.0
    )


def _edge(placed: Placed, sign: float) -> float:
    """Highest or lowest point of a body along k, mm, however it leans."""
    backs = (-0.5 * placed.depth, 0.5 * placed.depth)
    heights = [float(placed.at(sign * 0.55 * placed.height, back, 0.0)[0]) for back in backs]
    return max(heights) if sign > 0.0 else min(heights)
