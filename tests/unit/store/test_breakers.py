"""Breakers are shared by all processes through the index."""

import pytest

from node.domain.breaker import BreakerPolicy
from node.store.breakers import SqlBreakers, refuses_until
from node.store.engine import reading

POLICY = BreakerPolicy(failures=2, pause_s=30.0, longest_pause_s=100.0, probe_s=120.0)


@pytest.fixture
def breakers(engine, clock):
    return SqlBreakers(engine, clock, POLICY)


def open_breaker(breakers: SqlBreakers) -> None:
    for _ in range(2):
        breakers.failed("pacs")


def test_an_unknown_destination_is_asked(breakers):
    assert breakers.admits("pacs")


def test_a_destination_that_fails_in_a_row_is_left_alone_by_every_process(breakers, engine, clock):
    open_breaker(breakers)

    assert not SqlBreakers(engine, clock, POLICY).admits("pacs")
    assert breakers.admits("archive")


def test_a_success_in_between_counts_from_the_start(breakers):
    breakers.failed("pacs")
    breakers.succeeded("pacs")
    breakers.failed("pacs")

    assert breakers.admits("pacs")


def test_after_the_pause_one_probe_goes_and_no_other(breakers, clock):
    open_breaker(breakers)
    clock.advance(30)

    assert [breakers.admits("pacs") for _ in range(3)] == [True, False, False]


def test_looking_makes_nobody_a_probe(breakers, engine, clock):
    open_breaker(breakers)
    clock.advance(30)

    with reading(engine) as connection:
        assert refuses_until(connection, "pacs", now=clock.now()) is None
    assert breakers.admits("pacs")


def test_a_probe_that_succeeds_closes_the_breaker(breakers, clock):
    open_breaker(breakers)
    clock.advance(30)
    breakers.admits("pacs")

    breakers.succeeded("pacs")

    assert [breakers.admits("pacs") for _ in range(3)] == [True, True, True]


def test_a_probe_that_fails_doubles_the_pause(breakers, clock):
    open_breaker(breakers)
    clock.advance(30)
    breakers.admits("pacs")
    breakers.failed("pacs")

    clock.advance(59)
    early = breakers.admits("pacs")
    clock.advance(1)

    assert (early, breakers.admits("pacs")) == (False, True)


def test_a_probe_that_never_answers_gives_way_to_another(breakers, clock):
    open_breaker(breakers)
    clock.advance(30)
    breakers.admits("pacs")

    clock.advance(120)

    assert breakers.admits("pacs")
