"""From the names that whole-body networks give to structures to the tissues that levels are judged by.

TotalSegmentator and the models that were trained on its data name whole vertebrae (`vertebrae_L1`), ribs
(`rib_left_12`), `sacrum`, hips and thigh bones. They have no discs and do not part a body from its arch.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from models.box import grown
from models.interpolate import on_grid
from models.resample import to_network_grid
from models.scan import PreparedScan
from models.tissues import Tissue
from node.domain.geometry import Affine
from node.domain.provenance import ModelIdentity
from node.domain.volume import Float32, UInt8

Bool = NDArray[np.bool_]
Labels = NDArray[np.integer]

_VERTEBRA = re.compile(r"vertebrae_([CTLS])[0-9]+")
_BODY_OF_PART = {
    "C": Tissue.CERVICAL_BODY,
    "T": Tissue.THORACIC_BODY,
    "L": Tissue.LUMBAR_BODY,
    "S": Tissue.S1_BODY,
}
_RIB = re.compile(r"rib_(left|right)_[0-9]+")
_PELVIS = re.compile(r"sacrum|hip_(left|right)|femur_(left|right)")

#: Grid that foreign networks are given, mm: that of TotalSegmentator's data; and the one that answers are given on.
GIVEN_MM, GRID_MM = (1.5, 1.5, 1.5), (3.0, 3.0, 3.0)

#: From the axes of DICOM (left, back, head) to those of NIfTI (right, front, head), and back.
FROM_LPS = np.diag((-1.0, -1.0, 1.0, 1.0))

#: The arch and its processes are thinner than this share of the body's inscribed ball.
_THICK_SHARE = 0.62

#: A voxel between two bodies that is this near to both is disc, mm.
_DISC_MM = 9.0


class StructureBackend(ABC):
    """A `TissueBackend` whose network names structures.

    Parameters
    ----------
    names
        Of its values.
    """

    def __init__(self, names: Mapping[int, str], device: torch.device) -> None:
        self._names = names
        self._device = device

    @property
    @abstractmethod
    def identity(self) -> ModelIdentity:
        """Which model it is."""

    @property
    @abstractmethod
    def training_data(self) -> str:
        """What it was trained on, a sentence."""

    @abstractmethod
    def segment(self, hu: Float32, grid: Affine) -> tuple[Labels, Affine]:
        """Values of structures, shape (k, j, i) with k towards the head, and their grid, from CT numbers on a grid."""

    @property
    def device(self) -> torch.device:
        """What it runs on."""
        return self._device

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Of the grid that answers are given on."""
        return GRID_MM

    def classify(self, scan: PreparedScan, *, flipped: tuple[int, ...] = ()) -> Float32:
        """Shares of volume for probabilities, shape (class, k, j, i)."""
        given = to_network_grid(scan.volume, GIVEN_MM)
        values = np.flip(given.hu, flipped).copy() if flipped else given.hu
        labels, affine = self.segment(values, given.affine)
        # The turned image has the place of the one that it was made from: so has what was found in it.
        tissues = tissues_of(labels, self._names, affine.spacing_mm)
        return shares_on(tissues, affine, grid=scan.grid.affine, shape=scan.grid.shape)


def wanted(names: Mapping[int, str]) -> dict[int, str]:
    """The structures among the names that tell something of a spine."""
    patterns = (_VERTEBRA, _RIB, _PELVIS)
    return {value: name for value, name in names.items() if any(pattern.fullmatch(name) for pattern in patterns)}


def tissues_of(labels: Labels, names: Mapping[int, str], spacing_mm: tuple[float, float, float]) -> UInt8:
    """The tissue of every voxel, shape (k, j, i).

    Parameters
    ----------
    labels
        What a network said, shape (k, j, i), k towards the head.
    names
        Of its values; what is not `wanted` is background.
    """
    tissues = np.full(labels.shape, Tissue.BACKGROUND, dtype=np.uint8)
    vertebrae: dict[int, str] = {}
    for value, name in wanted(names).items():
        match = _VERTEBRA.fullmatch(name)
        if match is not None:
            vertebrae[value] = match.group(1)
        elif _RIB.fullmatch(name):
            tissues[labels == value] = Tissue.RIB
        else:
            tissues[labels == value] = Tissue.SACRUM_OR_HIP
    for value, part in vertebrae.items():
        tissues[labels == value] = Tissue.SACRUM_OR_HIP if part == "S" else Tissue.POSTERIOR_ELEMENTS
    bodies = _bodies(labels, tuple(vertebrae), spacing_mm)
    for value, part in vertebrae.items():
        tissues[bodies == value] = _BODY_OF_PART[part]
    tissues[_discs(bodies, tissues, spacing_mm)] = Tissue.DISC
    return tissues


