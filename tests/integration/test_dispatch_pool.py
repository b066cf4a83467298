"""One association serves many deliveries, and ends when it is idle or broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.dispatch.association import ScuSettings
from node.dispatch.dicom_file import DicomFile, read_dicom_file
from node.dispatch.failures import DestinationUnavailable
from node.dispatch.pool import AssociationPool
from node.domain.identifiers import AETitle
from tests import peers
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.scripted_scp import ScriptedScp, scripted_scp

SETTINGS = ScuSettings(calling_ae=AETitle("OSTEONODE"), connect_timeout_s=1.0, acse_timeout_s=2.0, dimse_timeout_s=1.0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[DicomFile, ...]:
    """Three CT images on disk."""
    return tuple(read_dicom_file(path) for path in write_series(ct_series(CtSpec(slices=3)), tmp_path / "images"))


@pytest.fixture
def pool() -> Iterator[AssociationPool]:
    """A pool that is closed afterwards."""
    pool = AssociationPool(SETTINGS)
    yield pool
    pool.close()


def test_all_objects_to_one_destination_go_on_one_association(
    pool: AssociationPool, files: tuple[DicomFile, ...]
) -> None:
    with scripted_scp() as scp:
        statuses = [pool.send(scp.destination(), file) for file in files]

        assert statuses == [0, 0, 0]
        assert scp.associations == 1


def test_an_idle_association_is_released(files: tuple[DicomFile, ...]) -> None:
    pool = AssociationPool(SETTINGS, idle_s=0.2)

    with scripted_scp() as scp:
        pool.send(scp.destination(), files[0])

        peers.wait_until(lambda: scp.released == 1, "the idle association to be released", timeout_s=5)


def test_an_association_that_is_used_again_in_time_is_not_released(files: tuple[DicomFile, ...]) -> None:
    pool = AssociationPool(SETTINGS, idle_s=30.0)

    with scripted_scp() as scp:
        pool.send(scp.destination(), files[0])
        pool.send(scp.destination(), files[1])

        assert (scp.associations, scp.released) == (1, 0)
        pool.close()


def test_an_association_that_breaks_on_reuse_is_opened_anew(
    pool: AssociationPool, files: tuple[DicomFile, ...]
) -> None:
    with scripted_scp(0, "abort") as scp:
        pool.send(scp.destination(), files[0])

        status = pool.send(scp.destination(), files[1])

        assert status == 0
        assert scp.associations == 2
        assert scp.stored == [file.sop_instance_uid for file in files[:2]]


def test_a_new_association_that_breaks_is_a_failure(pool: AssociationPool, files: tuple[DicomFile, ...]) -> None:
    with scripted_scp("abort") as scp, pytest.raises(DestinationUnavailable):
        pool.send(scp.destination(), files[0])


def test_a_destination_that_comes_back_is_used_again(pool: AssociationPool, files: tuple[DicomFile, ...]) -> None:
    with scripted_scp() as scp:
        where = scp.destination()
        pool.send(where, files[0])
    with pytest.raises(DestinationUnavailable):
        pool.send(where, files[1])

    with scripted_scp(port=where.port) as again:
        pool.send(where, files[1])

    assert again.stored == [files[1].sop_instance_uid]


def test_destinations_do_not_share_associations(pool: AssociationPool, files: tuple[DicomFile, ...]) -> None:
    with scripted_scp() as first, scripted_scp() as second:
        pool.send(first.destination("first"), files[0])
        pool.send(second.destination("second"), files[0])

        assert [_seen(first), _seen(second)] == [(1, 1), (1, 1)]


def _seen(scp: ScriptedScp) -> tuple[int, int]:
    return scp.associations, len(scp.stored)
