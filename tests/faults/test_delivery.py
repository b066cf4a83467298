"""A PACS that refuses, dies or comes back: nothing is lost, nothing is blocked, nothing arrives twice."""

from __future__ import annotations

import time
from pathlib import Path

from node.domain.state import WorkState
from node.domain.work import Stage
from tests import peers
from tests.faults.conftest import StartNode
from tests.faults.flow import (
    SentStudy,
    assert_one_set_of_results,
    send,
    small_study,
    states_of_deliveries,
    stored_images,
    wait_until_settled,
    work_of,
)
from tests.node_process import NodeProcess, orthanc_destination, scripted_destination
from tests.scripted_scp import scripted_scp


def test_a_pacs_that_is_full_and_then_has_room_gets_each_object_once(tmp_path: Path, start_node: StartNode) -> None:
    study = small_study(tmp_path, "full")

    with scripted_scp(0xA700, 0xA700) as scp:
        with start_node(destinations=[scripted_destination(scp, "full")]) as node:
            send(node, study)
            wait_until_settled(node, study)

            assert stored_images(node, study) == study.images
            assert states_of_deliveries(node, study, "full") == {WorkState.DONE}
        # the two that were refused came again, and nothing else came twice
        assert sorted(scp.stored) == sorted([*set(scp.stored), *scp.stored[:2]])


def test_in_shadow_mode_results_are_made_and_kept_and_none_is_sent(
    orthanc: peers.Orthanc, tmp_path: Path, start_node: StartNode
) -> None:
    study = small_study(tmp_path, "shadow")

    with start_node(destinations=[orthanc_destination(orthanc)], settings={"OSTEONODE_SHADOW": "true"}) as node:
        send(node, study)
        wait_until_settled(node, study)

        assert {row.stage for row in work_of(node, study)} == {Stage.SEGMENT, Stage.ENCODE}
        assert [file.suffix for file in (node.home / "store" / "objects").rglob("*.*") if file.is_file()] == [".dcm"]
    assert orthanc.results_of(study.study_uid) == ()


def test_a_dead_pacs_delays_no_other_and_gets_everything_once_it_is_back(
    orthanc: peers.Orthanc, tmp_path: Path, start_node: StartNode
) -> None:
    studies = [small_study(tmp_path, f"dead-{number}") for number in range(3)]
    dead_port = peers.free_port()
    dead = {
        "name": "dead",
        "host": "127.0.0.1",
        "port": dead_port,
        "ae_title": "DEAD",
        "research_results": True,
        "not_evaluable_reports": True,
    }

    with start_node(destinations=[dead, orthanc_destination(orthanc, "alive")]) as node:
        for study in studies:
            send(node, study)
        for study in studies:
            assert_delivered(node, study, "alive")
        assert all(WorkState.DONE not in states_of_deliveries(node, study, "dead") for study in studies)

        with peers.orthanc_server(tmp_path / "back", dicom_port=dead_port) as back:
            for study in studies:
                wait_until_settled(node, study, timeout_s=400)
                assert states_of_deliveries(node, study, "dead") == {WorkState.DONE}
                assert_one_set_of_results(back, study)
                assert_one_set_of_results(orthanc, study)
                assert stored_images(node, study) == study.images


def test_a_pacs_that_accepts_and_then_stalls_delays_no_other(
    orthanc: peers.Orthanc, tmp_path: Path, start_node: StartNode
) -> None:
    studies = [small_study(tmp_path, f"stalled-{number}") for number in range(2)]

    with (
        scripted_scp(*["silence"] * 20) as scp,
        start_node(destinations=[scripted_destination(scp, "stalled"), orthanc_destination(orthanc, "alive")]) as node,
    ):
        scp.silence_s = 600.0
        for study in studies:
            send(node, study)
        for study in studies:
            assert_delivered(node, study, "alive")
            assert_one_set_of_results(orthanc, study)

        # all that time the first object waited for its answer, and had not yet run into its own time-out
        peers.wait_until(lambda: scp.silent > 0, "a delivery to be stalled", timeout_s=60)
        assert scp.silent == 1
        assert WorkState.DONE not in states_of_deliveries(node, studies[0], "stalled")
        scp.idle.set()


def assert_delivered(node: NodeProcess, study: SentStudy, destination: str) -> None:
    """Wait until a destination has all results of a study."""
    peers.wait_until(
        lambda: states_of_deliveries(node, study, destination) == {WorkState.DONE},
        f"{destination} to have everything",
        timeout_s=240,
    )


def test_what_a_pacs_refuses_for_good_is_listed_and_goes_when_it_is_requeued(
    tmp_path: Path, start_node: StartNode
) -> None:
    study = small_study(tmp_path, "refused")

    with (
        scripted_scp(0xC000, 0xC000, 0xC000) as scp,
        start_node(destinations=[scripted_destination(scp, "strict")]) as node,
    ):
        send(node, study)
        wait_until_settled(node, study)
        assert WorkState.DEAD in states_of_deliveries(node, study, "strict")
        listed = node.command("dead-letters")
        assert "strict" in listed.stdout, listed
        assert "C000H" in listed.stdout, listed

        scp.answers.clear()
        requeued = node.command("requeue", study.study_uid)
        assert requeued.returncode == 0, requeued.stderr
        wait_until_settled(node, study)

        assert states_of_deliveries(node, study, "strict") == {WorkState.DONE}
        assert stored_images(node, study) == study.images


def test_results_that_the_pacs_sends_back_start_nothing(tmp_path: Path, start_node: StartNode) -> None:
    study = small_study(tmp_path, "echo")
    script = tmp_path / "forward.lua"
    script.write_text(
        "function OnStoredInstance(instance, tags, metadata, origin)\n  SendToModality(instance, 'node')\nend\n"
    )
    node_port = peers.free_port()
    forwarding = {"LuaScripts": [str(script)], "DicomModalities": {"node": ["OSTEONODE", "127.0.0.1", node_port]}}

    with (
        peers.orthanc_server(tmp_path / "pacs", extra=forwarding) as pacs,
        start_node(
            destinations=[orthanc_destination(pacs)],
            settings={"OSTEONODE_LISTEN__PORT": str(node_port)},
        ) as node,
    ):
        send(node, study)
        wait_until_settled(node, study)
        results = {uid for _, uid in pacs.results_of(study.study_uid)}
        peers.wait_until(
            lambda: results <= stored_images(node, study), "the PACS to send the results back", timeout_s=20
        )
        time.sleep(4.0)  # four times the quiet period: a new revision would have been closed and analysed by now

        wait_until_settled(node, study)
        assert stored_images(node, study) == study.images | results
        assert_one_set_of_results(pacs, study)
