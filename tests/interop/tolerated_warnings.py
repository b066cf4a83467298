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


def not_tolerated(lines: Iterable[str]) -> list[str]:
    """The complaints that no entry of the table covers."""
    return [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in TOLERATED)]
