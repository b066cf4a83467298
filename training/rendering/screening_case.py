"""What the classifier of bone density would see of a synthetic person whose density is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.crops import BodyCrop
from models.photons import ADIPOSE, BLOOD, HYDROXYAPATITE, IODINE, LIPID, MUSCLE
from models.screening.case import References, ScreeningCase
from models.screening.image import body_image
from models.vertebra import Vertebra
from node.domain.geometry import Affine, Float64
from node.domain.levels import VertebralLevel
from training.anatomy.labels import BODIES, Part, body_label
from training.anatomy.template import Template
from training.beam import Beam, draw_beam
from training.rendering.deformation import deformation_around
from training.rendering.materials import Materials, draw_materials
from training.rendering.sample import HIGHEST_HU, OUTSIDE_HU, looked_up
from training.rendering.scanner import Scanner, draw_scanner
from training.rendering.surfaces import body_surfaces, depth_between_voxels
from training.rendering.texture import Shape, seeded, smooth_noise
from training.rendering.tissue import IS_BONE, cortex_added

#: Grid that both bodies are drawn on, and of the trunks that they are drawn from, mm.
CASE_SPACING_MM = 1.0
_SHAPE: Shape = (112, 72, 72)

#: What is drawn, mg/cm3: beyond 20 and 200, so that both ends have neighbours.
_BMD_MG_CM3 = (5.0, 225.0)
_KVP, _KVP_SHARES = (100.0, 120.0, 140.0), (0.25, 0.5, 0.25)
_VENOUS_SHARE = 0.3

# L2 against L1, mg/cm3 (standard deviation), and how marrow varies within a body: size of its parts, mm, and HU.
_APART_MG_CM3 = 5.0
_FINE_MM, _FINE_HU, _COARSE_MM, _COARSE_HU = (2.0, 4.0), (4.0, 30.0), (6.0, 12.0), (0.0, 12.0)

# Persons harden a beam (keV); scanners are off by a share of the distance from air, and HU. Standard deviations.
_PERSONS_KEV, _GAIN_SPREAD, _OFFSET_SPREAD_HU = 1.2, 0.005, 3.0

# Living tissues, see `training.heldout.screening.tissues`; other ranges, and normal instead of even ones.
_LIPID, _MUSCLE_EXTRA_HU, _FAT_IN_MUSCLE, _BLOOD = (0.65, 0.15), (8.0, 3.0), (0.12, 0.08), (0.85, 0.1)
_IODINE_MG_ML, _SHARED_BY_MARROW = (4.0, 1.2), (0.15, 0.05)

# How far a network's mask is off as a whole and in places, mm; and what is measured of tissues, HU.
_MASK_BIAS_MM, _MASK_UNEVEN_MM, _MASK_CELL_MM, _READING_HU = 0.4, 0.5, 8.0, 2.0

_OFF_CENTRE_MM = 4.0

#: Spread of the direction of the spine, as a share of its length.
_LEAN = 0.05

#: The truth is the mean deeper than this in the body, mm, and a body without any such voxel has none.
_TRUE_CORE_MM = 3.5

_AFFINE = Affine.from_spacing((CASE_SPACING_MM,) * 3, (0.0, 0.0, 0.0))

_LEVELS = (VertebralLevel.L1, VertebralLevel.L2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnCase:
    """A case and what is true of it.

    Parameters
    ----------
    bmd_mg_cm3
        Mean density of L1 and L2, mg/cm3 of hydroxyapatite.
    kvp
        Tube voltage, kV.
    enhanced
        Whether there was contrast agent.
    """

    case: ScreeningCase
    bmd_mg_cm3: float
    kvp: float
    enhanced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Tissues in a beam, HU; `brightened` is what contrast agent adds to marrow."""

    beam: Beam
    enhanced: bool
    fat: float
    muscle: float
    blood: float
    brightened: float
    gain: float
    offset: float

    def shown(self, hu: Tensor) -> Tensor:
        """CT numbers as the scanner gives them."""
        return (hu + 1000.0) * self.gain - 1000.0 + self.offset

    def density(self, hu: float) -> float:
        """What density marrow of a true CT number has, mg/cm3."""
        return (hu - self.brightened) / HYDROXYAPATITE.hu_per_mg_cm3(self.beam.energy_kev)


