"""What the listener negotiates: C-ECHO, and C-STORE of all storage classes in every transfer syntax."""

from __future__ import annotations

from functools import cache

from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
from pynetdicom.presentation import PresentationContext

VERIFICATION = "1.2.840.10008.1.1"

#: Retired JPEG processes (PS3.6 table A-1), which old archives hold: no decoder is needed to store them.
RETIRED_JPEG = tuple(f"1.2.840.10008.1.2.4.{process}" for process in (52, 53, 54, 55, 56, *range(58, 67)))

_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"

#: Of the syntaxes that a sender offers for one context the first of these is taken: explicit before implicit, which
#: loses the VR of private elements.
TRANSFER_SYNTAXES = (
    _EXPLICIT_LITTLE_ENDIAN,
    _IMPLICIT_LITTLE_ENDIAN,
    *(each for each in ALL_TRANSFER_SYNTAXES if each not in (_EXPLICIT_LITTLE_ENDIAN, _IMPLICIT_LITTLE_ENDIAN)),
    *RETIRED_JPEG,
)


@cache
def listener_contexts() -> tuple[PresentationContext, ...]:
    """The presentation contexts that are accepted; shared by all associations, which do not change them."""
    storage = [build_context(each.abstract_syntax, list(TRANSFER_SYNTAXES)) for each in AllStoragePresentationContexts]
    plain = [_EXPLICIT_LITTLE_ENDIAN, _IMPLICIT_LITTLE_ENDIAN, "1.2.840.10008.1.2.2"]
    return (build_context(VERIFICATION, plain), *storage)
