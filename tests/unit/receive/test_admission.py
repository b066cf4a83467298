"""Who may open an association."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.domain.identifiers import AETitle
from node.receive.admission import (
    CALLED_AE_UNKNOWN,
    CALLING_AE_UNKNOWN,
    DISK_FULL,
    NOT_LOOPBACK,
    TOO_MANY,
    Admission,
    AssociationRequest,
    Rejection,
)

OPEN = Admission(ae_title=AETitle("OSTEONODE"), allowed_calling_aes=frozenset(), min_free_bytes=100)
LISTED = replace(OPEN, allowed_calling_aes=frozenset({AETitle("SCANNER")}))
WELCOME = AssociationRequest(
    called_ae="OSTEONODE", calling_ae="SCANNER", peer="127.0.0.1", has_room=True, free_bytes=1000
)


@pytest.mark.parametrize(
    ("rules", "request_", "expected"),
    [
        (OPEN, WELCOME, None),
        (OPEN, replace(WELCOME, called_ae="OTHER"), CALLED_AE_UNKNOWN),
        (OPEN, replace(WELCOME, called_ae="osteonode"), CALLED_AE_UNKNOWN),
        (OPEN, replace(WELCOME, calling_ae="ANYBODY"), None),
        (OPEN, replace(WELCOME, peer="::1"), None),
        (OPEN, replace(WELCOME, peer="::ffff:127.0.0.1"), None),
        (OPEN, replace(WELCOME, peer="::ffff:192.0.2.7"), NOT_LOOPBACK),
        (OPEN, replace(WELCOME, peer="192.0.2.7"), NOT_LOOPBACK),
        (OPEN, replace(WELCOME, peer="fe80::1%eth0"), NOT_LOOPBACK),
        (OPEN, replace(WELCOME, peer="localhost"), NOT_LOOPBACK),
        (LISTED, replace(WELCOME, peer="192.0.2.7"), None),
        (LISTED, replace(WELCOME, calling_ae=" SCANNER "), None),
        (LISTED, replace(WELCOME, calling_ae="SCANNER2"), CALLING_AE_UNKNOWN),
        (LISTED, replace(WELCOME, calling_ae=""), CALLING_AE_UNKNOWN),
        (OPEN, replace(WELCOME, has_room=False), TOO_MANY),
        (OPEN, replace(WELCOME, free_bytes=99), DISK_FULL),
        (OPEN, replace(WELCOME, free_bytes=100), None),
        (LISTED, replace(WELCOME, calling_ae="SPY", has_room=False, free_bytes=0), CALLING_AE_UNKNOWN),
    ],
)
def test_an_association_is_rejected_for_the_first_reason_that_holds(
    rules: Admission, request_: AssociationRequest, expected: Rejection | None
) -> None:
    assert rules.rejection(request_) == expected


def test_rejections_are_numbered_as_in_the_standard() -> None:
    # PS3.8 table 9-21: 1-1-3 calling, 1-1-7 called AE title not recognized, 2-3-1 congestion, 2-3-2 limit exceeded
    numbers = {
        (each.result, each.source, each.diagnostic)
        for each in (CALLED_AE_UNKNOWN, CALLING_AE_UNKNOWN, NOT_LOOPBACK, TOO_MANY, DISK_FULL)
    }

    assert numbers == {(1, 1, 3), (1, 1, 7), (2, 3, 1), (2, 3, 2)}