def shares_on(tissues: UInt8, affine: Affine, *, grid: Affine, shape: tuple[int, int, int]) -> Float32:
    """The share of every tissue in the voxels of a coarser grid, shape (class, k, j, i), the sum over classes is 1."""
    whole = (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
    widths = [max(1, round(new / old)) for new, old in zip(grid.spacing_mm, affine.spacing_mm, strict=True)]
    # The middle of an even number of voxels lies between two of them; SciPy counts it to the upper one.
    matrix = affine.matrix.copy()
    matrix[:3, 3] = affine.to_lps(np.array([-0.5 if width % 2 == 0 else 0.0 for width in widths]))
    averaged = Affine(matrix)
    shares = np.zeros((len(Tissue), *shape), dtype=np.float32)
    for tissue in Tissue:
        if tissue is not Tissue.BACKGROUND:
            field = ndimage.uniform_filter((tissues == tissue).astype(np.float32), widths)
            shares[tissue] = on_grid(field, averaged, grid=grid, box=whole)
    total = shares.sum(0)
    shares /= np.maximum(total, 1.0)
    shares[Tissue.BACKGROUND] = np.maximum(1.0 - total, 0.0)
    return shares


def _bodies(labels: Labels, values: tuple[int, ...], spacing_mm: tuple[float, float, float]) -> Labels:
    """The bodies of whole vertebrae, each with its value: what is as thick as a body, in one piece."""
    bodies = np.zeros_like(labels)
    if not values:
        return bodies
    boxes = ndimage.find_objects(np.where(np.isin(labels, values), labels, 0))
    for value in values:
        box = boxes[value - 1] if value <= len(boxes) else None
        if box is None:
            continue
        near = grown(box, by=(1, 1, 1), shape=labels.shape)
        vertebra = np.pad(labels[near] == value, 1)
        depth = ndimage.distance_transform_edt(vertebra, sampling=spacing_mm)
        radius = _THICK_SHARE * float(depth.max())
        pieces, _ = ndimage.label(depth > radius)
        core = pieces == pieces[np.unravel_index(int(depth.argmax()), depth.shape)]
        body = vertebra & (ndimage.distance_transform_edt(~core, sampling=spacing_mm) <= radius)
        bodies[near][body[1:-1, 1:-1, 1:-1]] = value
    return bodies


def _discs(bodies: Labels, tissues: UInt8, spacing_mm: tuple[float, float, float]) -> Bool:
    """What lies between two neighbouring bodies, and a seam where they touch."""
    discs = np.zeros(bodies.shape, dtype=np.bool_)
    boxes = {value: box for value, box in enumerate(ndimage.find_objects(bodies), start=1) if box is not None}
    order = sorted(boxes, key=lambda value: boxes[value][0].start + boxes[value][0].stop)
    margins = [int(np.ceil(2.0 * _DISC_MM / step)) for step in spacing_mm]
    for lower, upper in pairwise(order):
        near = grown(boxes[lower], by=margins, shape=bodies.shape)
        part = bodies[near]
        if not (part == upper).any():
            continue
        below, above = (ndimage.distance_transform_edt(part != value, sampling=spacing_mm) for value in (lower, upper))
        free = np.isin(tissues[near], (Tissue.BACKGROUND, Tissue.POSTERIOR_ELEMENTS))
        # Beside the bodies the ways to both are as short: only what stands over one and under the other is disc.
        column = (part == lower).any(0) & (part == upper).any(0)
        between = free & (below <= _DISC_MM) & (above <= _DISC_MM) & column
        seam = ((part == lower) & (above <= max(spacing_mm))) | ((part == upper) & (below <= max(spacing_mm)))
        discs[near] |= between | seam
    return discs
