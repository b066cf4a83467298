"""The newest findings of every study, with the facts of their series."""

import datetime

from node.artefacts import FINDINGS
from node.domain.work import Artefact, StageOutcome
from node.store.findings_index import FindingsIndex
from tests.builders.index import digest
from tests.builders.index_node import IndexNode


def leave_findings(node: IndexNode, name: str) -> None:
    """Segment does its work, then the next stage leaves findings."""
    node.do_next()
    artefact = Artefact(name=FINDINGS, file=f"artefacts/{name}", digest=digest(name), size=10)
    lease = node.next_lease()
    node.ledger.complete(lease, StageOutcome(assessable=True, artefacts=(artefact,), timings_s={}))


def test_findings_come_with_the_facts_of_their_series(node: IndexNode):
    day = datetime.date(2026, 3, 4)
    node.receive(model="Force", device_serial="1234", scanned_on=day)
    node.sweep(61)
    leave_findings(node, "first")

    (kept,) = FindingsIndex(node.engine).newest()

    assert kept.artefact.file == "artefacts/first"
    assert (kept.facts.model, kept.facts.device_serial, kept.facts.scanned_on) == ("Force", "1234", day)


def test_a_study_without_findings_is_not_there(node: IndexNode):
    node.complete_study()

    assert FindingsIndex(node.engine).newest() == ()


def test_of_a_study_that_was_analysed_again_only_the_newest_counts(node: IndexNode):
    node.complete_study()
    leave_findings(node, "first")
    node.do_all()
    node.receive(range(40, 60))
    node.sweep(61)
    leave_findings(node, "second")

    (kept,) = FindingsIndex(node.engine).newest()

    assert kept.artefact.file == "artefacts/second"
