"""Which object goes to which destination."""

from __future__ import annotations

from collections.abc import Iterable

from node.domain.destination import Destination
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse


def accepts(destination: Destination, made: OutgoingObject) -> bool:
    """Whether the destination is configured to receive the object.

    Research results go only where research results are accepted; a report that nothing could be assessed only where it
    is wanted, as a picture is; what raises urgency only where that is switched on, and for research by name.
    """
    research = made.intended_use is IntendedUse.RESEARCH
    if research and not destination.research_results:
        return False
    if made.not_evaluable and not destination.not_evaluable_reports:
        return False
    if made.kind is ObjectKind.SC and not destination.pictures:
        return False
    if made.urgent:
        return destination.urgent_key_objects and (destination.urgent_research or not research)
    return True


def routes(
    objects: Iterable[OutgoingObject], destinations: Iterable[Destination]
) -> tuple[tuple[OutgoingObject, Destination], ...]:
    """Every delivery that the objects need."""
    known = tuple(destinations)
    return tuple((made, destination) for made in objects for destination in known if accepts(destination, made))
