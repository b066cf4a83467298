"""What the fault tests share: studies to send, and questions to the index and to the PACS."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Row, create_engine, select
from sqlalchemy.exc import OperationalError

from node.domain.state import SETTLED, RevisionState, WorkState
from node.domain.work import Stage
from node.store.schema import instance, revision, work
from tests import peers
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.node_process import NodeProcess

#: From the last image to the results in the PACS, on a slow machine under load.
SETTLE_S = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStudy:
    """A study on disk, as a modality would send it."""

    folder: Path
    study_uid: str
    images: frozenset[str]


def small_study(folder: Path, name: str, *, slices: int = 30) -> SentStudy:
    """A CT that is long enough to be chosen and small enough to be analysed at once: water in air, no spine."""
    spec = CtSpec(name=name, study=name, slices=slices, rows=64, columns=64, spacing_mm=(2.5, 2.0, 2.0))
    series = ct_series(spec)
    write_series(series, folder / name)
    images = frozenset(str(dataset.SOPInstanceUID) for dataset in series)
    return SentStudy(folder=folder / name, study_uid=spec.study_uid, images=images)


def send(node: NodeProcess, study: SentStudy) -> None:
    """Send a study with DCMTK; every image must be acknowledged with success."""
    done = peers.dcmtk("storescu", "+sd", "-aec", node.ae_title, "127.0.0.1", str(node.port), str(study.folder))

    assert done.returncode == 0, done.stderr


def work_of(node: NodeProcess, study: SentStudy) -> Sequence[Row[tuple[object, ...]]]:
    """The rows of all work on a study, in the order in which it was made."""
    engine = create_engine(f"sqlite:///{node.home / 'index.sqlite'}")
    query = select(work).where(work.c.study_uid == study.study_uid).order_by(work.c.work_id)
    try:
        with engine.connect() as connection:
            return connection.execute(query).all()
    except OperationalError:  # the node is writing its first table
        return ()
    finally:
        engine.dispose()


def newest_revision(node: NodeProcess, study: SentStudy) -> tuple[int, RevisionState] | None:
    """Number and state of a study's newest revision."""
    engine = create_engine(f"sqlite:///{node.home / 'index.sqlite'}")
    query = (
        select(revision.c.number, revision.c.state)
        .where(revision.c.study_uid == study.study_uid)
        .order_by(revision.c.number.desc())
    )
    try:
        with engine.connect() as connection:
            found = connection.execute(query).first()
    except OperationalError:
        return None
    finally:
        engine.dispose()
    return None if found is None else (found.number, found.state)


def wait_for(
    node: NodeProcess, study: SentStudy, stage: Stage, state: WorkState, *, timeout_s: float = SETTLE_S
) -> int:
    """Wait until a stage of a study is in a state; returns the identifier of the work."""
    deadline = time.monotonic() + timeout_s
    while True:
        for row in work_of(node, study):
            if (row.stage, row.state) == (stage, state):
                return int(row.work_id)
        assert time.monotonic() < deadline, f"{stage} did not get {state}: {_told(node, study)}"
        time.sleep(0.005)


def wait_until_settled(node: NodeProcess, study: SentStudy, *, timeout_s: float = SETTLE_S) -> None:
    """Wait until nothing more is to be done for a study: its revision closed, its results delivered or given up."""
    deadline = time.monotonic() + timeout_s
    while not is_settled(node, study):
        assert time.monotonic() < deadline, f"the study is still at work: {_told(node, study)}"
        # Looking takes processor time from the node that is waited for.
        time.sleep(0.25)


def is_settled(node: NodeProcess, study: SentStudy) -> bool:
    """Whether nothing more is to be done for a study."""
    newest = newest_revision(node, study)
    rows = work_of(node, study)
    return (
        newest is not None
        and newest[1] is RevisionState.COMPLETE
        and any(row.revision == newest[0] for row in rows)
        and all(row.state in SETTLED for row in rows)
    )


def _told(node: NodeProcess, study: SentStudy) -> str:
    rows = [(row.stage, row.destination, row.state, row.attempts, row.last_error) for row in work_of(node, study)]
    return f"{newest_revision(node, study)} {rows}"


def states_of_deliveries(node: NodeProcess, study: SentStudy, destination: str) -> set[WorkState]:
    """The states of all deliveries of a study to a destination."""
    rows = work_of(node, study)
    return {row.state for row in rows if row.stage is Stage.DELIVER and row.destination == destination}


def stored_images(node: NodeProcess, study: SentStudy) -> frozenset[str]:
    """SOP Instance UIDs of a study that the index has and whose files are there."""
    engine = create_engine(f"sqlite:///{node.home / 'index.sqlite'}")
    query = select(instance.c.sop_instance_uid, instance.c.file).where(instance.c.study_uid == study.study_uid)
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    finally:
        engine.dispose()
    return frozenset(row.sop_instance_uid for row in rows if (node.home / "store" / row.file).is_file())


def assert_one_set_of_results(pacs: peers.Orthanc, study: SentStudy, *, revisions: int = 1) -> None:
    """The PACS has one report of the study, at most one segmentation and one picture (modality OT) beside it, and no
    more of each than revisions.
    """
    found = [modality for modality, _ in pacs.results_of(study.study_uid)]

    assert set(found) <= {"SR", "SEG", "OT"}, found
    assert 1 <= found.count("SR") <= revisions, found
    assert found.count("SEG") <= found.count("SR"), found
    assert found.count("OT") <= found.count("SEG"), found
