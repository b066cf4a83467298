"""A scan of the frozen screening set, with its truth and with what its headers and its site say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from models.core import trabecular_core
from models.crops import cut_body
from models.photons import HYDROXYAPATITE
from models.vertebra import Vertebra
from node.domain.acquisition import Acquisition
from node.domain.calibration import CalibratedScanner, Calibration, CalibrationMethod
from node.domain.levels import USUAL_LEVELS, VertebralLevel
from node.domain.volume import Float32, UInt8, Volume
from training.beam import Beam, draw_beam
from training.heldout.bones import draw_bones, paint_screws
from training.heldout.imaging import (
    Field,
    Kernel,
    Slicing,
    painted_soft_tissue,
    scanned,
    slices_of,
    true_bodies,
    volume_of,
)
from training.heldout.posture import Posture, draw_posture
from training.heldout.screening.spec import Fault, Phase, Reach, ScreeningSpec, Sharpness
from training.heldout.screening.tissues import PersonTissues, draw_tissues

_STREAM = 20_280_000

# Blur, mm; noise in slices of 1 mm, HU; size of its grains, pixels; edge enhancement. Plausible ranges.
_KERNELS = {
    Sharpness.SOFT: ((0.7, 0.9), (8.0, 18.0), (0.8, 1.1), (0.0, 0.0)),
    Sharpness.MEDIUM: ((0.5, 0.65), (12.0, 26.0), (0.6, 0.8), (0.0, 0.15)),
    Sharpness.SHARP: ((0.35, 0.48), (20.0, 40.0), (0.4, 0.6), (0.2, 0.6)),
}
#: How headers call them.
KERNEL_NAMES = {Sharpness.SOFT: "Hd20", Sharpness.MEDIUM: "Hd36", Sharpness.SHARP: "Hd48"}

# A scanner's CT numbers are off by so much: share of the distance from air, and HU (standard deviations).
_GAIN_SPREAD, _OFFSET_SPREAD_HU = 0.004, 2.0

# A phantom's scan does not find a scanner's equation exactly: share of the slope, and mg/cm3 (standard deviations);
# persons harden a beam more or less than the phantom did (keV). What all three do to a density is told with it, mg/cm3.
_SLOPE_ERROR, _INTERCEPT_ERROR_MG_CM3, _PERSONS_KEV = 0.015, 2.0, 1.0
_TOLD_ERROR_MG_CM3 = 4.0

#: Whose cores the set is about.
MEASURED = (VertebralLevel.L1, VertebralLevel.L2)

_NOWHERE = (0.0, 0.0, 0.0)

_WIDE_MM, _DEEP_MM = 390.0, 280.0
_OFFSETS_HU = (-400.0, -150.0, 150.0, 1024.0)

_MANUFACTURER = "Synthetic Second Family"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanner:
    """One scanner with a person in it.

    Parameters
    ----------
    phantom
        The beam that a phantom saw at 120 kV.
    """

    beam: Beam
    phantom: Beam
    gain: float
    offset_hu: float

    def shown(self, hu: Float32) -> Float32:
        """CT numbers as this scanner gives them."""
        gain, offset = np.float32(self.gain), np.float32(1000.0 - self.offset_hu)
        shown: Float32 = (hu + np.float32(1000.0)) * gain - offset
        return shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreeningSetting:
    """All of a scan but its voxels: person, scanner, headers and site.

    Parameters
    ----------
    acquisition
        What the headers say.
    scanners
        The calibrations of the site.
    """

    spec: ScreeningSpec
    posture: Posture
    scanner: _Scanner
    tissues: PersonTissues
    slicing: Slicing
    field: Field
    kernel: Kernel
    acquisition: Acquisition
    scanners: tuple[CalibratedScanner, ...]

    def density(self, hu: float) -> float:
        """The density of trabecular bone that has a CT number on this scanner without noise, mg/cm3."""
        material = (hu + 1000.0 - self.scanner.offset_hu) / self.scanner.gain - 1000.0
        slope = HYDROXYAPATITE.hu_per_mg_cm3(self.scanner.beam.energy_kev)
        return (material - self.tissues.brightened_hu) / slope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreeningScan:
    """What was drawn.

    Parameters
    ----------
    truth
        VerSe numbers of the bodies, on the grid of the volume.
    core_hu
        True mean in the cores of L1 and L2 as far as they are in view, HU: on this scanner, before blur and noise. Bone
        is uneven, so that it differs a little from what was asked for.
    """

    setting: ScreeningSetting
    volume: Volume
    truth: UInt8
    core_hu: Mapping[VertebralLevel, float]


def draw_setting(spec: ScreeningSpec) -> ScreeningSetting:
    """The person, the scanner and the site of a specification."""
    rng = np.random.default_rng((_STREAM, spec.number))
    posture = draw_posture(rng, USUAL_LEVELS)
    scanner = _scanner(rng, spec)
    return ScreeningSetting(
        spec=spec,
        posture=posture,
        scanner=scanner,
        tissues=draw_tissues(rng, scanner.beam, spec.phase, spec.bmd_mg_cm3, USUAL_LEVELS),
        slicing=Slicing(slice_mm=spec.slice_mm, pixel_mm=float(rng.uniform(0.9, 1.3))),
        field=_field(rng, posture, spec.reach),
        kernel=_kernel(rng, spec),
        acquisition=_acquisition(spec),
        scanners=_calibration(rng, spec, scanner),
    )


def draw_scan(setting: ScreeningSetting, *, noise: int = 0) -> ScreeningScan:
    """The voxels.

    Parameters
    ----------
    noise
        Another number is the same person on the same scanner once more: only the noise differs.
    """
    spec = setting.spec
    rng = np.random.default_rng((_STREAM, spec.number, 1))
    canvas = painted_soft_tissue(setting.posture, setting.field, setting.slicing, setting.tissues, rng)
    bones = draw_bones(canvas, setting.posture, rng, palette=setting.tissues, odd=False)
    if spec.fault is Fault.METAL:
        paint_screws(canvas, [placed for placed in setting.posture.named if placed.level in MEASURED])
    canvas = replace(canvas, hu=setting.scanner.shown(canvas.hu))
    noise_rng = np.random.default_rng((_STREAM, spec.number, 2, noise))
    seen = scanned(canvas, setting.slicing, setting.kernel, noise_rng)
    truth = true_bodies(bones.covers, seen.shape, setting.slicing)
    core_hu = _true_cores(setting, volume_of(canvas, setting.slicing, slices_of(canvas, setting.slicing)), truth)
    seen, truth = _spoiled(rng, spec.fault, seen, truth)
    volume = volume_of(canvas, setting.slicing, seen)
    return ScreeningScan(setting=setting, volume=volume, truth=truth, core_hu=core_hu)


def _true_cores(setting: ScreeningSetting, painted: Volume, truth: UInt8) -> dict[VertebralLevel, float]:
    """Mean of what was painted in the core of the true bodies that are measured, HU."""
    found = {}
    for placed in setting.posture.named:
        level = placed.level
        if level is None or level not in MEASURED or not (truth == level.number).any():
            continue
        up, back, left = placed.axes[0].tolist()
        vertebra = Vertebra(
            level=level, ordinal=1, confidence=None, centroid_lps_mm=_NOWHERE, up_lps=(left, back, up), segment_value=1
        )
        (box,) = ndimage.find_objects((truth == level.number).astype(np.uint8))
        crop = cut_body(painted, box, truth[box] == level.number, vertebra=vertebra)
        core = trabecular_core(crop)
        if core.any():
            found[level] = float(painted.hu[box][core].mean())
    return found


def _scanner(rng: np.random.Generator, spec: ScreeningSpec) -> _Scanner:
    beam = draw_beam(rng, spec.kvp)
    reference = draw_beam(rng, 120.0)
    person_kev = float(rng.normal(0.0, _PERSONS_KEV))
    if spec.kvp == reference.kvp:
        reference = beam
    return _Scanner(
        beam=replace(beam, energy_kev=beam.energy_kev + person_kev),
        phantom=reference,
        gain=float(rng.normal(1.0, _GAIN_SPREAD)),
        offset_hu=float(rng.normal(0.0, _OFFSET_SPREAD_HU)),
    )


def _calibration(rng: np.random.Generator, spec: ScreeningSpec, scanner: _Scanner) -> tuple[CalibratedScanner, ...]:
    """What the site found with a phantom at 120 kV; nothing where it did not look."""
    slope_hu = HYDROXYAPATITE.hu_per_mg_cm3(scanner.phantom.energy_kev) * scanner.gain
    slope = float(rng.normal(1.0, _SLOPE_ERROR)) / slope_hu
    # water is as many HU off as the scanner says of it
    water_hu = 1000.0 * (scanner.gain - 1.0) + scanner.offset_hu
    intercept = float(rng.normal(0.0, _INTERCEPT_ERROR_MG_CM3)) - slope * water_hu
    if not spec.calibrated:
        return ()
    calibration = Calibration(
        name=f"phantom-{spec.name}",
        method=CalibrationMethod.ASYNCHRONOUS,
        slope_mg_cm3_per_hu=slope,
        intercept_mg_cm3=intercept,
        standard_error_mg_cm3=_TOLD_ERROR_MG_CM3,
    )
    return (CalibratedScanner(manufacturer=_MANUFACTURER, model=_model(spec), kvp=120.0, calibration=calibration),)


def _acquisition(spec: ScreeningSpec) -> Acquisition:
    return Acquisition(
        manufacturer=_MANUFACTURER,
        model=_model(spec),
        kvp=spec.kvp,
        kernel=KERNEL_NAMES[spec.sharpness],
        contrast_agent=spec.phase is not Phase.NATIVE,
        image_type=frozenset({"ORIGINAL", "PRIMARY", "AXIAL"}),
    )


def _model(spec: ScreeningSpec) -> str:
    return f"Unit {spec.name}"


def _field(rng: np.random.Generator, posture: Posture, reach: Reach) -> Field:
    heights = {placed.level: float(placed.centre[0]) for placed in posture.named}
    lumbar = [height for level, height in heights.items() if level is not None and not level.is_thoracic]
    thoracic = [height for level, height in heights.items() if level is not None and level.is_thoracic]
    below_l3 = lumbar[3] + rng.uniform(-15.0, 10.0)
    if reach is Reach.CHEST:
        low, high = below_l3, thoracic[0] + 25.0
    elif reach is Reach.UPPER_ABDOMEN:
        low, high = below_l3, thoracic[5] + rng.uniform(-20.0, 20.0)
    elif reach is Reach.ABDOMEN:
        low, high = float(posture.sacrum.centre[0]) - rng.uniform(45.0, 105.0), thoracic[-4] + rng.uniform(-20.0, 40.0)
    else:
        low, high = thoracic[-1] - rng.uniform(0.0, 8.0), thoracic[0] + 25.0
    return Field(low=low, high=high, deep=_DEEP_MM, wide=_WIDE_MM, aside=rng.normal(0.0, 8.0))


def _kernel(rng: np.random.Generator, spec: ScreeningSpec) -> Kernel:
    blur, noise, grain, sharpening = (float(rng.uniform(*limits)) for limits in _KERNELS[spec.sharpness])
    # as many photons make a thicker slice less noisy
    return Kernel(blur_mm=blur, noise_hu=noise / spec.slice_mm**0.5, grain=grain, sharpening=sharpening)


def _spoiled(rng: np.random.Generator, fault: Fault, hu: Float32, truth: UInt8) -> tuple[Float32, UInt8]:
    """What a wrong header or a broken export makes of the values."""
    if fault is Fault.HU_OFFSET:
        return hu + np.float32(rng.choice(_OFFSETS_HU)), truth
    if fault is Fault.MIRRORED:
        # front and back, or head and foot: an exchange of left and right cannot be seen in a spine
        axis = int(rng.integers(2))
        return np.ascontiguousarray(np.flip(hu, axis)), np.ascontiguousarray(np.flip(truth, axis))
    return hu, truth
