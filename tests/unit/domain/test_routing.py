"""Which object goes to which destination: every combination."""

from dataclasses import replace
from itertools import product

import pytest

from node.domain.destination import Destination
from node.domain.identifiers import AETitle
from node.domain.outgoing import ObjectKind
from node.domain.provenance import IntendedUse
from node.domain.routing import accepts, routes
from tests.builders.index_node import an_object

PLAIN = Destination(name="plain", host="pacs", port=104, ae_title=AETitle("PACS"))
CLINICAL = replace(an_object("clinical"), intended_use=IntendedUse.CLINICAL)
RESEARCH = an_object("research")


def test_clinical_results_go_everywhere():
    assert accepts(PLAIN, CLINICAL)


@pytest.mark.parametrize("wanted", [True, False])
def test_research_results_go_only_where_they_are_wanted(wanted):
    assert accepts(replace(PLAIN, research_results=wanted), RESEARCH) == wanted


@pytest.mark.parametrize(("research", "empty"), list(product([True, False], repeat=2)))
def test_a_report_of_nothing_goes_only_where_it_is_wanted_too(research, empty):
    destination = replace(PLAIN, research_results=research, not_evaluable_reports=empty)

    assert accepts(destination, replace(RESEARCH, not_evaluable=True)) == (research and empty)
    assert accepts(destination, replace(CLINICAL, not_evaluable=True)) == empty


@pytest.mark.parametrize("wanted", [True, False])
def test_a_picture_goes_only_where_it_is_wanted_and_nothing_else_asks_for_that(wanted):
    destination = replace(PLAIN, pictures=wanted)

    assert accepts(destination, replace(CLINICAL, kind=ObjectKind.SC)) == wanted
    assert accepts(destination, replace(CLINICAL, kind=ObjectKind.SEG))


@pytest.mark.parametrize(("research", "key_objects", "by_name"), list(product([True, False], repeat=3)))
def test_urgency_is_raised_only_where_it_is_switched_on_and_for_research_by_name(research, key_objects, by_name):
    destination = replace(PLAIN, research_results=research, urgent_key_objects=key_objects, urgent_research=by_name)

    assert accepts(destination, replace(RESEARCH, urgent=True)) == (research and key_objects and by_name)
    assert accepts(destination, replace(CLINICAL, urgent=True)) == key_objects


def test_every_object_is_routed_to_every_destination_that_takes_it():
    open_to_all = replace(PLAIN, name="open", research_results=True)

    assert routes([CLINICAL, RESEARCH], [PLAIN, open_to_all]) == (
        (CLINICAL, PLAIN),
        (CLINICAL, open_to_all),
        (RESEARCH, open_to_all),
    )


def test_without_destinations_nothing_is_routed():
    assert routes([CLINICAL], []) == ()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "a b"}, {"name": "a/b"}, {"port": 0}, {"port": 65536}])
def test_a_destination_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        replace(PLAIN, **wrong)
