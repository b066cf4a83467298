"""One association to a destination, on which files are stored one after the other."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Self

from pydicom import dcmread
from pynetdicom import _config
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext

from node.dispatch.calling import CallingEntity
from node.dispatch.contexts import UNCOMPRESSED, Offer, offers_for, presentation_contexts
from node.dispatch.dicom_file import DicomFile
from node.dispatch.failures import DestinationRefuses, DestinationUnavailable
from node.dispatch.statuses import Verdict, rejection
from node.domain.destination import Destination
from node.domain.identifiers import AETitle, Uid

# A file given by its path is sent as its bytes stand on disk, and never as a whole in memory.
_config.STORE_SEND_CHUNKED_DATASET = True

#: PS3.7 section 9.3.1.1: 0000H medium, 0001H high, 0002H low.
_MEDIUM_PRIORITY = 0
#: PS3.8 table 9-21, result: rejected for good, rejected for now.
_REJECTED = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScuSettings:
    """How the node calls others; times in seconds.

    Parameters
    ----------
    connect_timeout_s
        Longest wait for the TCP connection and the TLS handshake.
    acse_timeout_s
        Longest wait for the answer to a request for an association, or for its release.
    dimse_timeout_s
        Longest wait for the answer to a C-STORE.
    tls
        For destinations whose association is encrypted; `None` where the node has no certificate.
    """

    calling_ae: AETitle
    connect_timeout_s: float = 5.0
    acse_timeout_s: float = 10.0
    dimse_timeout_s: float = 60.0
    tls: ssl.SSLContext | None = None


class StoreAssociation:
    """An open association. Not for use by several threads at a time."""

    def __init__(self, association: Association, offers: frozenset[Offer]) -> None:
        self._association = association
        self._offers = offers
        self._accepted = frozenset(
            Offer(sop_class_uid=Uid(context.abstract_syntax), transfer_syntax=Uid(context.transfer_syntax[0]))
            for context in association.accepted_contexts
        )

    @classmethod
    def open(cls, destination: Destination, offers: frozenset[Offer], *, settings: ScuSettings) -> Self:
        """Ask the destination for an association.

        Raises
        ------
        DestinationUnavailable
            Where it cannot be reached, does not answer in time, aborts, or rejects for a cause that may pass.
        DestinationRefuses
            Where it rejects for good, accepts none of the contexts, or wants TLS and the node has no certificate.
        """
        return cls(open_association(destination, presentation_contexts(offers), settings=settings), offers)

    @property
    def is_open(self) -> bool:
        """Whether the association still stands, as far as this side has heard."""
        return bool(self._association.is_established)

    def proposed(self, file: DicomFile) -> bool:
        """Whether all contexts with which the file can be sent were proposed."""
        return offers_for(file) <= self._offers

    def send(self, file: DicomFile) -> int:
        """Send one file and return the status of the answer, from 0 to 65535.

        The bytes go as they are stored where their transfer syntax was accepted. A data set that is not compressed goes
        in another such syntax where only that was accepted.

        Raises
        ------
        DestinationUnavailable
            Where no valid answer came: broken connection, abort or time-out. Whether the object arrived is not known.
        DestinationRefuses
            Where no presentation context for the file was accepted.
        """
        syntax = self._syntax_for(file)
        try:
            if syntax == file.transfer_syntax:
                answer = self._association.send_c_store(file.path, priority=_MEDIUM_PRIORITY)
            else:
                answer = self._association.send_c_store(dcmread(file.path), priority=_MEDIUM_PRIORITY)
        except RuntimeError as error:
            raise DestinationUnavailable("the association ended before the object was sent") from error
        if "Status" not in answer:
            raise DestinationUnavailable("no valid answer to C-STORE: the connection broke or the time was up")
        return int(answer.Status)

    def close(self) -> None:
        """Release the association; where that is no longer possible, drop it."""
        if self._association.is_established:
            self._association.release()

    def _syntax_for(self, file: DicomFile) -> Uid:
        """The accepted transfer syntax in which the file goes: its own one if possible."""
        accepted = {offer.transfer_syntax for offer in self._accepted & offers_for(file)}
        for syntax in (file.transfer_syntax, *UNCOMPRESSED):
            if syntax in accepted:
                return syntax
        raise DestinationRefuses(
            f"no presentation context was accepted for SOP class {file.sop_class_uid} "
            f"in transfer syntax {file.transfer_syntax}"
        )


def open_association(
    destination: Destination, contexts: list[PresentationContext], *, settings: ScuSettings
) -> Association:
    """An established association of pynetdicom's; errors as for `StoreAssociation.open`."""
    if destination.tls and settings.tls is None:
        raise DestinationRefuses(f"{destination.name} wants TLS, and the node has no certificate for it")
    association = _application_entity(settings).associate(
        destination.host,
        destination.port,
        contexts=contexts,
        ae_title=destination.ae_title,
        tls_args=(settings.tls, destination.host) if destination.tls else None,
    )
    if not association.is_established:
        raise _why_not_open(association, destination)
    return association


def _application_entity(settings: ScuSettings) -> CallingEntity:
    entity = CallingEntity(ae_title=settings.calling_ae)
    entity.connection_timeout = settings.connect_timeout_s
    entity.acse_timeout = settings.acse_timeout_s
    entity.dimse_timeout = settings.dimse_timeout_s
    entity.network_timeout = None  # how long an idle association is kept is the pool's affair
    entity.maximum_pdu_size = 0
    return entity


def _rejection(association: Association) -> A_ASSOCIATE | None:
    """The answer that rejects an association, also where pynetdicom overlooks it.

    It asks whether the connection still stands before it takes the answer out of its queue, and a rejection that came
    by then has closed the connection.
    """
    if association.is_rejected:
        return association.acceptor.primitive
    answer = association.dul.receive_pdu()
    return answer if isinstance(answer, A_ASSOCIATE) and answer.result in _REJECTED else None


def _why_not_open(association: Association, destination: Destination) -> DestinationUnavailable | DestinationRefuses:
    """The error that tells why there is no association."""
    answer = _rejection(association)
    if answer is not None:
        row = rejection(answer.result, answer.result_source, answer.diagnostic)
        message = f"{destination.name} rejected the association: {row.meaning}"
        return DestinationRefuses(message) if row.verdict is Verdict.PERMANENT else DestinationUnavailable(message)
    if association.rejected_contexts:
        return DestinationRefuses(f"{destination.name} accepted none of the presentation contexts")
    return DestinationUnavailable(
        f"no association with {destination.name}: it cannot be reached, does not answer in time, or aborted"
    )
