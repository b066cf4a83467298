"""Values of the voxels of a template: every bone keeps its own, and what it is to the spine network."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import numpy as np

from models.tissues import Tissue
from node.domain.levels import VertebralLevel
from node.domain.volume import UInt8


class Side(StrEnum):
    """Left or right of the patient."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def sign(self) -> int:
        """+1 towards the patient's left, where the axis i points."""
        return 1 if self is Side.LEFT else -1


class Part(IntEnum):
    """A part of the trunk that has one value; numbered bones have one each, see the functions below."""

    AIR = 0
    S1_BODY = 30
    SACRUM = 31
    HIP = 32
    FEMUR = 33
    CERVICAL = 34
    STERNUM = 35
    SHOULDER = 36
    ARM_BONE = 37
    CERVICAL_BODY = 38
    SKIN = 160
    FAT = 161
    VISCERAL_FAT = 162
    MUSCLE = 163
    PSOAS = 164
    ERECTOR = 165
    LUNG = 166
    HEART = 167
    AORTA = 168
    VEIN = 169
    LIVER = 170
    SPLEEN = 171
    KIDNEY = 172
    RENAL_PELVIS = 173
    BOWEL_WALL = 174
    BOWEL_FIRST = 175
    BOWEL_LAST = 180
    CANAL = 181
    CORD = 182
    CARTILAGE = 183
    CALCIFICATION = 184
    TABLE = 185
    AIRWAY = 186
    LIGAMENT = 187
    CERVICAL_DISC = 188


_POSTERIOR = 40
_DISC = 80
_RIB = {Side.LEFT: 120, Side.RIGHT: 140}
_RIB_NUMBERS = range(1, 14)
_LEVELS = tuple(VertebralLevel)

#: Contents of bowel loops; each has a CT number of its own.
BOWEL_CONTENTS: tuple[int, ...] = tuple(range(Part.BOWEL_FIRST, Part.BOWEL_LAST + 1))


def body_label(level: VertebralLevel) -> int:
    """Value of the body of a vertebra."""
    return level.number


def posterior_label(level: VertebralLevel) -> int:
    """Value of arch and processes of a vertebra."""
    return _POSTERIOR + level.number


def disc_label(level: VertebralLevel) -> int:
    """Value of the disc below a vertebra."""
    return _DISC + level.number


def rib_label(number: int, side: Side) -> int:
    """Value of a rib, 1 to 13 from the head."""
    if number not in _RIB_NUMBERS:
        raise ValueError(f"a rib must have a number from 1 to 13, got {number}")
    return _RIB[side] + number


BODIES: tuple[int, ...] = tuple(body_label(level) for level in _LEVELS)
POSTERIORS: tuple[int, ...] = tuple(posterior_label(level) for level in _LEVELS)
DISCS: tuple[int, ...] = tuple(disc_label(level) for level in _LEVELS)
RIBS: tuple[int, ...] = tuple(rib_label(number, side) for side in Side for number in _RIB_NUMBERS)
PELVIS: tuple[int, ...] = (Part.S1_BODY, Part.SACRUM, Part.HIP, Part.FEMUR)
OTHER_BONES: tuple[int, ...] = (Part.CERVICAL, Part.CERVICAL_BODY, Part.STERNUM, Part.SHOULDER, Part.ARM_BONE)

#: Every value that is bone, with a cortex.
BONES: tuple[int, ...] = (*BODIES, *POSTERIORS, *RIBS, *PELVIS, *OTHER_BONES)


def _bone_table() -> UInt8:
    table = np.zeros(256, dtype=np.uint8)
    table[list(BONES)] = np.array(BONES, dtype=np.uint8)
    for level in _LEVELS:
        table[posterior_label(level)] = body_label(level)
    table[Part.S1_BODY] = Part.SACRUM
    table[Part.CERVICAL_BODY] = Part.CERVICAL
    table.setflags(write=False)
    return table


def _tissue_table() -> UInt8:
    table = np.full(256, Tissue.BACKGROUND, dtype=np.uint8)
    for level in _LEVELS:
        table[body_label(level)] = Tissue.THORACIC_BODY if level.is_thoracic else Tissue.LUMBAR_BODY
    table[[*POSTERIORS, Part.CERVICAL]] = Tissue.POSTERIOR_ELEMENTS
    table[[*DISCS, Part.CERVICAL_DISC]] = Tissue.DISC
    table[list(RIBS)] = Tissue.RIB
    table[[Part.SACRUM, Part.HIP, Part.FEMUR]] = Tissue.SACRUM_OR_HIP
    table[Part.S1_BODY] = Tissue.S1_BODY
    table[Part.CERVICAL_BODY] = Tissue.CERVICAL_BODY
    table.setflags(write=False)
    return table


#: Value to the bone that it is one piece with (arch and body are one bone), 0 for what is no bone; shape (256,).
BONE_OF_LABEL: UInt8 = _bone_table()

#: Value to the class of the spine network, shape (256,).
TISSUE_OF_LABEL: UInt8 = _tissue_table()
