"""Whether blood in the aorta and the headers say that contrast agent is in bone, and how much of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.beam import KVP_RANGE, effective_energy_kev
from models.correction import NOTHING, Correction
from models.photons import IODINE
from node.domain.acquisition import Acquisition
from node.domain.contrast import ContrastPhase
from node.domain.reference_tissues import ReferenceTissue, TissueReferences

#: Blood without contrast agent, HU: 42 with a standard deviation of 8 (plausible: it goes with the haematocrit), at any
#: tube voltage. Below the limits is no blood, above them is contrast agent.
NATIVE_BLOOD_HU, NATIVE_BLOOD_SD_HU = 42.0, 8.0
_NATIVE_LIMITS_HU = (18.0, 70.0)

#: Where the headers say that contrast agent was given, blood is native up to this alone, HU: then it was swallowed, or
#: had not come yet.
_NATIVE_AGAINST_HEADER_HU = 60.0

#: From so much iodine in the aorta on, mg/ml, it is the arterial phase: 200 HU at 120 kV (plausible; 150 is usual in
#: the portal venous phase, 300 and more in the arterial one).
ARTERIAL_MG_ML = 6.1

# Of what blood is brighter, L1 is brighter by this share in the portal venous phase: 11.2 HU (standard deviation 19.2,
# Pickhardt 2016, n = 157) and 25.7 HU (ESR 2025, n = 288), where the aorta is brighter by some 107 HU (plausible; the
# papers do not give it). The share is that of their middle, 18.5 HU; its spread that of one person in the first.
_USUAL_ENHANCEMENT_HU = 107.0
BONE_SHARE = 18.5 / _USUAL_ENHANCEMENT_HU
BONE_SHARE_SD = 19.2 / _USUAL_ENHANCEMENT_HU

_USUAL_KVP = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """What is known about contrast agent in a scan.

    Parameters
    ----------
    blood_hu
        Of the aorta; `None` where it was not found.
    told
        What the headers say, in a sentence.
    """

    phase: ContrastPhase
    blood_hu: float | None
    told: str

    @property
    def correction(self) -> Correction:
        """What takes the agent out of the CT number of trabecular bone.

        Raises
        ------
        ValueError
            Where the phase is one in which nothing is known about bone.
        """
        if self.phase is ContrastPhase.NATIVE:
            return NOTHING
        if self.phase is not ContrastPhase.VENOUS or self.blood_hu is None:
            raise ValueError(f"bone cannot be corrected in phase {self.phase}")
        enhancement = self.blood_hu - NATIVE_BLOOD_HU
        return Correction(
            shift_hu=-BONE_SHARE * enhancement,
            shift_sd_hu=math.hypot(BONE_SHARE_SD * enhancement, BONE_SHARE * NATIVE_BLOOD_SD_HU),
        )


def judge_contrast(
    acquisition: Acquisition, references: TissueReferences | None, *, blood_is_right: bool = True
) -> Contrast:
    """The phase by blood where the aorta was found, else by the headers, which know of no phase.

    Parameters
    ----------
    blood_is_right
        Whether the numbers are HU; else there is no phase.
    """
    if not blood_is_right:
        return Contrast(phase=ContrastPhase.UNKNOWN, blood_hu=None, told=_TOLD[acquisition.contrast_agent])
    blood = None if references is None else references.reading(ReferenceTissue.BLOOD)
    hu = None if blood is None or blood.mean_hu < _NATIVE_LIMITS_HU[0] else blood.mean_hu
    if hu is None:
        phase = ContrastPhase.NATIVE if acquisition.contrast_agent is False else ContrastPhase.UNKNOWN
    else:
        phase = _phase(hu, acquisition)
    return Contrast(phase=phase, blood_hu=hu, told=_TOLD[acquisition.contrast_agent])


_TOLD = {
    True: "The headers say that some was given.",
    False: "The headers say that none was given.",
    None: "The headers leave open whether some was given.",
}


def _phase(blood_hu: float, acquisition: Acquisition) -> ContrastPhase:
    limit = _NATIVE_AGAINST_HEADER_HU if acquisition.contrast_agent else _NATIVE_LIMITS_HU[1]
    if blood_hu <= limit:
        return ContrastPhase.NATIVE
    kvp = min(max(acquisition.kvp or _USUAL_KVP, KVP_RANGE[0]), KVP_RANGE[1])
    iodine_mg_ml = (blood_hu - NATIVE_BLOOD_HU) / IODINE.hu_per_mg_cm3(effective_energy_kev(kvp))
    return ContrastPhase.ARTERIAL if iodine_mg_ml > ARTERIAL_MG_ML else ContrastPhase.VENOUS
