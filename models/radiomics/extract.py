"""Values of radiomic features, by pyradiomics: only those that are asked for, of the images that they need."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import SimpleITK
from scipy import ndimage

from models.box import Box, corner, size
from models.crops import BodyCrop
from models.radiomics.definition import RadiomicsDefinition
from models.radiomics.filters import as_image, filtered_images
from models.radiomics.library import CLASSES
from models.radiomics.names import FeatureName, check_known
from models.radiomics.region import BodyRegion, body_region
from node.domain.reasons import Reason, ReasonCode

#: Names that a reason tells; a constant region leaves hundreds undefined.
_TOLD = 3


def extract_features(
    crop: BodyCrop, names: Sequence[str], definition: RadiomicsDefinition
) -> Mapping[str, float] | Reason:
    """The features of a body by name, in the order of the names, or why it has none.

    Parameters
    ----------
    names
        Some of `all_features`; the time goes with the images and groups that they need.
    """
    region = body_region(crop, definition.grid)
    return region if isinstance(region, Reason) else features_of(region, names, definition)


def features_of(
    region: BodyRegion, names: Sequence[str], definition: RadiomicsDefinition
) -> Mapping[str, float] | Reason:
    """The features of a region by name, all of them finite numbers; or that one is not defined for it.

    Raises
    ------
    ConfigurationError
        Where a name is none of `all_features`.
    """
    check_known(names, definition)
    even = _too_even(region, definition)
    if even is not None:
        return even
    (box,) = ndimage.find_objects(region.body.astype(np.uint8))
    mask = as_image(np.ascontiguousarray(region.body[box], dtype=np.float64), region.spacing_mm)
    mask = SimpleITK.Cast(mask, SimpleITK.sitkUInt32)
    wanted = _grouped(names)
    values: dict[str, float] = {}
    for image, found in filtered_images(region, definition, {image for image, _ in wanted}):
        own = _cut(found, box)
        for (of, group), features in wanted.items():
            if of == image:
                values |= _values(own, mask, FeatureName(image=image, group=group, feature=""), features, definition)
    undefined = [name for name in names if not math.isfinite(values[name])]
    if undefined:
        return Reason(code=ReasonCode.TEXTURE_UNDEFINED, detail=f"Among others {', '.join(undefined[:_TOLD])}.")
    return {name: values[name] for name in names}


def _too_even(region: BodyRegion, definition: RadiomicsDefinition) -> Reason | None:
    """Where all voxels are of one grey level, pyradiomics gives numbers that say nothing."""
    inside = region.hu[region.body]
    width = definition.discretisation.bin_width
    if np.floor(inside.min() / width) < np.floor(inside.max() / width):
        return None
    detail = f"All of the body reads {inside.min():.0f} to {inside.max():.0f} HU, one grey level of {width:g} HU."
    return Reason(code=ReasonCode.TEXTURE_UNDEFINED, detail=detail)


def _grouped(names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Features by image and group; those of the outline are taken with the image itself."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for name in names:
        parsed = FeatureName.parse(name)
        grouped.setdefault((parsed.image, parsed.group), []).append(parsed.feature)
    return grouped


def _values(
    image: SimpleITK.Image,
    mask: SimpleITK.Image,
    of: FeatureName,
    features: Iterable[str],
    definition: RadiomicsDefinition,
) -> dict[str, float]:
    """Features of one group of one image."""
    group = CLASSES[of.group](image, mask, **definition.settings)
    for feature in features:
        group.enableFeatureByName(feature)
    return {
        str(FeatureName(image=of.image, group=of.group, feature=feature)): float(np.squeeze(value))
        for feature, value in group.execute().items()
    }


def _cut(image: SimpleITK.Image, box: Box) -> SimpleITK.Image:
    """The part of an image in a box; groups of features need nothing around the body."""
    return SimpleITK.RegionOfInterest(image, size(box)[::-1], corner(box)[::-1])
