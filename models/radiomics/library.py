"""pyradiomics, which does the counting: its filters, and its groups of features by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from radiomics import firstorder, glcm, gldm, glrlm, glszm, imageoperations, ngtdm, shape

# It writes to the standard error stream by itself: a remark with each co-occurrence matrix, and a traceback where a
# feature is not defined, which the caller sees in the value.
logging.getLogger("radiomics").setLevel(logging.CRITICAL)


class FeatureClass(Protocol):
    """A group of features of one image; names are pyradiomics's."""

    def __init__(self, image: object, mask: object, **settings: object) -> None: ...

    @classmethod
    def getFeatureNames(cls) -> Mapping[str, bool]:  # noqa: N802
        """The features, and whether each is deprecated."""

    def enableFeatureByName(self, name: str) -> None:  # noqa: N802
        """Ask for one of them."""

    def execute(self) -> Mapping[str, float]:
        """What was asked for."""


#: The features of the body's outline, which no filter changes.
SHAPE = "shape"

#: All groups by the names that pyradiomics gives them.
CLASSES: Mapping[str, type[FeatureClass]] = {
    SHAPE: shape.RadiomicsShape,
    "firstorder": firstorder.RadiomicsFirstOrder,
    "glcm": glcm.RadiomicsGLCM,
    "glrlm": glrlm.RadiomicsGLRLM,
    "glszm": glszm.RadiomicsGLSZM,
    "gldm": gldm.RadiomicsGLDM,
    "ngtdm": ngtdm.RadiomicsNGTDM,
}

__all__ = ["CLASSES", "SHAPE", "FeatureClass", "imageoperations"]
