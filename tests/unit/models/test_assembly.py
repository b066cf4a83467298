"""What speaks against a body reaches the vertebra that it becomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.assembly import assemble_spine
from models.bodies import FoundBodies
from models.chain import Chain, chain_of
from models.refine import FineBody
from models.scan import PreparedScan
from models.spine import find_bodies, prepare_scan, see_bodies
from models.vertebra import SpineSegmentation
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import painted_model, painted_volume

_SCENE = Scene(top=VertebralLevel.T10, bottom=VertebralLevel.L3, sacrum=False)
#: In the middle of the chain, where no end of the scan is near.
_CHOSEN = 2


@pytest.fixture(scope="module")
def scan() -> PreparedScan:
    prepared = prepare_scan(painted_volume(build(_SCENE)), painted_model().tissue)
    assert isinstance(prepared, PreparedScan)
    return prepared


@pytest.fixture(scope="module")
def chain(scan: PreparedScan) -> Chain:
    model = painted_model()
    found = find_bodies(scan, model.tissue.classify(scan), model.tissue)
    assert isinstance(found, FoundBodies)
    return chain_of(found, model.levels)


@pytest.fixture(scope="module")
def seen(scan: PreparedScan, chain: Chain) -> dict[int, FineBody]:
    return see_bodies(scan, chain, painted_model().body)


def refused(scan: PreparedScan, chain: Chain, seen: dict[int, FineBody]) -> dict[int, list[Reason]]:
    """The reasons of every vertebra that has any, by its place in the chain."""
    spine = assemble_spine(scan.volume, chain, seen)
    assert isinstance(spine, SpineSegmentation)
    assert len(spine.vertebrae) == len(chain.vertebrae)
    return {place: list(vertebra.reasons) for place, vertebra in enumerate(spine.vertebrae) if vertebra.reasons}


def test_bodies_that_both_networks_see_alike_can_all_be_measured(
    scan: PreparedScan, chain: Chain, seen: dict[int, FineBody]
) -> None:
    assert refused(scan, chain, seen) == {}


def test_a_body_on_which_the_networks_disagree_is_not_measured_and_says_so(
    scan: PreparedScan, chain: Chain, seen: dict[int, FineBody]
) -> None:
    number = chain.vertebrae[_CHOSEN]

    reasons = refused(scan, chain, seen | {number: replace(seen[number], agrees=False)})

    assert list(reasons) == [_CHOSEN]
    assert [reason.code for reason in reasons[_CHOSEN]] == [ReasonCode.IMPLAUSIBLE_ANATOMY]
    assert "not where it was" in reasons[_CHOSEN][0].detail


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_a_body_of_an_odd_size_is_not_measured_and_says_so(
    scan: PreparedScan, chain: Chain, seen: dict[int, FineBody], factor: float
) -> None:
    index = chain.vertebrae[_CHOSEN] - 1
    evidence = list(chain.evidence)
    evidence[index] = replace(evidence[index], volume_mm3=factor * evidence[index].volume_mm3)

    reasons = refused(scan, replace(chain, evidence=tuple(evidence)), seen)

    assert list(reasons) == [_CHOSEN]
    assert [reason.code for reason in reasons[_CHOSEN]] == [ReasonCode.IMPLAUSIBLE_ANATOMY]


def test_a_chain_of_which_no_body_is_drawn_is_no_spine(
    scan: PreparedScan, chain: Chain, seen: dict[int, FineBody]
) -> None:
    nothing = {number: replace(body, probability=np.zeros_like(body.probability)) for number, body in seen.items()}

    answer = assemble_spine(scan.volume, chain, nothing)

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.NO_SPINE
