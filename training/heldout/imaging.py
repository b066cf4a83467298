"""From a painted trunk to slices and their truth, for scans of the second family."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from models.box import Box
from node.domain.geometry import Affine, Float64
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.volume import Float32, UInt8, Volume
from training.heldout.bones import Cover
from training.heldout.canvas import Canvas
from training.heldout.palette import Palette
from training.heldout.posture import Posture
from training.heldout.soft import SOFT_MM, soft_tissue

#: Layers are at most this thick, mm; thicker slices are averages of several.
_LAYER_MM = 1.3

_STORED_HU = (-1024.0, 3071.0)
#: The frame of reference of all scans of the family.
FRAME = Uid("2.25.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What of a trunk a scan shows, mm.

    Parameters
    ----------
    low, high
        Where it ends below and above; the centre of S1 is 0.
    deep, wide
        Size of the slices.
    aside
        How far the patient lies from the middle.
    """

    low: float
    high: float
    deep: float
    wide: float
    aside: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicing:
    """Thickness and distance of slices, and size of the pixels, mm."""

    slice_mm: float
    pixel_mm: float

    @property
    def layers(self) -> int:
        """How many layers are painted a slice."""
        return int(np.ceil(self.slice_mm / _LAYER_MM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """What reconstruction does to a slice.

    Parameters
    ----------
    blur_mm
        Standard deviation of the point spread.
    noise_hu
        Standard deviation of the noise.
    grain
        Size of its grains, pixels.
    sharpening
        Strength of the edge enhancement, 0 for none.
    """

    blur_mm: float
    noise_hu: float
    grain: float
    sharpening: float = 0.0


def painted_soft_tissue(
    posture: Posture, field: Field, slicing: Slicing, palette: Palette, rng: np.random.Generator
) -> Canvas:
    """The soft tissue on the grid of the layers."""
    middle = posture.middle(np.array((0.5 * (field.low + field.high),)))[0]
    count = max(6, round((field.high - field.low) / slicing.slice_mm)) * slicing.layers
    origin = np.array((field.low, middle[0] - 0.66 * field.deep, middle[1] - 0.5 * field.wide + field.aside))
    step = np.array((slicing.slice_mm / slicing.layers, slicing.pixel_mm, slicing.pixel_mm))
    shape = (count, round(field.deep / slicing.pixel_mm), round(field.wide / slicing.pixel_mm))
    coarse_shape = tuple(int(np.ceil(size * at / SOFT_MM)) + 2 for size, at in zip(shape, step, strict=True))
    coarse = soft_tissue(posture, origin, (coarse_shape[0], coarse_shape[1], coarse_shape[2]), rng, palette=palette)
    fine = ndimage.affine_transform(coarse, step / SOFT_MM, output_shape=shape, order=1, output=np.float32)
    return Canvas(hu=fine, origin=origin, step=step)


def slices_of(canvas: Canvas, slicing: Slicing) -> Float32:
    """Means over the layers of each slice, HU."""
    count, rows, columns = canvas.hu.shape
    layers = canvas.hu.reshape(count // slicing.layers, slicing.layers, rows, columns)
    means: Float32 = layers.mean(1, dtype=np.float32)
    return means


def scanned(canvas: Canvas, slicing: Slicing, kernel: Kernel, rng: np.random.Generator) -> Float32:
    """Slices with the blur and noise of a scanner, as whole numbers, HU."""
    hu = slices_of(canvas, slicing)
    blur = kernel.blur_mm / float(canvas.step[1])
    for index, plane in enumerate(hu):
        noise = rng.standard_normal(plane.shape, dtype=np.float32)
        noise = ndimage.gaussian_filter(noise, kernel.grain) - ndimage.gaussian_filter(noise, 4.0 * kernel.grain)
        seen = ndimage.gaussian_filter(plane, blur)
        if kernel.sharpening:
            seen += np.float32(kernel.sharpening) * (seen - ndimage.gaussian_filter(seen, 1.5 * blur))
        hu[index] = seen + noise * (kernel.noise_hu / max(float(noise.std()), 1e-6))
    stored: Float32 = np.clip(np.rint(hu), *_STORED_HU).astype(np.float32)
    return stored


def volume_of(canvas: Canvas, slicing: Slicing, hu: Float32) -> Volume:
    """Slices at their place."""
    first: Float64 = canvas.origin + np.array((0.5 * (slicing.layers - 1) * canvas.step[0], 0.0, 0.0))
    k, j, i = (float(at) for at in first)
    affine = Affine.from_spacing((slicing.slice_mm, slicing.pixel_mm, slicing.pixel_mm), (i, j, k))
    return Volume(hu=hu, affine=affine, frame_of_reference=FRAME)


def true_bodies(covers: tuple[Cover, ...], shape: tuple[int, ...], slicing: Slicing) -> UInt8:
    """VerSe numbers where more than half of a voxel is body, over all layers of a slice."""
    truth: UInt8 = np.zeros(shape, dtype=np.uint8)
    for level, box, cover in covers:
        _mark(truth, level, box, cover, slicing.layers)
    return truth


def _mark(truth: UInt8, level: VertebralLevel, box: Box, cover: Float32, layers: int) -> None:
    first, last = box[0].start // layers, -(-box[0].stop // layers)
    padded = np.zeros(((last - first) * layers, *cover.shape[1:]), dtype=np.float32)
    start = box[0].start - first * layers
    padded[start : start + cover.shape[0]] = cover
    share = padded.reshape(last - first, layers, *cover.shape[1:]).mean(1)
    view = truth[first:last, box[1], box[2]]
    view[share > 0.5] = level.number
