"""One delivery: what is sent, what the breaker hears, and which failures pass."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from blake3 import blake3

from node.dispatch.deliver import Delivery
from node.dispatch.dicom_file import DicomFile
from node.dispatch.failures import DestinationPaused, DestinationRefuses, DestinationUnavailable
from node.domain.destination import Destination
from node.domain.errors import TransientFailure
from node.domain.identifiers import AETitle, Uid
from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.provenance import IntendedUse
from node.domain.study import Priority
from node.domain.work import CT_BONE, Lease, Stage, WorkItem
from node.observe.events import Event
from tests.builders.ct import CtSpec, ct_series, write_series

PACS = Destination(name="pacs", host="pacs.example", port=104, ae_title=AETitle("PACS"), research_results=True)


@dataclass
class OneObject:
    """An outbox with one object."""

    made: OutgoingObject

    def object(self, object_uid: Uid) -> OutgoingObject:
        assert object_uid == self.made.sop_instance_uid
        return self.made

    def existing(self, object_uid: Uid) -> OutgoingObject | None:
        return self.made if object_uid == self.made.sop_instance_uid else None

    def previous_report(self, study_uid: Uid, *, before_revision: int, pipeline: str) -> OutgoingObject | None:
        return None


@dataclass
class NotedBreakers:
    """Breakers that note what they hear."""

    open: bool = False
    heard: list[str] = field(default_factory=list)

    def admits(self, destination: str) -> bool:
        return not self.open

    def succeeded(self, destination: str) -> None:
        self.heard.append("succeeded")

    def failed(self, destination: str) -> None:
        self.heard.append("failed")


@dataclass
class ScriptedSender:
    """Answers with a status, or raises."""

    answer: int | BaseException = 0x0000
    sent: list[tuple[str, str]] = field(default_factory=list)

    def send(self, destination: Destination, file: DicomFile) -> int:
        self.sent.append((destination.name, file.sop_instance_uid))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclass
class Case:
    """A delivery and all that it touches."""

    made: OutgoingObject
    root: Path
    breakers: NotedBreakers = field(default_factory=NotedBreakers)
    sender: ScriptedSender = field(default_factory=ScriptedSender)
    destinations: tuple[Destination, ...] = (PACS,)

    def run(self) -> str:
        """Deliver and give the note of the outcome."""
        delivery = Delivery(
            outbox=OneObject(self.made),
            breakers=self.breakers,
            store_root=self.root,
            destinations={each.name: each for each in self.destinations},
            sender=self.sender,
        )
        item = WorkItem(
            work_id=7,
            study_uid=Uid("1.2.3"),
            revision=1,
            pipeline=CT_BONE,
            stage=Stage.DELIVER,
            priority=Priority.ROUTINE,
            object_uid=self.made.sop_instance_uid,
            destination="pacs",
        )
        expires = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
        outcome = delivery.deliver(Lease(item=item, token=1, worker="w", expires_at=expires))
        assert set(outcome.timings_s) == {"deliver"}
        return outcome.note


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A research object whose file is as it was made."""
    (path,) = write_series(ct_series(CtSpec(slices=1)), tmp_path)
    (dataset,) = ct_series(CtSpec(slices=1))
    made = OutgoingObject(
        kind=ObjectKind.SR,
        sop_class_uid=Uid(dataset.SOPClassUID),
        sop_instance_uid=Uid(dataset.SOPInstanceUID),
        series_uid=Uid(dataset.SeriesInstanceUID),
        file=path.name,
        digest=blake3(path.read_bytes()).hexdigest(),
        intended_use=IntendedUse.RESEARCH,
    )
    return Case(made=made, root=tmp_path)


def test_success_is_reported_without_a_note(case: Case) -> None:
    assert case.run() == ""
    assert case.sender.sent == [("pacs", case.made.sop_instance_uid)]
    assert case.breakers.heard == ["succeeded"]


