"""What an operator sees of a running node: its commands, its log, and flower."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.domain.pseudonym import Pseudonymizer
from node.domain.state import WorkState
from node.domain.work import Stage
from tests import peers
from tests.builders.ct import CtSpec
from tests.faults.conftest import untrained_network  # noqa: F401 - a fixture
from tests.faults.flow import SentStudy, send, small_study, wait_for
from tests.node_process import NodeProcess, node_running, orthanc_destination

#: Name, patient ID, birth date and accession number of the study that is sent, and its description.
IDENTITY = (CtSpec(name="operator").patient_name, CtSpec(name="operator").patient_id, "19500102", "A-1")


@pytest.fixture(scope="module")
def flower_port() -> int:
    return peers.free_port()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> SentStudy:
    return small_study(tmp_path_factory.mktemp("study"), "operator", slices=40)


@pytest.fixture(scope="module")
def node(
    tmp_path_factory: pytest.TempPathFactory,
    orthanc_process: peers.Orthanc,
    untrained_network: Path,  # noqa: F811
    flower_port: int,
    study: SentStudy,
) -> Iterator[NodeProcess]:
    """A node that has read one study and could not send it to one of its two destinations."""
    peers.require_redis()
    peers.require_dcmtk()
    refusing = {**orthanc_destination(orthanc_process, "nobody"), "port": peers.free_port()}
    settings = {
        "OSTEONODE_WORKERS__BUNDLE": str(untrained_network),
        "OSTEONODE_WORKERS__THREADS": "1",
        "OSTEONODE_FLOWER__ENABLED": "true",
        "OSTEONODE_FLOWER__PORT": str(flower_port),
        "FLOWER_UNAUTHENTICATED_API": "true",
    }
    destinations = [orthanc_destination(orthanc_process), refusing]
    folder = tmp_path_factory.mktemp("node")
    with node_running(folder, destinations=destinations, settings=settings) as running:
        send(running, study)
        wait_for(running, study, Stage.DELIVER, WorkState.DONE)
        yield running


def pseudonym(node: NodeProcess, study: SentStudy) -> str:
    return Pseudonymizer((node.home / "pseudonym.key").read_bytes()).of(study.study_uid)


def page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return str(answer.read().decode())


def test_status_lists_the_study_under_the_name_that_logs_use(node: NodeProcess, study: SentStudy):
    told = node.ask("status")

    assert [line["pseudonym"] for line in told["studies"]] == [pseudonym(node, study)]


def test_why_finds_a_study_by_its_pseudonym_and_says_what_was_read(node: NodeProcess, study: SentStudy):
    told = node.command("why", pseudonym(node, study))

    assert told.returncode == 0, told.stderr
    assert "read: " in told.stdout
    assert "no-spine-found" in told.stdout


def test_why_says_until_when_an_unreachable_destination_is_left_alone(node: NodeProcess, study: SentStudy):
    def tried() -> bool:
        return "cannot be reached" in node.command("why", study.study_uid).stdout

    peers.wait_until(tried, "a first try to deliver to nobody", timeout_s=60)

    assert " to nobody: " in node.command("why", study.study_uid).stdout


def test_why_of_an_unknown_study_fails_in_one_line(node: NodeProcess):
    told = node.command("why", "1.2.3")

    assert told.returncode == 1
    assert "knows no study 1.2.3" in told.stderr


def test_wrong_usage_ends_with_status_2(node: NodeProcess):
    assert node.command("why").returncode == 2


def test_nothing_is_given_up_while_it_is_still_tried(node: NodeProcess):
    assert node.ask("dead-letters") == []


def test_doctor_names_the_destination_that_does_not_answer(node: NodeProcess):
    told = node.command("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(told.stdout)}

    assert told.returncode == 1
    assert [name for name, check in checks.items() if check["verdict"] == "failed"] == ["destination nobody"]
    assert "cannot be reached" in checks["destination nobody"]["seen"]


def test_the_logs_of_all_processes_name_events_and_no_identity(node: NodeProcess, study: SentStudy):
    names = ("listen", "sweep", "gpu", "tasks", "deliver-orthanc", "deliver-nobody", "up")
    lines = [line for name in names for line in node.log(name).splitlines()]
    events = {json.loads(line)["event"] for line in lines if line.startswith("{")}

    assert {"association-accepted", "revision-closed", "work-done", "object-sent"} <= events
    for word in IDENTITY:
        assert not any(word in line for line in lines)


def test_no_identity_is_in_a_file_name_the_broker_or_the_logs(node: NodeProcess, study: SentStudy):
    names = [str(path.relative_to(node.home)) for path in node.home.rglob("*")]
    folders = (node.home / "logs", node.home / "redis")
    beside_images = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    beside_images += node.home.glob("flower*")
    written = b"".join(path.read_bytes() for path in beside_images)

    assert any("instances" in name for name in names)
    assert {path.relative_to(node.home).parts[0] for path in beside_images} >= {"logs", "redis"}
    assert pseudonym(node, study).encode() in written
    for word in (*IDENTITY, CtSpec().series_description):
        assert not any(word in name for name in names)
        assert word.encode() not in written


def test_no_identity_is_in_what_flower_answers(node: NodeProcess, study: SentStudy, flower_port: int):
    table = "/tasks/datatable?draw=1&start=0&length=100&search[value]=&order[0][column]=0&order[0][dir]=asc"
    columns = "".join(f"&columns[{number}][data]={name}" for number, name in enumerate(("name", "uuid", "state")))
    rows = json.loads(page(flower_port, table + columns))["data"]
    answers = page(flower_port, "/api/tasks") + json.dumps(rows)

    ours = [row for row in rows if pseudonym(node, study) in str(row["kwargs"])]
    assert {row["state"] for row in ours if row["name"] == "osteonode.segment"} == {"SUCCESS"}
    for word in (*IDENTITY, study.study_uid, CtSpec().series_description):
        assert word not in answers


def test_a_folder_is_sent_and_what_was_not_stored_is_told(
    node: NodeProcess, orthanc_process: peers.Orthanc, study: SentStudy
):
    there = f"{orthanc_process.aet}@{orthanc_process.host}:{orthanc_process.dicom_port}"

    stored = node.command("send", str(study.folder), "--to", there)
    nobody = node.command("send", str(study.folder), "--to", f"NOBODY@127.0.0.1:{peers.free_port()}")
    malformed = node.command("send", str(study.folder), "--to", "somewhere")

    assert (stored.returncode, nobody.returncode, malformed.returncode) == (0, 1, 1)
    assert study.images <= orthanc_process.sop_instance_uids()
    assert f"not stored: {len(study.images)}" in nobody.stderr
    assert "a peer is written AET@HOST:PORT" in malformed.stderr


def test_flower_shows_the_tasks_of_a_study_with_queue_time_and_outcome(
    node: NodeProcess, study: SentStudy, flower_port: int
):
    tasks = json.loads(page(flower_port, "/api/tasks"))
    ours = [task for task in tasks.values() if pseudonym(node, study) in str(task["kwargs"])]
    segmented = next(task for task in ours if task["name"] == "osteonode.segment")

    assert {"osteonode.segment", "osteonode.encode", "osteonode.deliver"} <= {task["name"] for task in ours}
    assert segmented["state"] == "SUCCESS"
    assert segmented["routing_key"] == "gpu.routine"
    assert segmented["runtime"] > 0


def test_the_task_list_of_flower_has_a_column_for_study_queue_time_and_outcome(flower_port: int):
    columns = re.findall(r'<th data-column="(\w+)"', page(flower_port, "/tasks"))

    assert {"kwargs", "routing_key", "runtime", "state", "result"} <= set(columns)
