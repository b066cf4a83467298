"""Everything that dciodvfy may complain of in the node's objects, each with its reason; all else fails the test."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Pattern of a line of `dciodvfy` -> why it is right to leave it. No error is among them.
TOLERATED: dict[str, str] = {
    r"Warning - .*Unrecognized defined term <99OSTEONODE> .*Coding Scheme Designator.*": (
        "dciodvfy knows the registered schemes alone. PS3.3 8.2 keeps designators that begin with 99 for private ones, "
        "and every object identifies this one in its Coding Scheme Identification Sequence."
    ),
}


#: As `TOLERATED`, in objects on a source that itself lacks an attribute or has an odd one: it cannot be made up.
INHERITED: dict[str, str] = {
    r"Warning - Missing attribute or value that would be needed to build DICOMDIR - .*": (
        "Study ID, Study Date and the like are of type 2 or 3 and may be missing in the source; an archive that writes "
        "a DICOMDIR must make them up itself."
    ),
    r"Warning - .*Retired Person Name form.*": (
        "The patient's name is copied as the source has it: a name that was put into another form could be taken for "
        "another patient's."
    ),
}


def not_tolerated(lines: Iterable[str]) -> list[str]:
    """The complaints that no entry of the table covers."""
    return [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in TOLERATED)]


def not_tolerated_of(lines: Iterable[str], *, inherited: bool) -> list[str]:
    """The complaints that no table covers, those that come from a faulty source set aside where they may."""
    return [
        line
        for line in not_tolerated(lines)
        if not (inherited and any(re.fullmatch(pattern, line) for pattern in INHERITED))
    ]