def draw_screening_case(template: Template, rng: np.random.Generator) -> DrawnCase | None:
    """A case; the same generator state gives the same one. `None` where a body came out too small to measure."""
    with torch.no_grad():
        person = _draw_person(rng)
        asked = float(rng.uniform(*_BMD_MG_CM3))
        apart = float(rng.normal(0.0, _APART_MG_CM3))
        densities = dict(zip(_LEVELS, (asked + apart, asked - apart), strict=True))
        labels, depth_mm, surfaces = _placed(template, rng)
        image = _painted(labels, _materials(rng, person, densities), rng)
        found = [_true_hu(image, surfaces, level) for level in _LEVELS]
        image = cortex_added(image, labels, depth_mm, draw_materials(rng), voxel_mm=CASE_SPACING_MM)
        scanner = draw_scanner(rng)
        image = scanner.scanned(person.shown(image), (CASE_SPACING_MM,) * 3, rng).clamp(OUTSIDE_HU, HIGHEST_HU)
        known = [hu for hu in found if hu is not None]
        if len(known) < len(_LEVELS):
            return None
        up = _up(surfaces, rng)
        crops = [_crop(image, surfaces[body_label(level)], level, up, rng) for level in _LEVELS]
        try:
            first, second = (body_image(crop) for crop in crops)
        except ValueError:
            return None
        return DrawnCase(
            case=ScreeningCase(l1=first, l2=second, references=_references(person, scanner, rng)),
            bmd_mg_cm3=float(np.mean([person.density(hu) for hu in known])),
            kvp=person.beam.kvp,
            enhanced=person.enhanced,
        )


def _draw_person(rng: np.random.Generator) -> _Person:
    beam = draw_beam(rng, float(rng.choice(_KVP, p=_KVP_SHARES)))
    energy = beam.energy_kev + float(rng.normal(0.0, _PERSONS_KEV))
    lipid, extra, infiltrated, share = (
        float(rng.normal(*each)) for each in (_LIPID, _MUSCLE_EXTRA_HU, _FAT_IN_MUSCLE, _BLOOD)
    )
    lipid, infiltrated = np.clip(lipid, 0.2, 1.0), max(infiltrated, 0.0)
    fat = lipid * LIPID.hounsfield(energy) + (1.0 - lipid) * ADIPOSE.hounsfield(energy)
    enhanced = bool(rng.random() < _VENOUS_SHARE)
    iodine = max(float(rng.normal(*_IODINE_MG_ML)), 1.0) if enhanced else 0.0
    enhancement = IODINE.hu_per_mg_cm3(energy) * iodine
    return _Person(
        beam=Beam(kvp=beam.kvp, energy_kev=energy),
        enhanced=enhanced,
        fat=float(fat),
        muscle=float((1.0 - infiltrated) * (MUSCLE.hounsfield(energy) + extra) + infiltrated * fat),
        blood=share * BLOOD.hounsfield(energy) + enhancement,
        brightened=max(float(rng.normal(*_SHARED_BY_MARROW)), 0.02) * enhancement,
        gain=float(rng.normal(1.0, _GAIN_SPREAD)),
        offset=float(rng.normal(0.0, _OFFSET_SPREAD_HU)),
    )


def _placed(template: Template, rng: np.random.Generator) -> tuple[Tensor, Tensor, dict[int, Tensor]]:
    """Labels around L1 and L2, depths in bone and distances from bodies, mm."""
    heights = [float(truth.centre_mm[0]) for truth in template.levels if truth.level in _LEVELS]
    back, left, up = rng.uniform(-_OFF_CENTRE_MM, _OFF_CENTRE_MM, 3).tolist()
    deformation = deformation_around(template, rng, anchor_mm=float(np.mean(heights)), offset_mm=(up, back, left))
    positions = deformation.positions(template, _SHAPE, CASE_SPACING_MM)
    labels, depth_mm, _ = looked_up(template, positions)
    surfaces = body_surfaces(template, positions, labels, spacing_mm=CASE_SPACING_MM)
    depth_mm = depth_between_voxels(depth_mm, surfaces.values(), voxel_mm=template.spacing_mm)
    return labels, depth_mm, surfaces


