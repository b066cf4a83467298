"""Who may open an association, as a pure decision.

References
----------
[1] DICOM PS3.8, table 9-21: A-ASSOCIATE-RJ result, source and reason.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from node.domain.errors import InvalidIdentifier
from node.domain.identifiers import AETitle


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """The three numbers of an A-ASSOCIATE-RJ [1], and why in words."""

    result: int
    source: int
    diagnostic: int
    reason: str


CALLED_AE_UNKNOWN = Rejection(result=1, source=1, diagnostic=7, reason="called AE title is not ours")
CALLING_AE_UNKNOWN = Rejection(result=1, source=1, diagnostic=3, reason="calling AE title is not allowed to send")
NOT_LOOPBACK = Rejection(
    result=1, source=1, diagnostic=3, reason="no calling AE is configured, so only this machine may send"
)
TOO_MANY = Rejection(result=2, source=3, diagnostic=2, reason="as many associations as are allowed are open")
DISK_FULL = Rejection(result=2, source=3, diagnostic=1, reason="not enough free disk")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationRequest:
    """What is known when somebody asks for an association. `has_room`: one of the allowed associations is free."""

    called_ae: str
    calling_ae: str
    peer: str
    has_room: bool
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The rules of who may send."""

    ae_title: AETitle
    allowed_calling_aes: frozenset[AETitle]
    min_free_bytes: int

    def rejection(self, request: AssociationRequest) -> Rejection | None:
        """Why the association is refused, or `None` where it is welcome. Identity before resources."""
        if request.called_ae.strip() != self.ae_title:
            return CALLED_AE_UNKNOWN
        if self.allowed_calling_aes:
            if _ae_title(request.calling_ae) not in self.allowed_calling_aes:
                return CALLING_AE_UNKNOWN
        elif not _is_loopback(request.peer):
            return NOT_LOOPBACK
        if not request.has_room:
            return TOO_MANY
        return DISK_FULL if request.free_bytes < self.min_free_bytes else None


def _ae_title(text: str) -> AETitle | None:
    try:
        return AETitle(text)
    except InvalidIdentifier:
        return None


def _is_loopback(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
