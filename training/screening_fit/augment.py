"""What is changed in a case each time that it is learned from, so that few scans teach much."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import torch
from monai.transforms import Compose, RandAffined, RandGaussianNoised, RandGaussianSmoothd
from torch import Tensor

from models.screening.case import BodyImage, References, ScreeningCase

# Plausible choices: how far bodies are turned and moved, as masks and axes are never exact, degrees and pixels; how
# noisy and how blurred scanners are, HU and pixels.
_TURN_DEGREES, _MOVE_PIXELS, _ZOOM = 8.0, 3.0, 0.06
_NOISE_HU, _BLUR_PIXELS = 25.0, (0.3, 1.0)
_MOVED, _NOISY, _BLURRED = 0.8, 0.4, 0.3

# How far scanners are off, as a share of the CT number and in HU; the reference tissues are read with the same error.
# Small, because scans bring along how far their own scanners are off.
_SCALE, _SHIFT_HU = 0.015, 3.0
_SCALED_REFERENCES = ("blood_hu", "muscle_hu", "fat_hu")

# How far references are read wrongly on top, HU, and how often one of them, and all, are unknown.
_REFERENCE_HU = 2.0
_UNKNOWN, _ALL_UNKNOWN = 0.15, 0.1

#: Axial and coronal planes are mirrored: left and right of a body look alike. Head and foot never change places.
_MIRRORED = (0, 1)
_MIRROR = 0.5

_IMAGE, _BODY = "hu", "body"


class Augmentation:
    """Changes cases by chance; the same generator gives the same change."""

    def __init__(self) -> None:
        self._transform = Compose(
            [
                RandAffined(
                    keys=(_IMAGE, _BODY),
                    prob=_MOVED,
                    rotate_range=float(np.deg2rad(_TURN_DEGREES)),
                    translate_range=_MOVE_PIXELS,
                    scale_range=_ZOOM,
                    mode=("bilinear", "nearest"),
                    padding_mode=("border", "zeros"),
                ),
                RandGaussianSmoothd(keys=_IMAGE, prob=_BLURRED, sigma_x=_BLUR_PIXELS, sigma_y=_BLUR_PIXELS),
                RandGaussianNoised(keys=_IMAGE, prob=_NOISY, std=_NOISE_HU),
            ]
        )

    def __call__(self, case: ScreeningCase, rng: np.random.Generator) -> ScreeningCase:
        """The case, changed."""
        scale, shift = 1.0 + rng.uniform(-_SCALE, _SCALE), rng.uniform(-_SHIFT_HU, _SHIFT_HU)
        mirrored = bool(rng.random() < _MIRROR)
        l1 = self._image(case.l1, rng, scale, shift, mirrored=mirrored)
        l2 = None if case.l2 is None else self._image(case.l2, rng, scale, shift, mirrored=mirrored)
        return ScreeningCase(l1=l1, l2=l2, references=_references(case.references, rng, scale, shift))

    def _image(
        self, image: BodyImage, rng: np.random.Generator, scale: float, shift: float, *, mirrored: bool
    ) -> BodyImage:
        self._transform.set_random_state(seed=int(rng.integers(2**31)))
        # moved as the distance from 0, or what comes in at the edge would be scaled twice
        content = {_IMAGE: image.hu.astype(np.float32), _BODY: image.body.astype(np.float32)}
        changed = self._transform(content)
        hu, body = _array(changed[_IMAGE]) * scale + shift, _array(changed[_BODY]) >= 0.5
        if mirrored:
            for plane in _MIRRORED:
                hu[plane], body[plane] = hu[plane, :, ::-1].copy(), body[plane, :, ::-1].copy()
        if not body.any((1, 2)).all():
            return image
        return BodyImage(hu=np.clip(np.rint(hu), -32768, 32767).astype(np.int16), body=body)


def _array(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return torch.as_tensor(tensor).numpy().astype(np.float32)


def _references(references: References, rng: np.random.Generator, scale: float, shift: float) -> References:
    """What the tissues would read on that scanner, with some unknown."""
    nothing = rng.random() < _ALL_UNKNOWN
    changed: dict[str, float | None] = {}
    for field, value in zip(fields(References), references.values, strict=True):
        unknown, error = rng.random() < _UNKNOWN, rng.normal(0.0, _REFERENCE_HU)
        if value is None or nothing or unknown:
            changed[field.name] = None
        elif field.name in _SCALED_REFERENCES:
            changed[field.name] = value * scale + shift + error
    return replace(references, **changed)
