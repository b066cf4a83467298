"""A vertebral body of noise in a box of noise: nothing about it is smooth, so that every voxel counts."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from models.box import grown
from models.crops import MARGIN_MM, BodyCrop
from models.vertebra import Vertebra
from node.domain.geometry import Affine
from node.domain.levels import VertebralLevel

_HALF_MM = (13.0, 15.0, 20.0)
_BOX_MM = (70.0, 80.0, 90.0)


def whole_scan(spacing_mm: tuple[float, float, float], *, origin: tuple[float, float, float] = (0, 0, 0)) -> BodyCrop:
    """A scan with one body in its middle, as a crop that cuts nothing off."""
    rng = np.random.default_rng(3)
    shape = tuple(round(extent / step) for extent, step in zip(_BOX_MM, spacing_mm, strict=True))
    hu = ndimage.gaussian_filter(rng.normal(0.0, 300.0, shape), 0.7)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) - (np.array(shape) - 1) / 2.0
    body = (np.abs(places * spacing_mm / np.array(_HALF_MM)) ** 2.6).sum(-1) < 1.0
    hu += np.where(body, 180.0, 40.0)
    return BodyCrop(
        hu=np.rint(hu).astype(np.int16),
        body=body,
        affine=Affine.from_spacing(spacing_mm, origin),
        vertebra=Vertebra(
            level=VertebralLevel.L1,
            ordinal=1,
            confidence=None,
            centroid_lps_mm=(0.0, 0.0, 0.0),
            up_lps=(0.0, 0.0, 1.0),
            segment_value=20,
        ),
    )


def cropped(scan: BodyCrop) -> BodyCrop:
    """The piece around the body that `segment` leaves."""
    (own,) = ndimage.find_objects(scan.body.astype(np.uint8))
    margin = np.ceil(MARGIN_MM / np.array(scan.affine.spacing_mm)).astype(int)
    k, j, i = box = grown(own, by=margin, shape=scan.body.shape)
    return BodyCrop(
        hu=scan.hu[box],
        body=scan.body[box],
        affine=scan.affine.shifted((k.start, j.start, i.start)),
        vertebra=scan.vertebra,
    )


def stored_backwards(scan: BodyCrop) -> BodyCrop:
    """The same scan, its slices stored from head to foot and its rows as columns."""
    hu, body = (array[::-1].transpose(0, 2, 1) for array in (scan.hu, scan.body))
    k, j, i = scan.affine.matrix[:3, :3].T
    last = scan.affine.to_lps(np.array((scan.hu.shape[0] - 1.0, 0.0, 0.0)))
    return BodyCrop(
        hu=np.ascontiguousarray(hu),
        body=np.ascontiguousarray(body),
        affine=Affine.from_steps(k=-k, j=i, i=j, origin=last),
        vertebra=scan.vertebra,
    )
