"""Who may open an association, on real sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from node.domain.identifiers import AETitle
from tests.builders.ct import CtSpec, ct_series
from tests.integration.listening import listening
from tests.integration.raw_association import RawAssociation, Rejected
from tests.integration.senders import encoded, send
from tests.peers import dcmtk, missing, wait_until

CONTEXTS = [("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")]

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the tests are about

# DICOM PS3.8, table 9-21: result, source, reason
CALLED_UNKNOWN, CALLING_UNKNOWN, LIMIT, CONGESTION = (1, 1, 7), (1, 1, 3), (2, 3, 2), (2, 3, 1)


def own_address() -> str:
    """An address of this machine other than the loopback one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nothing is sent, the kernel only chooses a route
        except OSError:
            missing("this machine has no address but the loopback one")
        return str(probe.getsockname()[0])


def rejection(
    port: int, *, host: str = "127.0.0.1", calling: str = "SENDER", called: str = "OSTEONODE"
) -> tuple[int, ...]:
    """Result, source and reason with which the association is rejected; none where it is accepted."""
    try:
        with RawAssociation(port, CONTEXTS, calling=calling, called=called, host=host):
            return ()
    except Rejected as rejected:
        return tuple(rejected.args)


def test_only_loopback_is_bound_by_default(tmp_path: Path) -> None:
    with listening(tmp_path / "store") as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection((own_address(), listener.port), 5)


def test_another_called_title_is_rejected(tmp_path: Path) -> None:
    with listening(tmp_path / "store") as listener:
        assert rejection(listener.port, called="SOMEBODY") == CALLED_UNKNOWN
        assert rejection(listener.port) == ()


def test_without_a_list_only_this_machine_may_send(tmp_path: Path) -> None:
    with listening(tmp_path / "store", host=EVERYWHERE) as listener:
        assert rejection(listener.port, host=own_address()) == CALLING_UNKNOWN
        assert rejection(listener.port) == ()


def test_with_a_list_only_those_on_it_may_send(tmp_path: Path) -> None:
    allowed = frozenset({AETitle("SCANNER")})
    with listening(tmp_path / "store", host=EVERYWHERE, allowed_calling_aes=allowed) as listener:
        assert rejection(listener.port, host=own_address(), calling="SCANNER") == ()
        assert rejection(listener.port, calling="SENDER") == CALLING_UNKNOWN


def test_no_more_associations_than_allowed(tmp_path: Path) -> None:
    with listening(tmp_path / "store", max_associations=2) as listener:
        with RawAssociation(listener.port, CONTEXTS), RawAssociation(listener.port, CONTEXTS):
            assert rejection(listener.port) == LIMIT
        assert rejection(listener.port) == ()


def test_who_was_told_that_an_association_is_over_has_its_place_at_once(tmp_path: Path) -> None:
    with listening(tmp_path / "store", max_associations=1) as listener:
        assert [rejection(listener.port) for _ in range(100)] == [()] * 100
        assert rejection(listener.port, called="SOMEONE") == CALLED_UNKNOWN
        assert rejection(listener.port) == ()


def test_a_connection_that_is_closed_without_a_word_frees_its_place_at_once(tmp_path: Path) -> None:
    with listening(tmp_path / "store", max_associations=1, acse_timeout_s=300.0) as listener:
        socket.create_connection(("127.0.0.1", listener.port)).close()

        wait_until(lambda: rejection(listener.port) == (), "the place to be free")


def test_with_too_little_disk_the_association_is_rejected(tmp_path: Path) -> None:
    with listening(tmp_path / "store", min_free_bytes=1000, free=lambda folder: 999) as listener:
        assert rejection(listener.port) == CONGESTION


def test_where_the_disk_fills_up_later_the_object_is_refused(tmp_path: Path) -> None:
    free = [2000]
    sent = encoded(ct_series(CtSpec(slices=1))[0])
    with (
        listening(tmp_path / "store", min_free_bytes=1000, free=lambda folder: free[0]) as listener,
        RawAssociation(listener.port, CONTEXTS) as association,
    ):
        free[0] = 999
        refused = association.store(sent)
        free[0] = 2000
        accepted = association.store(sent)

    assert (refused, accepted) == (0xA700, 0x0000)


def test_echoscu_with_a_wrong_title_is_told(tmp_path: Path) -> None:
    with listening(tmp_path / "store") as listener:
        done = dcmtk("echoscu", "-aec", "WRONG", "127.0.0.1", str(listener.port))

    assert done.returncode != 0
    assert "Called AE Title Not Recognized" in done.stderr


def test_a_title_with_spaces_around_it_is_the_same_title(tmp_path: Path) -> None:
    sent = encoded(ct_series(CtSpec(slices=1))[0])
    with listening(tmp_path / "store") as listener:
        assert send(listener.port, sent, called=" OSTEONODE ") == [0x0000]
