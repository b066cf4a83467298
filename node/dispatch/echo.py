"""C-ECHO: whether a destination is there and lets this node in."""

from __future__ import annotations

import ssl

from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification

from node.dispatch.association import ScuSettings, open_association
from node.dispatch.failures import DestinationUnavailable
from node.domain.destination import Destination
from node.domain.identifiers import AETitle


def echo(destination: Destination, *, calling: str, tls: ssl.SSLContext | None = None) -> None:
    """Return where the destination answers C-ECHO with success (PS3.4 annex A).

    Parameters
    ----------
    calling
        The AE title under which it is asked.
    tls
        For a destination whose association is encrypted.

    Raises
    ------
    DestinationUnavailable
        Where it cannot be reached, does not answer, or answers otherwise.
    DestinationRefuses
        Where it rejects the association for good.
    """
    settings = ScuSettings(calling_ae=AETitle(calling), tls=tls)
    association = open_association(destination, [build_context(Verification)], settings=settings)
    try:
        answer = association.send_c_echo()
    finally:
        if association.is_established:
            association.release()
    if "Status" not in answer or answer.Status != 0x0000:
        told = f"status {answer.Status:04X}H" if "Status" in answer else "no answer"
        raise DestinationUnavailable(f"{destination.name} answered C-ECHO with {told}")
