"""What a scanner and its reconstruction do to CT numbers: point spread, slice thickness, noise and edge enhancement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from training.rendering.texture import Shape, blurred, seeded, white_noise

# Ratio of the full width at half maximum of a Gaussian to its standard deviation.
_FWHM_PER_SIGMA = 2.355

# Slice thicknesses in mm and their shares; 0 is thinner than the grid.
_THICKNESSES, _THICKNESS_SHARES = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0), (0.12, 0.18, 0.16, 0.18, 0.22, 0.14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """How a scan is blurred and how noisy it is.

    Parameters
    ----------
    in_plane_mm
        Standard deviation of the point spread along j and i.
    slice_mm
        Thickness of the slices, along k.
    noise_hu
        Standard deviation of the noise.
    noise_grain
        Standard deviation, in voxels (k, j, i), of the blur that gives the noise its grain.
    sharpening
        Strength of the edge enhancement, 0 for none.
    """

    in_plane_mm: float
    slice_mm: float
    noise_hu: float
    noise_grain: tuple[float, float, float]
    sharpening: float

    def scanned(self, image: Tensor, spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> Tensor:
        """The image (k, j, i) as this scanner gives it, HU; spacing along k, j, i."""
        along = max(self.in_plane_mm, self.slice_mm / _FWHM_PER_SIGMA)
        sigma_k, sigma_j, sigma_i = (
            width / step for width, step in zip((along, self.in_plane_mm, self.in_plane_mm), spacing_mm, strict=True)
        )
        image = blurred(image, (sigma_k, sigma_j, sigma_i))
        if self.noise_hu > 0.0:
            shape: Shape = (image.shape[0], image.shape[1], image.shape[2])
            noise = blurred(white_noise(shape, seeded(rng)), self.noise_grain)
            image = image + noise * (self.noise_hu / noise.std())
        if self.sharpening > 0.0:
            image = image + self.sharpening * (image - blurred(image, (0.6, 1.0, 1.0)))
        return image


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """A scanner between a sharp, noisy kernel in thin slices and a smooth one in thick slices."""
    grain = rng.uniform(0.3, 0.9)
    return Scanner(
        in_plane_mm=float(rng.uniform(0.4, 1.3)),
        slice_mm=float(rng.choice(_THICKNESSES, p=_THICKNESS_SHARES)),
        noise_hu=float(10.0 ** rng.uniform(0.5, 2.0)),
        noise_grain=(float(rng.uniform(0.1, 0.8)), float(grain), float(grain)),
        sharpening=float(rng.uniform(0.0, 1.2)) if rng.random() < 0.35 else 0.0,
    )
