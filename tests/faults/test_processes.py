"""Processes that are killed, messages that are lost or come twice: every study ends with exactly one set of results."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from node.domain.pseudonym import Pseudonymizer
from node.domain.state import WorkState
from node.domain.work import STAGES, Stage
from node.queueing import celery_app
from node.settings import Settings
from tests import peers
from tests.faults.conftest import quick_worker
from tests.faults.flow import (
    SentStudy,
    assert_one_set_of_results,
    newest_revision,
    send,
    small_study,
    stored_images,
    wait_for,
    wait_until_settled,
    work_of,
)
from tests.node_process import NodeProcess, node_running, orthanc_destination

#: A message that a wiped broker lost is sent again after 10 s; a lost worker is noticed after 15 s.
SHORT = {
    "OSTEONODE_BROKER__MESSAGE_S": "10",
    "OSTEONODE_WORKERS__LEASE_S": "15",
    "OSTEONODE_COMPLETENESS__LONGEST_WAIT_S": "60",
}


@pytest.fixture(scope="module")
def node(
    tmp_path_factory: pytest.TempPathFactory, orthanc_process: peers.Orthanc, untrained_network: Path
) -> Iterator[NodeProcess]:
    """One node that goes through all of this, as one at a hospital would."""
    peers.require_redis()
    peers.require_dcmtk()
    settings = {**quick_worker(untrained_network), **SHORT}
    folder = tmp_path_factory.mktemp("node")
    with node_running(folder, destinations=[orthanc_destination(orthanc_process)], settings=settings) as running:
        yield running


def broker_socket(node: NodeProcess) -> Path:
    """The Unix socket of the node's private Redis."""
    return Settings(home=node.home).redis_socket


