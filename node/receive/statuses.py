"""What the listener answers to a C-STORE request.

References
----------
[1] DICOM PS3.4, table B.2-1: C-STORE response status values. A7xx, A9xx and Cxxx are ranges; which code of a range says
    what is ours to choose, and the Error Comment says it in words.
[2] DICOM PS3.7, section 9.1.1.1.9 and annex C: 0110H and 0122H, of any service.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

# PS3.7 annex C: Error Comment (0000,0902) is LO.
COMMENT_MAX_LENGTH = 64


class StoreStatus(IntEnum):
    """A status of a C-STORE response."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110  # [2] the node's own fault
    SOP_CLASS_NOT_SUPPORTED = 0x0122  # [2] other class than the presentation context's
    OUT_OF_RESOURCES = 0xA700  # [1] no room, too large, or the index cannot be written
    DOES_NOT_MATCH = 0xA900  # [1] the data set is not what the command says
    NOT_UNDERSTOOD = 0xC000  # [1] truncated, contradicting lengths, not in its transfer syntax
    INVALID_IDENTIFIER = 0xC001  # [1] a UID that is none
    MISSING_IDENTIFIER = 0xC002  # [1] no Study, Series or SOP Instance UID
    NO_DATA_SET = 0xC003  # [1] a command without a data set


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status of a response and, for the sender's log, why. `comment` is plain ASCII without identity."""

    status: StoreStatus
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.comment.isascii() or len(self.comment) > COMMENT_MAX_LENGTH:
            raise ValueError(f"a comment must be ASCII of at most {COMMENT_MAX_LENGTH} characters")


#: The comment of each status where nothing more precise is known.
COMMENTS: dict[StoreStatus, str] = {
    StoreStatus.SUCCESS: "",
    StoreStatus.PROCESSING_FAILURE: "internal error; its log tells more",
    StoreStatus.SOP_CLASS_NOT_SUPPORTED: "SOP class is not that of the presentation context",
    StoreStatus.OUT_OF_RESOURCES: "cannot be stored now; try again later",
    StoreStatus.DOES_NOT_MATCH: "SOP class or instance UID is not that of the command",
    StoreStatus.NOT_UNDERSTOOD: "data set is truncated or malformed",
    StoreStatus.INVALID_IDENTIFIER: "a UID does not follow PS3.5 section 9.1",
    StoreStatus.MISSING_IDENTIFIER: "Study, Series or SOP Instance UID is missing",
    StoreStatus.NO_DATA_SET: "C-STORE came without a data set",
}


def answer(status: StoreStatus) -> Answer:
    """The answer with the status's own comment."""
    return Answer(status=status, comment=COMMENTS[status])


SUCCESS = answer(StoreStatus.SUCCESS)
TOO_LARGE = Answer(status=StoreStatus.OUT_OF_RESOURCES, comment="object is larger than this node accepts")
DISK_FULL = Answer(status=StoreStatus.OUT_OF_RESOURCES, comment="not enough free disk; try again later")
