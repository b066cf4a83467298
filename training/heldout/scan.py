"""A whole scan of the second family, with the truth of its bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.volume import UInt8
from training.evaluation.case import Case
from training.heldout.bones import DrawnBones, draw_bones
from training.heldout.imaging import (
    Field,
    Kernel,
    Slicing,
    painted_soft_tissue,
    scanned,
    true_bodies,
    volume_of,
)
from training.heldout.palette import WidePalette
from training.heldout.posture import Posture, draw_posture

#: A vertebra at the end of the scan is whole where it is as high as this share of the one above.
_WHOLE = 0.85

#: What is asked of masks is asked of slices up to this, mm.
_THIN_MM = 3.0

#: Noise of a low dose, HU.
_LOW_DOSE_HU = 20.0

#: A field of view that cuts the trunk at both sides, mm.
_NARROW_MM = 300.0

_SLICES_MM, _SLICE_SHARES = (1.0, 1.5, 2.0, 3.0, 5.0), (0.2, 0.2, 0.25, 0.25, 0.1)


class Coverage(StrEnum):
    """What part of the trunk a scan shows."""

    CHEST = "chest"
    ABDOMEN = "abdomen"
    UPPER_ABDOMEN = "upper abdomen"
    TRUNK = "trunk"
    LUMBAR = "lumbar"
    MIDDLE = "middle of the chest"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutSpec:
    """A scan to be drawn; the same specification gives the same voxels.

    Parameters
    ----------
    seed
        All that is not said here follows from it.
    coverage
        `MIDDLE` shows neither the last rib nor the sacrum, `UPPER_ABDOMEN` the last ribs alone.
    odd
        Whether something is unusual: fractures, another number of vertebrae, screws, contrast agent, or a scan that is
        cut at the side.
    """

    seed: int
    coverage: Coverage = Coverage.TRUNK
    odd: bool = False


def draw_case(spec: HeldOutSpec) -> Case:
    """The scan and its truth."""
    rng = np.random.default_rng((20_270_000, spec.seed))
    levels = _levels(rng) if spec.odd and rng.random() < 0.4 else USUAL_LEVELS
    posture = draw_posture(rng, levels)
    slice_mm = float(rng.choice(_SLICES_MM, p=_SLICE_SHARES))
    field, pixel_mm = _field(rng, posture, spec)
    slicing = Slicing(slice_mm=slice_mm, pixel_mm=pixel_mm)
    palette = WidePalette(enhanced=spec.odd and bool(rng.random() < 0.5))
    canvas = painted_soft_tissue(posture, field, slicing, palette, rng)
    bones = draw_bones(canvas, posture, rng, palette=palette, odd=spec.odd)
    kernel = _kernel(rng)
    volume = volume_of(canvas, slicing, scanned(canvas, slicing, kernel, rng))
    truth = true_bodies(bones.covers, volume.shape, slicing)
    groups = (
        *_groups(spec, slice_mm=slice_mm, noise_hu=kernel.noise_hu),
        *_variant_groups(levels, t1_seen=bool((truth == VertebralLevel.T1.number).any())),
        *_end_groups(truth, levels),
        *_odd_groups(truth, bones, width_mm=truth.shape[2] * pixel_mm, enhanced=palette.enhanced),
    )
    return Case(name=f"{spec.coverage} {spec.seed}", volume=volume, truth=truth, groups=groups, is_synthetic=True)


def _groups(spec: HeldOutSpec, *, slice_mm: float, noise_hu: float) -> tuple[str, ...]:
    """What the scan has in common with others."""
    seen = spec.coverage is not Coverage.MIDDLE
    groups = [
        str(spec.coverage),
        "odd" if spec.odd else "usual",
        "sacrum or last ribs in view" if seen else "neither sacrum nor last ribs",
        f"noise {'below' if noise_hu < _LOW_DOSE_HU else 'from'} {_LOW_DOSE_HU:g} HU",
    ]
    groups += [f"slices of up to {_THIN_MM:g} mm"] if slice_mm <= _THIN_MM else []
    return tuple(groups)


def _variant_groups(levels: tuple[VertebralLevel, ...], *, t1_seen: bool) -> tuple[str, ...]:
    """Whether there is another number of vertebrae, and whether the scan cannot show that of the thoracic ones."""
    if levels == USUAL_LEVELS:
        return ("usual number of vertebrae",)
    thoracic = [level for level in levels if level.is_thoracic]
    hidden = len(thoracic) != len([level for level in USUAL_LEVELS if level.is_thoracic]) and not t1_seen
    return ("another number of vertebrae", *(("another number of thoracic ones, T1 not in view",) if hidden else ()))


def _end_groups(truth: UInt8, levels: tuple[VertebralLevel, ...]) -> tuple[str, ...]:
    """Whether the scan shows the last ribs, but not enough of the vertebra below to see that it has none."""
    last = next(level for level in reversed(levels) if level.is_thoracic)
    below = next(level for level in levels if not level.is_thoracic)
    last_high, below_high = ((truth == level.number).any(axis=(1, 2)).sum() for level in (last, below))
    cut = bool((truth[0] == below.number).any()) or not below_high
    return ("no whole vertebra below the last ribs",) if cut and below_high < _WHOLE * last_high else ()


def _odd_groups(truth: UInt8, bones: DrawnBones, *, width_mm: float, enhanced: bool) -> tuple[str, ...]:
    """What is unusual in what the scan shows, beside the number of vertebrae."""
    present = {
        "contrast agent": enhanced,
        "fractured body in view": any(bool((truth == level.number).any()) for level in bones.fractured),
        "screws in view": bones.has_screws,
        f"field narrower than {_NARROW_MM:g} mm": width_mm < _NARROW_MM,
    }
    return tuple(name for name, is_there in present.items() if is_there)


def _levels(rng: np.random.Generator) -> tuple[VertebralLevel, ...]:
    thoracic, lumbar = [(11, 5), (13, 5), (12, 4), (12, 6), (13, 4), (11, 6)][int(rng.integers(6))]
    names = [f"T{number}" for number in range(1, thoracic + 1)] + [f"L{number}" for number in range(1, lumbar + 1)]
    return tuple(VertebralLevel(name) for name in names)


def _field(rng: np.random.Generator, posture: Posture, spec: HeldOutSpec) -> tuple[Field, float]:
    """What the scan shows, and the size of its pixels, mm."""
    low, high = _extent(rng, posture, spec.coverage)
    pixel_mm = float(rng.uniform(1.0, 1.5))
    wide, deep = (2.0 * rng.uniform(120.0, 200.0), rng.uniform(230.0, 290.0)) if spec.odd else (390.0, 280.0)
    return Field(low=low, high=high, deep=deep, wide=wide, aside=rng.normal(0.0, 8.0)), pixel_mm


def _extent(rng: np.random.Generator, posture: Posture, coverage: Coverage) -> tuple[float, float]:
    """Lowest and highest place of the scan, mm."""
    heights = {placed.level: float(placed.centre[0]) for placed in posture.named}
    thoracic = [height for level, height in heights.items() if level is not None and level.is_thoracic]
    lumbar = [height for level, height in heights.items() if level is not None and not level.is_thoracic]
    above, below = thoracic[0] + 25.0, float(posture.sacrum.centre[0]) - 45.0
    if coverage is Coverage.CHEST:
        return lumbar[0] - rng.uniform(-12.0, 45.0), above
    if coverage is Coverage.ABDOMEN:
        return below - rng.uniform(0.0, 60.0), thoracic[-4] + rng.uniform(-20.0, 40.0)
    if coverage is Coverage.UPPER_ABDOMEN:
        return lumbar[2] + rng.uniform(-40.0, 35.0), thoracic[-5] + rng.uniform(-25.0, 45.0)
    if coverage is Coverage.LUMBAR:
        return below + rng.uniform(-10.0, 20.0), thoracic[-1] + rng.uniform(10.0, 60.0)
    if coverage is Coverage.MIDDLE:
        return thoracic[-3] + rng.uniform(5.0, 30.0), thoracic[1] + rng.uniform(-20.0, 30.0)
    return below - rng.uniform(0.0, 60.0), above


def _kernel(rng: np.random.Generator) -> Kernel:
    blur_mm = float(rng.uniform(0.35, 0.8))
    noise_hu, grain = float(10.0 ** rng.uniform(0.6, 1.7)), float(rng.uniform(0.4, 1.0))
    return Kernel(blur_mm=blur_mm, noise_hu=noise_hu, grain=grain)


def frozen_specs() -> Iterator[HeldOutSpec]:
    """The frozen set: 300 scans of all coverages, a third of them odd; then 50 without sacrum or last rib in view."""
    shown = (Coverage.CHEST, Coverage.ABDOMEN, Coverage.TRUNK, Coverage.LUMBAR, Coverage.UPPER_ABDOMEN)
    for number in range(300):
        yield HeldOutSpec(seed=number, coverage=shown[number % len(shown)], odd=number % 3 == 0)
    for number in range(300, 350):
        yield HeldOutSpec(seed=number, coverage=Coverage.MIDDLE)