def test_a_worker_that_is_killed_in_mid_task_costs_nothing_but_time(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    study = small_study(tmp_path, "killed", slices=60)

    send(node, study)
    work_id = wait_for(node, study, Stage.SEGMENT, WorkState.RUNNING)
    node.kill("workers.app")
    wait_until_settled(node, study)

    (segmented,) = [row for row in work_of(node, study) if row.work_id == work_id]
    assert segmented.state is WorkState.DONE
    assert segmented.losses >= 1
    assert_one_set_of_results(orthanc, study)
    assert stored_images(node, study) == study.images


def test_a_study_that_takes_its_worker_down_three_times_is_set_aside_and_blocks_no_other(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    study, other = small_study(tmp_path, "poison", slices=60), small_study(tmp_path, "harmless")

    send(node, study)
    for losses in range(3):
        again = partial(_is_segmented_after, node, study, losses)
        peers.wait_until(again, f"try {losses + 1}", timeout_s=240)
        node.kill("workers.app")
    work_id = wait_for(node, study, Stage.SEGMENT, WorkState.QUARANTINED)
    send(node, other)
    wait_until_settled(node, other)

    assert_one_set_of_results(orthanc, other)
    assert orthanc.results_of(study.study_uid) == ()
    assert stored_images(node, study) == study.images
    listed = node.ask("dead-letters")
    assert isinstance(listed, list)
    assert [each["state"] for each in listed if each["item"]["work_id"] == work_id] == ["quarantined"]


def _is_segmented_after(node: NodeProcess, study: SentStudy, losses: int) -> bool:
    """Whether a worker is at the study, so many having been lost over it."""
    return any(
        row.stage is Stage.SEGMENT and row.state is WorkState.RUNNING and row.losses == losses
        for row in work_of(node, study)
    )


def test_a_listener_that_is_killed_in_mid_association_keeps_what_it_acknowledged(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    study = small_study(tmp_path, "cut", slices=300)

    acknowledged = _send_until_killed(node, study.folder)
    assert 0 < len(acknowledged) < len(study.images)
    assert acknowledged <= stored_images(node, study)

    peers.wait_until(lambda: peers.answers(node.port), "the listener to be back", timeout_s=240)
    send(node, study)
    wait_until_settled(node, study)

    assert stored_images(node, study) == study.images
    # On a slow machine the quiet period may pass before the listener is back: then a second report replaces the first.
    newest = newest_revision(node, study)
    assert newest is not None
    assert_one_set_of_results(orthanc, study, revisions=newest[0])


def test_a_wiped_broker_loses_no_study(node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path) -> None:
    studies = [small_study(tmp_path, f"wiped-{number}") for number in range(3)]

    with node.paused("workers.app"):
        for study in studies:
            send(node, study)
        for study in studies:
            wait_for(node, study, Stage.SEGMENT, WorkState.QUEUED)
        with Redis.from_url(f"unix://{broker_socket(node)}") as broker:
            broker.flushall()
    for study in studies:
        wait_until_settled(node, study, timeout_s=600)

        assert_one_set_of_results(orthanc, study)
        assert stored_images(node, study) == study.images


def test_a_broker_that_is_killed_comes_back_and_loses_no_study(
    node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path
) -> None:
    study = small_study(tmp_path, "broker")

    send(node, study)
    wait_for(node, study, Stage.SEGMENT, WorkState.RUNNING)
    node.kill("redis-server")
    wait_until_settled(node, study, timeout_s=600)

    assert_one_set_of_results(orthanc, study)
    assert stored_images(node, study) == study.images


def test_messages_that_come_twice_do_the_work_once(node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path) -> None:
    study = small_study(tmp_path, "twice")

    send(node, study)
    again = []
    for stage in (Stage.SEGMENT, Stage.ENCODE, Stage.DELIVER):
        again.append(wait_for(node, study, stage, WorkState.DONE))
        _send_again(node, study.study_uid, stage, again[-1])
    wait_until_settled(node, study)
    peers.wait_until(lambda: set(again) <= _not_claimed(node), "the second messages to be refused", timeout_s=60)

    assert {row.state for row in work_of(node, study)} == {WorkState.DONE}
    assert {row.attempts for row in work_of(node, study)} == {1}
    assert_one_set_of_results(orthanc, study)


def test_the_same_study_sent_twice_is_analysed_once(node: NodeProcess, orthanc: peers.Orthanc, tmp_path: Path) -> None:
    study = small_study(tmp_path, "again")

    send(node, study)
    wait_until_settled(node, study)
    send(node, study)

    assert newest_revision(node, study) is not None
    assert newest_revision(node, study)[0] == 1  # type: ignore[index]
    assert_one_set_of_results(orthanc, study)


def _send_until_killed(node: NodeProcess, folder: Path) -> frozenset[str]:
    """Send with DCMTK, kill the listener after some images; the SOP Instance UIDs that were acknowledged."""
    command = [peers.require_dcmtk("storescu"), "-d", "+sd", "-aec", node.ae_title]
    command += ["127.0.0.1", str(node.port), str(folder)]
    acknowledged: set[str] = set()
    current = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as scu:
        assert scu.stdout is not None
        for line in scu.stdout:
            if "Affected SOP Instance UID" in line:
                current = line.split(":")[-1].strip()
            if "DIMSE Status" in line and "0x0000" in line:
                acknowledged.add(current)
                if len(acknowledged) == 20:
                    node.kill_children("node listen")
    return frozenset(acknowledged)


def _not_claimed(node: NodeProcess) -> set[int]:
    """The work for which a message came that was not its turn, as the workers' logs say."""
    lines = [line for name in ("gpu", "tasks", "deliver-orthanc") for line in node.log(name).splitlines()]
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return {each["work_id"] for each in told if each["message"].startswith("work not claimed")}


def _send_again(node: NodeProcess, study_uid: str, stage: Stage, work_id: int) -> None:
    """Put the message of a piece of work into its queue once more."""
    app = celery_app("duplicate", f"redis+socket://{broker_socket(node)}")
    queue = {Stage.SEGMENT: "gpu.routine", Stage.ENCODE: "encode", Stage.DELIVER: "deliver.orthanc"}[stage]
    study = Pseudonymizer((node.home / "pseudonym.key").read_bytes()).of(study_uid)
    app.send_task(STAGES[stage].task, kwargs={"work_id": work_id, "study": study}, queue=queue, ignore_result=True)
    app.close()
