"""The images that features are taken of: the scan itself, Laplacians of Gaussians and wavelets, by pyradiomics."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product

import SimpleITK

from models.radiomics.definition import RadiomicsDefinition
from models.radiomics.library import imageoperations
from models.radiomics.region import BodyRegion, Float64

#: The scan without a filter, as pyradiomics calls it.
ORIGINAL = "original"

_LOG, _WAVELET = "log-sigma", "wavelet"


def image_types(definition: RadiomicsDefinition) -> tuple[str, ...]:
    """The names of all images, as pyradiomics gives them. Letters of wavelets are along left, back and head."""
    sigmas = map(_log_name, definition.filters.log_sigma_mm)
    bands = ("".join(letters) for letters in product("LH", repeat=3))
    return (ORIGINAL, *sigmas, *(f"{_WAVELET}-{band}" for band in bands))


def filtered_images(
    region: BodyRegion, definition: RadiomicsDefinition, wanted: Collection[str]
) -> Iterator[tuple[str, SimpleITK.Image]]:
    """The images of a region that are wanted, each with its name, on the region's grid."""
    image, mask = as_image(region.hu, region.spacing_mm), as_image(region.body.astype("float64"), region.spacing_mm)
    settings = definition.settings
    made: list[Iterator[tuple[SimpleITK.Image, str, object]]] = []
    if ORIGINAL in wanted:
        made.append(imageoperations.getOriginalImage(image, mask, **settings))
    sigmas = [sigma for sigma in definition.filters.log_sigma_mm if _log_name(sigma) in wanted]
    if sigmas:
        made.append(imageoperations.getLoGImage(image, mask, **{**settings, "sigma": sigmas}))
    if any(name.startswith(_WAVELET) for name in wanted):
        made.append(imageoperations.getWaveletImage(image, mask, **settings))
    for images in made:
        for found, name, _ in images:
            if name in wanted:
                yield name, found


def as_image(values: Float64, spacing_mm: float) -> SimpleITK.Image:
    """An image of SimpleITK with isotropic voxels."""
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing((spacing_mm,) * 3)
    return image


def _log_name(sigma: float) -> str:
    return f"{_LOG}-{str(sigma).replace('.', '-')}-mm-3D"
