"""Instances, series and studies as the index knows them, and a clock and a queue that tests command."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace

from blake3 import blake3

from node.domain.errors import TransientFailure
from node.domain.identifiers import Uid
from node.domain.study import ImageFacts, Instance, Series, Study, Vector3, Vector6
from node.domain.work import WorkItem

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
AXIAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CT_IMAGE = Uid("1.2.840.10008.5.1.4.1.1.2")
EXPLICIT_LITTLE = Uid("1.2.840.10008.1.2.1")


def seconds(number: float) -> datetime.timedelta:
    """A span of time."""
    return datetime.timedelta(seconds=number)


def uid(number: int | str) -> Uid:
    """A UID that ends in the number."""
    return Uid(f"1.2.826.0.1.3680043.8.498.{number}")


def digest(text: str) -> str:
    """A digest of 256 bits."""
    return blake3(text.encode()).hexdigest()


def ct_facts(k: int = 0, *, slice_mm: float = 2.0, **other: object) -> ImageFacts:
    """Facts of slice k of an axial CT of the chest, soft kernel, no contrast."""
    position: Vector3 = (-250.0, -250.0, slice_mm * k)
    plain = ImageFacts(
        modality="CT",
        body_part="CHEST",
        series_description="Thorax",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        rows=512,
        columns=512,
        position=position,
        orientation=AXIAL,
        pixel_spacing=(0.9, 0.9),
        slice_thickness=slice_mm,
        kvp=120.0,
        kernel="B30f",
        contrast_agent=False,
        has_pixel_data=True,
    )
    return replace(plain, **other)  # type: ignore[arg-type]


def an_instance(
    number: int | str = 1,
    *,
    study: int | str = "1",
    series: int | str = "1.1",
    facts: ImageFacts | None = None,
    at: datetime.datetime = NOON,
    content: str = "",
    patient: str = "patient",
) -> Instance:
    """An instance; `content` stands for its bytes."""
    name = f"{study}.{series}.{number}"
    return Instance(
        sop_instance_uid=uid(name),
        sop_class_uid=CT_IMAGE,
        series_uid=uid(series),
        study_uid=uid(study),
        transfer_syntax=EXPLICIT_LITTLE,
        file=f"instances/{name}-{digest(content)[:8]}.dcm",
        size=526_000,
        digest=digest(name + content),
        patient=digest(patient),
        received_at=at,
        facts=facts if facts is not None else ct_facts(int(number)),
    )


def ct_instances(
    slices: Iterable[int] = range(40),
    *,
    study: int | str = "1",
    series: int | str = "1.1",
    at: datetime.datetime = NOON,
    **facts: object,
) -> list[Instance]:
    """The slices of an axial CT series; `facts` override those of `ct_facts`."""
    return [
        an_instance(k, study=study, series=series, facts=ct_facts(k, **facts), at=at)  # type: ignore[arg-type]
        for k in slices
    ]


def a_series(number: int | str = "1.1", slices: Iterable[int] = range(40), **facts: object) -> Series:
    """An axial CT series."""
    return Series(series_uid=uid(number), instances=tuple(ct_instances(slices, series=number, **facts)))  # type: ignore[arg-type]


def a_study(*series: Series, revision: int = 1) -> Study:
    """A study of the series."""
    return Study(study_uid=uid("1"), revision=revision, series=series or (a_series(),))


class FakeClock:
    """A clock that stands until it is told to go on."""

    def __init__(self, now: datetime.datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime.datetime:
        """The time."""
        return self._now

    def advance(self, by_s: float) -> datetime.datetime:
        """Let time pass."""
        self._now += seconds(by_s)
        return self._now


class FakeQueue:
    """A broker in memory that can be wiped and can be down."""

    def __init__(self) -> None:
        self.messages: list[WorkItem] = []
        self.down = False

    def send(self, item: WorkItem) -> None:
        """Take a message."""
        if self.down:
            raise TransientFailure("the broker is down")
        self.messages.append(item)

    def take(self) -> WorkItem:
        """The oldest message."""
        return self.messages.pop(0)

    def wipe(self) -> None:
        """Lose everything."""
        self.messages.clear()

    @property
    def ids(self) -> Sequence[int]:
        """Identifiers of the work whose messages wait."""
        return [item.work_id for item in self.messages]
