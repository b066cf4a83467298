"""Whether contrast agent is in the blood, and how far it has come."""

from __future__ import annotations

from enum import StrEnum


class ContrastPhase(StrEnum):
    """What headers and blood in the aorta together say."""

    NATIVE = "native"
    VENOUS = "venous"  # as bright as in the portal venous phase, or later
    ARTERIAL = "arterial"
    UNKNOWN = "unknown"
