"""`osteonode requeue`: of a study, of a destination, or everything; one of them, and it says how much."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from node import wiring
from node.cli import app
from node.domain.errors import InputRejected
from node.domain.state import WorkState
from node.domain.work import Failure
from node.settings import load_settings
from node.store.engine import open_engine
from tests.builders.index import FakeClock, FakeQueue, uid
from tests.builders.index_node import ARCHIVE, PACS, IndexNode

FOR_GOOD = Failure(error="DestinationRefuses", message="calling AE title not recognised", permanent=True)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexNode:
    """A home whose index has two studies, all their deliveries given up; the broker takes what it is sent."""
    destinations = [
        {"name": each.name, "host": each.host, "port": each.port, "ae_title": str(each.ae_title)}
        for each in (PACS, ARCHIVE)
    ]
    monkeypatch.setenv("OSTEONODE_HOME", str(tmp_path))
    monkeypatch.setenv("OSTEONODE_DESTINATION", json.dumps(destinations))
    monkeypatch.setattr(wiring, "CeleryQueue", lambda *_: FakeQueue())
    settings = load_settings()
    wiring.prepare(settings)
    engine = open_engine(settings.database_url)
    node = IndexNode(engine=engine, clock=FakeClock(), queue=FakeQueue(), destinations=(PACS, ARCHIVE))
    for number in ("1", "2"):
        node.complete_study(number, f"{number}.1")
        for _ in range(3):
            node.do_next()
        while node.queue.messages:
            node.ledger.fail(node.next_lease(), FOR_GOOD)
    return node


def requeue(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["requeue", *arguments])


def given_up(node: IndexNode) -> set[tuple[str, str | None]]:
    return {(row.item.study_uid, row.item.destination) for row in node.work(state=WorkState.DEAD)}


def test_all_requeues_everything_and_says_how_much(node: IndexNode) -> None:
    result = requeue("--all")

    assert (result.exit_code, result.output) == (0, "8 pieces of work were made ready again.\n")
    assert given_up(node) == set()


def test_a_destination_is_requeued_for_all_studies(node: IndexNode) -> None:
    result = requeue("--destination", "archive")

    assert (result.exit_code, result.output) == (0, "4 pieces of work were made ready again.\n")
    assert given_up(node) == {(uid("1"), "pacs"), (uid("2"), "pacs")}


def test_a_study_is_requeued_for_all_destinations(node: IndexNode) -> None:
    result = requeue(uid("1"))

    assert (result.exit_code, result.output) == (0, "4 pieces of work were made ready again.\n")
    assert given_up(node) == {(uid("2"), "pacs"), (uid("2"), "archive")}


def test_where_nothing_was_given_up_it_says_so(node: IndexNode) -> None:
    requeue("--all")

    assert requeue("--all").output == "Nothing was given up.\n"


def test_a_destination_that_is_not_configured_is_refused_with_those_that_are(node: IndexNode) -> None:
    result = requeue("--destination", "archiv")

    assert isinstance(result.exception, InputRejected)
    assert str(result.exception) == "archiv is not a destination of this node; configured are: pacs, archive"
    assert len(given_up(node)) == 4


@pytest.mark.parametrize(
    "arguments", [(), ("1.2.3", "--all"), ("--all", "--destination", "pacs"), ("1.2", "--destination", "pacs")]
)
def test_anything_but_one_choice_is_wrong_usage(node: IndexNode, arguments: tuple[str, ...]) -> None:
    result = requeue(*arguments)

    assert result.exit_code == 2
    assert len(given_up(node)) == 4
