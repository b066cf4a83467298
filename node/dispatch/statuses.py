"""What a C-STORE status or a rejected association means for a delivery, as tables beside the standard."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What an answer means for the object that was sent."""

    DELIVERED = "delivered"
    WARNING = "delivered-with-warning"  # stored, but changed or doubted by the receiver
    TRANSIENT = "transient"  # a matter of this object, which may pass
    EXHAUSTED = "exhausted"  # may pass too, but the destination has no room for any object
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMeaning:
    """A range of status codes, both ends included, and what they mean."""

    first: int
    last: int
    verdict: Verdict
    meaning: str


def _row(first: int, last: int, verdict: Verdict, meaning: str) -> StatusMeaning:
    return StatusMeaning(first=first, last=last, verdict=verdict, meaning=meaning)


#: PS3.4 table B.2-1 (Storage Service Class) and PS3.7 section 9.1.1.1.9 with annex C (statuses of every service).
#: Those of the storage class leave no doubt. Of the general ones, what a second try may change is transient, and two
#: are warnings (PS3.7 C.4): the object was stored, and the receiver doubts some of its attributes.
STORE_STATUSES: tuple[StatusMeaning, ...] = (
    _row(0x0000, 0x0000, Verdict.DELIVERED, "success"),
    _row(0x0107, 0x0107, Verdict.WARNING, "attribute list error"),
    _row(0x0110, 0x0110, Verdict.TRANSIENT, "processing failure"),
    _row(0x0116, 0x0116, Verdict.WARNING, "attribute value out of range"),
    _row(0x0117, 0x0117, Verdict.PERMANENT, "invalid SOP instance"),
    _row(0x0122, 0x0122, Verdict.PERMANENT, "SOP class not supported"),
    _row(0x0124, 0x0124, Verdict.PERMANENT, "not authorised"),
    _row(0x0210, 0x0210, Verdict.TRANSIENT, "duplicate invocation"),
    _row(0x0211, 0x0211, Verdict.PERMANENT, "unrecognised operation"),
    _row(0x0212, 0x0212, Verdict.PERMANENT, "mistyped argument"),
    _row(0x0213, 0x0213, Verdict.EXHAUSTED, "resource limitation"),
    _row(0xA700, 0xA7FF, Verdict.EXHAUSTED, "refused: out of resources"),
    _row(0xA900, 0xA9FF, Verdict.PERMANENT, "data set does not match SOP class"),
    _row(0xB000, 0xB000, Verdict.WARNING, "coercion of data elements"),
    _row(0xB006, 0xB006, Verdict.WARNING, "elements discarded"),
    _row(0xB007, 0xB007, Verdict.WARNING, "data set does not match SOP class"),
    _row(0xC000, 0xCFFF, Verdict.PERMANENT, "cannot understand"),
)


def store_status(code: int) -> StatusMeaning:
    """The meaning of a C-STORE status; a code that the standard does not give to C-STORE is a failure that may pass."""
    for row in STORE_STATUSES:
        if row.first <= code <= row.last:
            return row
    return _row(code, code, Verdict.TRANSIENT, "status unknown to the standard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An A-ASSOCIATE-RJ: its three numbers, and what they mean.

    Parameters
    ----------
    result
        1 rejected-permanent, 2 rejected-transient.
    source
        1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    reason
        Its meaning depends on the source.
    """

    result: int
    source: int
    reason: int
    verdict: Verdict
    meaning: str


def _rejection(numbers: tuple[int, int, int], verdict: Verdict, meaning: str) -> Rejection:
    result, source, reason = numbers
    return Rejection(result=result, source=source, reason=reason, verdict=verdict, meaning=meaning)


#: PS3.8 table 9-21 (section 9.3.4), the rejections whose result is permanent. A permanent one that names no cause, or
#: names congestion, is what many archives say while they start or are busy: it is tried again, within the retry policy.
PERMANENT_REJECTIONS: tuple[Rejection, ...] = (
    _rejection((1, 1, 1), Verdict.TRANSIENT, "rejected, no reason given"),
    _rejection((1, 1, 2), Verdict.PERMANENT, "application context name not supported"),
    _rejection((1, 1, 3), Verdict.PERMANENT, "calling AE title not recognised"),
    _rejection((1, 1, 7), Verdict.PERMANENT, "called AE title not recognised"),
    _rejection((1, 2, 1), Verdict.TRANSIENT, "rejected, no reason given"),
    _rejection((1, 2, 2), Verdict.PERMANENT, "protocol version not supported"),
    _rejection((1, 3, 1), Verdict.TRANSIENT, "temporary congestion"),
    _rejection((1, 3, 2), Verdict.TRANSIENT, "local limit exceeded"),
)


def rejection(result: int, source: int, reason: int) -> Rejection:
    """The meaning of a rejected association; with the result transient every cause may pass."""
    for row in PERMANENT_REJECTIONS:
        if (row.source, row.reason) == (source, reason):
            verdict = row.verdict if result == 1 else Verdict.TRANSIENT
            return _rejection((result, source, reason), verdict, row.meaning)
    verdict = Verdict.PERMANENT if result == 1 else Verdict.TRANSIENT
    return _rejection((result, source, reason), verdict, "cause unknown to the standard")