def test_a_warning_is_a_delivery_and_stands_in_the_note(case: Case) -> None:
    case.sender.answer = 0xB006

    assert case.run() == "status B006H, elements discarded"
    assert case.breakers.heard == ["succeeded"]


@pytest.mark.parametrize(
    ("code", "note"),
    [(0x0107, "status 0107H, attribute list error"), (0x0116, "status 0116H, attribute value out of range")],
)
def test_a_warning_of_the_general_statuses_is_a_delivery_too(case: Case, code: int, note: str) -> None:
    case.sender.answer = code

    assert case.run() == note
    assert case.breakers.heard == ["succeeded"]


@pytest.mark.parametrize("code", [0x0110, 0x0210, 0xFE00])
def test_an_object_that_the_destination_stumbles_over_is_tried_again_and_delays_no_other(case: Case, code: int) -> None:
    case.sender.answer = code

    with pytest.raises(DestinationUnavailable, match=f"{code:04X}H"):
        case.run()
    assert case.breakers.heard == ["succeeded"]


@pytest.mark.parametrize(
    ("code", "told"), [(0xA700, "A700H, refused: out of resources"), (0x0213, "0213H, resource limitation")]
)
def test_a_full_archive_is_tried_again_and_counts_against_the_breaker(case: Case, code: int, told: str) -> None:
    case.sender.answer = code

    with pytest.raises(DestinationUnavailable, match=told):
        case.run()
    assert case.breakers.heard == ["failed"]


def test_an_object_that_cannot_be_understood_is_refused_for_good_and_the_breaker_stays_closed(case: Case) -> None:
    case.sender.answer = 0xC000

    with pytest.raises(DestinationRefuses, match="C000H, cannot understand"):
        case.run()
    assert case.breakers.heard == ["succeeded"]


def test_the_log_tells_what_was_refused(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    case.sender.answer = 0xC000

    with pytest.raises(DestinationRefuses):
        case.run()

    (told,) = [vars(record) for record in caplog.records]
    assert told["event"] is Event.OBJECT_REFUSED
    assert told["destination"] == "pacs"
    assert told["kind"] is case.made.kind


def test_a_dead_destination_counts_against_the_breaker(case: Case) -> None:
    case.sender.answer = DestinationUnavailable("no association")

    with pytest.raises(DestinationUnavailable):
        case.run()
    assert case.breakers.heard == ["failed"]


def test_a_refusing_destination_is_there_for_the_breaker(case: Case) -> None:
    case.sender.answer = DestinationRefuses("called AE title not recognised")

    with pytest.raises(DestinationRefuses):
        case.run()
    assert case.breakers.heard == ["succeeded"]


def test_a_delivery_that_was_ended_by_its_time_limit_counts_against_the_breaker(case: Case) -> None:
    case.sender.answer = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        case.run()
    assert case.breakers.heard == ["failed"]


def test_nothing_is_sent_while_the_breaker_is_open(case: Case) -> None:
    case.breakers.open = True

    with pytest.raises(DestinationPaused):
        case.run()
    assert case.sender.sent == []
    assert case.breakers.heard == []


def test_a_file_that_is_not_what_was_made_is_not_sent(case: Case) -> None:
    case.made = replace(case.made, digest="0" * 64)

    with pytest.raises(TransientFailure, match="does not have the hash"):
        case.run()
    assert case.sender.sent == []
    assert case.breakers.heard == []


def test_a_missing_file_is_tried_again(case: Case) -> None:
    case.made = replace(case.made, file="objects/absent.dcm")

    with pytest.raises(TransientFailure, match="cannot be read"):
        case.run()


def test_a_destination_that_was_taken_out_of_the_configuration_gets_nothing(case: Case) -> None:
    case.destinations = ()

    with pytest.raises(DestinationRefuses, match="no longer a destination"):
        case.run()


def test_research_is_not_sent_where_it_was_switched_off_meanwhile(case: Case) -> None:
    case.destinations = (replace(PACS, research_results=False),)

    with pytest.raises(DestinationRefuses, match="no longer configured to receive"):
        case.run()
    assert case.sender.sent == []
