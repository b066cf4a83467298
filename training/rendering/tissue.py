"""CT numbers inside the body, before the scanner: materials with texture, marrow and cortex, and rare odd things."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from training.anatomy.labels import BODIES, BONE_OF_LABEL, POSTERIORS, Part
from training.rendering.materials import Materials
from training.rendering.texture import Shape, blurred, seeded, smooth_noise, white_noise

# How often an image has each of these. Plausible choices.
_PATCHY_MARROW, _BRIGHT_SPOTS, _METAL_OR_CEMENT, _VOIDS = 0.15, 0.1, 0.05, 0.08
_METAL_HU = 1800.0


def _membership(labels: tuple[int, ...]) -> Tensor:
    table = torch.zeros(256, dtype=torch.bool)
    table[list(labels)] = True
    return table


#: Of every label.
IS_BONE = torch.from_numpy(BONE_OF_LABEL > 0)
_IS_POSTERIOR = _membership((*POSTERIORS, Part.CERVICAL))
_IS_BODY = _membership(BODIES)


def cortex_added(image: Tensor, labels: Tensor, depth_mm: Tensor, materials: Materials, *, voxel_mm: float) -> Tensor:
    """The image with the cortex of every bone, shape (k, j, i), HU.

    Cortex is thinner than a voxel: a voxel is as bright as the mean of what lies in it.

    Parameters
    ----------
    depth_mm
        How far inside its bone the centre of each voxel lies; negative outside.
    voxel_mm
        Of the voxels that depths are of.
    """
    # the mean of exp(-(x / cortex)^2) over what of a voxel lies inside
    outer, inner = (((depth_mm + side * voxel_mm) / materials.cortex_mm).clamp(min=0.0) for side in (-0.5, 0.5))
    shell = (0.5 * math.sqrt(math.pi) * materials.cortex_mm / voxel_mm) * (torch.erf(inner) - torch.erf(outer))
    share = torch.where(_IS_POSTERIOR[labels], 1.0, materials.end_plate_share)
    return image + shell * share * (materials.cortex_hu - image.clamp(-100.0, 400.0))


def textured(
    labels: Tensor, depth_mm: Tensor, materials: Materials, rng: np.random.Generator, *, voxel_mm: float
) -> Tensor:
    """CT numbers with random texture, shape (k, j, i), HU.

    Parameters
    ----------
    labels
        Values of the template, int64, shape (k, j, i).
    depth_mm, voxel_mm
        See `cortex_added`.
    """
    generator = seeded(rng)
    shape: Shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    grain = white_noise(shape, generator)
    if rng.random() < 0.7:
        grain = blurred(grain, (1.0, 1.0, 1.0))
    image = materials.mean_hu[labels] + materials.grain_hu[labels] * grain / grain.std()
    image = _soft_tissue_textured(image, labels, rng, generator)
    bone = IS_BONE[labels]
    marrow = smooth_noise(shape, rng.uniform(2, 4), generator) * rng.uniform(5.0, 50.0)
    marrow += smooth_noise(shape, rng.uniform(6, 12), generator) * rng.uniform(0.0, 45.0)
    image = torch.where(bone, image + marrow, image)
    image = _odd_things_added(image, labels, bone, rng, generator)
    return cortex_added(image, labels, depth_mm, materials, voxel_mm=voxel_mm)


def _soft_tissue_textured(
    image: Tensor, labels: Tensor, rng: np.random.Generator, generator: torch.Generator
) -> Tensor:
    shape: Shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    streaks = smooth_noise(shape, rng.uniform(3, 8), generator)
    # Fat in the muscles of the back, and vessels and strands in fat.
    image = torch.where(labels == Part.ERECTOR, image + streaks * rng.uniform(0.0, 45.0), image)
    fatty = (labels == Part.VISCERAL_FAT) | (labels == Part.FAT)
    strands = (streaks > rng.uniform(0.7, 1.6)).float() * rng.uniform(0.0, 150.0)
    image = torch.where(fatty, image + strands, image)
    drift = smooth_noise(shape, 20.0, generator) * rng.uniform(0.0, 15.0)
    return torch.where(image > -500.0, image + drift, image)


def _odd_things_added(
    image: Tensor, labels: Tensor, bone: Tensor, rng: np.random.Generator, generator: torch.Generator
) -> Tensor:
    shape: Shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    if rng.random() < _PATCHY_MARROW:
        patches = bone & (smooth_noise(shape, 7.0, generator) > 1.3)
        image = torch.where(patches, image + float(rng.choice((-150.0, 400.0))) * rng.uniform(0.3, 1.0), image)
    if rng.random() < _VOIDS:
        voids = _IS_BODY[labels] & (smooth_noise(shape, 6.0, generator) > 1.6)
        image = torch.where(voids, torch.tensor(float(rng.uniform(-120.0, 20.0))), image)
    if rng.random() < _BRIGHT_SPOTS:
        spots = (smooth_noise(shape, 8.0, generator) > 2.2) & (image > -300.0)
        image = torch.where(spots, torch.tensor(float(rng.uniform(300.0, 2500.0))), image)
    if rng.random() < _METAL_OR_CEMENT:
        metal = (smooth_noise(shape, 3.0, generator) > 2.0) & _IS_BODY[labels]
        image = torch.where(metal, torch.tensor(_METAL_HU), image)
    return image
