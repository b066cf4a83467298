"""Bone density in three words, as quantitative CT of the lumbar spine has them."""

from __future__ import annotations

from enum import StrEnum

# Mean trabecular density of two lumbar vertebrae, mg/cm3, of post-menopausal women and older men: Chinese expert
# consensus (PMC7495321, table 2).
NORMAL_ABOVE_MG_CM3 = 120.0
OSTEOPOROSIS_BELOW_MG_CM3 = 80.0

#: Densities that trabecular bone can have, mg/cm3: fatty marrow lies a little below 0, the densest bone far below 400.
PLAUSIBLE_MG_CM3 = (-60.0, 400.0)


class BoneCategory(StrEnum):
    """What quantitative CT calls a bone; the order of the members is that of a classifier's outputs."""

    NORMAL = "normal"
    OSTEOPENIA = "osteopenia"
    OSTEOPOROSIS = "osteoporosis"

    @classmethod
    def of(cls, bmd_mg_cm3: float) -> BoneCategory:
        """The category of a trabecular bone mineral density, mg/cm3, as precisely as it is told: a tenth."""
        bmd_mg_cm3 = round(bmd_mg_cm3, 1)
        if bmd_mg_cm3 < OSTEOPOROSIS_BELOW_MG_CM3:
            return cls.OSTEOPOROSIS
        return cls.NORMAL if bmd_mg_cm3 > NORMAL_ABOVE_MG_CM3 else cls.OSTEOPENIA
