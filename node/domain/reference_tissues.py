"""What the tissues around the spine read in a scan: they tell of contrast agent, of the scanner and of its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from node.domain.reasons import Reason


class ReferenceTissue(StrEnum):
    """A material whose CT number is known before the scan."""

    AIR = "air"
    FAT = "fat"
    MUSCLE = "muscle"
    BLOOD = "blood"


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueReading:
    """CT numbers of one tissue.

    Parameters
    ----------
    mean_hu
        Mean without outliers, HU.
    sd_hu
        Standard deviation between pieces of some 2.5 mm, outliers left out, HU: more of the tissue than of noise.
    volume_mm3
        Of the region that was read.
    """

    mean_hu: float
    sd_hu: float
    volume_mm3: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.mean_hu, self.sd_hu, self.volume_mm3))):
            raise ValueError(f"a reading must be finite, got {self.mean_hu} HU")
        if self.volume_mm3 <= 0.0:
            raise ValueError(f"a reading must be of some volume, got {self.volume_mm3} mm3")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNoise:
    """Noise of the slices as they are.

    Parameters
    ----------
    sd_hu
        Standard deviation within soft tissue after its slow parts are taken out, HU.
    frequency_per_mm
        Mean spatial frequency of the noise power in a slice, line pairs a mm: the sharper the kernel, the higher.
    """

    sd_hu: float
    frequency_per_mm: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sd_hu) and self.sd_hu >= 0.0 and self.frequency_per_mm > 0.0):
            raise ValueError(f"noise must be finite, got {self.sd_hu} HU at {self.frequency_per_mm} a mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueReferences:
    """What was read near the spine, or why it was not.

    Parameters
    ----------
    air
        Outside of the patient.
    fat
        Under the skin.
    muscle
        Beside arches and bodies.
    blood
        In the aorta in front of the spine.
    """

    air: TissueReading | Reason
    fat: TissueReading | Reason
    muscle: TissueReading | Reason
    blood: TissueReading | Reason
    noise: ImageNoise | Reason

    def reading(self, tissue: ReferenceTissue) -> TissueReading | None:
        """The reading of a tissue, or `None` where there is none."""
        of_tissue = {
            ReferenceTissue.AIR: self.air,
            ReferenceTissue.FAT: self.fat,
            ReferenceTissue.MUSCLE: self.muscle,
            ReferenceTissue.BLOOD: self.blood,
        }
        found = of_tissue[tissue]
        return found if isinstance(found, TissueReading) else None
