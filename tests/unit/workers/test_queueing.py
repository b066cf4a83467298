"""Work goes into the right queue, and a broker that is down is said at once."""

import socket
import time

import pytest

from node.domain.errors import TransientFailure
from node.domain.identifiers import Uid
from node.domain.pseudonym import Pseudonymizer
from node.domain.study import Priority
from node.domain.work import CT_BONE, LONGEST_TIME_LIMIT_S, STAGES, Pool, Stage, WorkItem
from node.queueing import SOFT_BEFORE_HARD_S, CeleryQueue, celery_app, queue_of, stage_task

PSEUDONYMS = Pseudonymizer(b"sixteen bytes or more")


def an_item(stage: Stage, priority: Priority = Priority.ROUTINE) -> WorkItem:
    delivery = {"object_uid": Uid("1.2.3.4"), "destination": "pacs"} if stage is Stage.DELIVER else {}
    return WorkItem(
        work_id=7, study_uid=Uid("1.2.3"), revision=1, pipeline=CT_BONE, stage=stage, priority=priority, **delivery
    )


@pytest.mark.parametrize(
    ("stage", "queue"),
    [
        (Stage.SEGMENT, "gpu.urgent"),
        (Stage.SCREEN_BMD, "gpu.urgent.begun"),
        (Stage.ENCODE, "encode"),
        (Stage.PICTURE, "gpu.urgent.begun"),
        (Stage.DELIVER, "deliver.pacs"),
    ],
)
def test_each_stage_has_its_queue(stage, queue):
    assert queue_of(an_item(stage, Priority.URGENT)) == queue


def test_a_task_has_the_name_and_the_limits_of_its_stage():
    app = celery_app("test", "redis://localhost", pool=Pool.GPU)

    stage_task(app, Stage.SEGMENT, str)

    task = app.tasks["osteonode.segment"]
    limit = STAGES[Stage.SEGMENT].time_limit_s
    assert (task.time_limit, task.soft_time_limit, task.max_retries) == (limit, limit - SOFT_BEFORE_HARD_S, 0)
    assert app.conf.broker_transport_options["visibility_timeout"] > LONGEST_TIME_LIMIT_S


@pytest.mark.parametrize("url", ["redis+socket:///nowhere/redis.sock", "redis://127.0.0.1:1/0"])
def test_a_broker_that_is_not_there_fails_at_once(url):
    queue = CeleryQueue(celery_app("test", url), PSEUDONYMS)
    started = time.monotonic()

    with pytest.raises(TransientFailure, match="the broker did not take"):
        queue.send(an_item(Stage.SEGMENT))

    assert time.monotonic() - started < 3


def test_a_broker_that_never_answers_fails_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        queue = CeleryQueue(celery_app("test", f"redis://127.0.0.1:{silent.getsockname()[1]}/0"), PSEUDONYMS)
        started = time.monotonic()

        with pytest.raises(TransientFailure):
            queue.send(an_item(Stage.SEGMENT))

    assert time.monotonic() - started < 10
