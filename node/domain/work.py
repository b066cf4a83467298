"""Pieces of work: what a pipeline does in which order, and who may do it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from enum import StrEnum

from node.domain.identifiers import Uid
from node.domain.outgoing import OutgoingObject
from node.domain.study import Priority

CT_BONE = "ct-bone"


class Stage(StrEnum):
    """One step of a pipeline, done by one Celery task."""

    SEGMENT = "segment"
    SCREEN_BMD = "screen_bmd"
    ENCODE = "encode"
    DELIVER = "deliver"
    PICTURE = "picture"
    ENCODE_PICTURE = "encode_picture"
    DELIVER_PICTURE = "deliver_picture"


class Pool(StrEnum):
    """Which kind of worker does a stage."""

    GPU = "gpu"
    ENCODE = "encode"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """How a stage is run.

    Parameters
    ----------
    task
        Name of the Celery task.
    after
        Stages of the same pipeline that must be done before.
    time_limit_s
        The task is ended after this long; its lease cannot outlive it.
    """

    stage: Stage
    pool: Pool
    task: str
    after: frozenset[Stage]
    time_limit_s: float


STAGES: dict[Stage, StageSpec] = {
    spec.stage: spec
    for spec in (
        StageSpec(stage=Stage.SEGMENT, pool=Pool.GPU, task="osteonode.segment", after=frozenset(), time_limit_s=1200.0),
        StageSpec(
            stage=Stage.SCREEN_BMD,
            pool=Pool.GPU,
            task="osteonode.screen_bmd",
            after=frozenset({Stage.SEGMENT}),
            time_limit_s=300.0,
        ),
        StageSpec(
            stage=Stage.ENCODE,
            pool=Pool.ENCODE,
            task="osteonode.encode",
            after=frozenset({Stage.SCREEN_BMD}),
            time_limit_s=300.0,
        ),
        StageSpec(
            stage=Stage.DELIVER,
            pool=Pool.DELIVER,
            task="osteonode.deliver",
            after=frozenset({Stage.ENCODE}),
            time_limit_s=900.0,
        ),
        StageSpec(
            stage=Stage.PICTURE,
            pool=Pool.GPU,
            task="osteonode.picture",
            after=frozenset({Stage.ENCODE}),
            time_limit_s=300.0,
        ),
        StageSpec(
            stage=Stage.ENCODE_PICTURE,
            pool=Pool.ENCODE,
            task="osteonode.encode_picture",
            after=frozenset({Stage.PICTURE}),
            time_limit_s=300.0,
        ),
        StageSpec(
            stage=Stage.DELIVER_PICTURE,
            pool=Pool.DELIVER,
            task="osteonode.deliver_picture",
            after=frozenset({Stage.ENCODE_PICTURE}),
            time_limit_s=900.0,
        ),
    )
}

#: The stages of each pipeline in their order. Deliveries follow from the objects that `encode` makes; the picture, on
#: which no result waits, from what was segmented.
PIPELINES: dict[str, tuple[Stage, ...]] = {CT_BONE: (Stage.SEGMENT, Stage.SCREEN_BMD, Stage.ENCODE)}

#: Stages that no result waits for: they do not count in what a study shows, and a study is done without them.
ASIDE = frozenset({Stage.PICTURE, Stage.ENCODE_PICTURE, Stage.DELIVER_PICTURE})

#: Longest time limit of all: the broker must not hand a message to a second worker before it has passed.
LONGEST_TIME_LIMIT_S = max(spec.time_limit_s for spec in STAGES.values())


def following(pipeline: str, done: Stage, *, assessable: bool) -> Stage | None:
    """The stage that a finished one makes ready, or `None` after the last.

    Parameters
    ----------
    assessable
        Whether the finished stage left something to assess. Where it did not, the pipeline goes straight to encoding,
        which says why.
    """
    stages = PIPELINES[pipeline]
    place = stages.index(done)
    if place + 1 == len(stages):
        return None
    return stages[place + 1] if assessable else Stage.ENCODE


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """A stage of a pipeline on a revision of a study; for the stages that deliver, of one object to one
    destination.

    `series_uid` is the chosen series, `None` where none suited. `priority` decides the queue.
    """

    work_id: int
    study_uid: Uid
    revision: int
    pipeline: str
    stage: Stage
    priority: Priority
    series_uid: Uid | None = None
    object_uid: Uid | None = None
    destination: str | None = None

    def __post_init__(self) -> None:
        is_delivery = STAGES[self.stage].pool is Pool.DELIVER
        if is_delivery != (self.object_uid is not None) or is_delivery != (self.destination is not None):
            raise ValueError("a delivery, and only a delivery, has an object and a destination")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to do a piece of work until `expires_at`.

    `token` rises with every lease of the same work: what comes with an older token is refused (fencing).
    """

    item: WorkItem
    token: int
    worker: str
    expires_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotClaimed:
    """The work is not to be done by this worker now, and why; nothing is wrong."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A file that a stage leaves for the next, written once: its name relative to the store, and its BLAKE3 digest."""

    name: str
    file: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutcome:
    """What a finished stage reports.

    `timings_s` are seconds by phase (load, segment with its part infer, measure, classify, encode, deliver). `objects`
    are what `encode` made. `note` is a short word for the history of the study, without identity (a warning status of
    a delivery, say).
    """

    assessable: bool
    artefacts: tuple[Artefact, ...] = ()
    objects: tuple[OutgoingObject, ...] = ()
    timings_s: dict[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a try failed. `error` is the name of the error's class, `message` carries no identity."""

    error: str
    message: str
    permanent: bool