def _materials(rng: np.random.Generator, person: _Person, densities: dict[VertebralLevel, float]) -> Materials:
    """Tissues of the person; those that nothing is known of are anybody's."""
    materials = draw_materials(rng)
    mean = materials.mean_hu
    slope = HYDROXYAPATITE.hu_per_mg_cm3(person.beam.energy_kev)
    mean[list(BODIES)] = slope * float(np.mean(list(densities.values()))) + person.brightened
    for level, density in densities.items():
        mean[body_label(level)] = slope * density + person.brightened
    mean[[Part.FAT, Part.VISCERAL_FAT]] = person.fat
    mean[[Part.MUSCLE, Part.PSOAS, Part.ERECTOR]] = person.muscle
    mean[Part.AORTA] = person.blood
    return materials


def _painted(labels: Tensor, materials: Materials, rng: np.random.Generator) -> Tensor:
    """Tissues with the grain of marrow, and without cortex, HU."""
    generator = seeded(rng)
    shape: Shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    grain = smooth_noise(shape, rng.uniform(*_FINE_MM), generator) * rng.uniform(*_FINE_HU)
    grain += smooth_noise(shape, rng.uniform(*_COARSE_MM), generator) * rng.uniform(*_COARSE_HU)
    return torch.where(IS_BONE[labels], materials.mean_hu[labels] + grain, materials.mean_hu[labels])


def _true_hu(image: Tensor, surfaces: dict[int, Tensor], level: VertebralLevel) -> float | None:
    """Mean of the marrow deep in a body; `None` where nothing is deep enough."""
    distance = surfaces.get(body_label(level))
    if distance is None or not bool((distance < -_TRUE_CORE_MM).any()):
        return None
    return float(image[distance < -_TRUE_CORE_MM].mean())


def _crop(
    image: Tensor, distance: Tensor, level: VertebralLevel, up: tuple[float, float, float], rng: np.random.Generator
) -> BodyCrop:
    """The body as a network would draw it: a little off everywhere."""
    shape: Shape = (image.shape[0], image.shape[1], image.shape[2])
    uneven = smooth_noise(shape, _MASK_CELL_MM / CASE_SPACING_MM, seeded(rng)) * _MASK_UNEVEN_MM
    body = (distance + uneven < float(rng.normal(0.0, _MASK_BIAS_MM))).numpy()
    x, y, z = _AFFINE.to_lps(np.argwhere(body).astype(np.float64)).mean(0).tolist() if body.any() else (0.0,) * 3
    return BodyCrop(
        hu=image.round().to(torch.int16).numpy(),
        body=body,
        affine=_AFFINE,
        vertebra=Vertebra(
            level=level,
            ordinal=1 + _LEVELS.index(level),
            confidence=None,
            centroid_lps_mm=(x, y, z),
            up_lps=up,
            segment_value=level.number,
        ),
    )


def _up(surfaces: dict[int, Tensor], rng: np.random.Generator) -> tuple[float, float, float]:
    """Along the spine from L2 to L1 in LPS, nearly: a network's centreline leans a little."""
    upper, lower = (_AFFINE.to_lps(_middle(surfaces[body_label(level)])) for level in _LEVELS)
    along = (upper - lower) / np.linalg.norm(upper - lower) + rng.normal(0.0, _LEAN, 3)
    x, y, z = (along / np.linalg.norm(along)).tolist()
    return x, y, z


def _middle(distance: Tensor) -> Float64:
    middle: Float64 = torch.nonzero(distance < 0.0).double().mean(0).numpy()
    return middle


def _references(person: _Person, scanner: Scanner, rng: np.random.Generator) -> References:
    """What would be read of them."""
    shown = person.shown(torch.tensor([person.blood, person.muscle, person.fat]))
    blood, muscle, fat = (shown + torch.from_numpy(rng.normal(0.0, _READING_HU, 3)).float()).tolist()
    return References(
        kvp=person.beam.kvp,
        slice_mm=max(scanner.slice_mm, 0.6),
        noise_hu=scanner.noise_hu * float(rng.uniform(0.85, 1.15)),
        blood_hu=blood,
        muscle_hu=muscle,
        fat_hu=fat,
    )
