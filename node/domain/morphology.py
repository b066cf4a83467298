"""What a vertebral body looks like after a fracture, or without one."""

from __future__ import annotations

from enum import StrEnum


class MorphologyClass(StrEnum):
    """The morphology item of the Assessment System of Thoracolumbar Osteoporotic Fractures, in its order.

    Scientific Reports 2018, s41598-018-26562-7, table 7: normal 0, compression 1, burst 2. Its other items (MRI, bone
    density, pain) cannot be seen on CT, so this is no score of that system.
    """

    NONE = "none"
    COMPRESSION = "compression"
    BURST = "burst"
