"""A worker that cannot start: the node receives on, says so, and nobody waits for a result in vain."""

from __future__ import annotations

import json
from pathlib import Path

from node.cli.start_report import not_started
from tests.faults.conftest import StartNode
from tests.faults.flow import send, small_study, stored_images

#: A CUDA device that no machine has.
MISSING_DEVICE = "cuda:99"


def test_images_are_received_and_kept_where_the_configured_cuda_device_is_missing(
    tmp_path: Path, start_node: StartNode
):
    study = small_study(tmp_path, "broken-cuda", slices=4)

    with start_node(settings={"OSTEONODE_WORKERS__DEVICE": MISSING_DEVICE}) as node:
        reasons = not_started(node.home)
        send(node, study)
        ran = node.command("run", str(study.folder), "--out", str(tmp_path / "out"))
        stored = stored_images(node, study)

    assert list(reasons) == ["gpu"]
    assert f"'{MISSING_DEVICE}'" in reasons["gpu"]
    assert stored == study.images
    assert ran.returncode == 1
    assert f"'{MISSING_DEVICE}'" in ran.stderr
    assert "process-not-started" in {json.loads(line)["event"] for line in node.log("up").splitlines()}
