"""The corpus is read as the RFCs demand, however its bytes arrive, and as the peers read it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .agreement import Disagreement, compare
from .corpus import CORPUS
from .corpus.case import Case, describe
from .h11_reader import read_with_h11
from .outcome import Outcome
from .peer_differences import DIFFERENCES, H11, TORNADO, explanations
from .serving import byte_by_byte, cuts, read_with_server
from .tornado_reader import read_with_tornado

EACH_PART = pytest.mark.parametrize("part", CORPUS)


def read_whole(cases: tuple[Case, ...], folder: Path) -> list[Outcome]:
    return asyncio.run(read_with_server([[case.data] for case in cases], folder))


def disagreements(case: Case, ours: Outcome) -> list[Disagreement]:
    peers = {
        H11: read_with_h11(case.data),
        TORNADO: asyncio.run(read_with_tornado(case.data)),
    }
    found = (compare(case.data, ours, peer, name) for name, peer in peers.items())
    return [each for each in found if each is not None]


@EACH_PART
def test_each_request_is_read_as_the_rfcs_demand(part: str, tmp_path: Path) -> None:
    cases = CORPUS[part]
    found = {
        case.name: describe(outcome, case.expected)
        for case, outcome in zip(cases, read_whole(cases, tmp_path), strict=True)
    }
    assert found == {case.name: case.expected for case in cases}


@EACH_PART
def test_it_does_not_matter_how_the_bytes_arrive(part: str, tmp_path: Path) -> None:
    cases = CORPUS[part]
    arrivals = [
        (case, pieces)
        for case in cases
        for pieces in (byte_by_byte(case.data), *(cuts(case.data) if len(case.data) < 150 else ()))
    ]
    outcomes = asyncio.run(read_with_server([pieces for _, pieces in arrivals], tmp_path))
    for (case, pieces), outcome in zip(arrivals, outcomes, strict=True):
        found = describe(outcome, case.expected)
        assert found == case.expected, (case.name, pieces)


@EACH_PART
def test_the_peers_agree_but_for_the_known_differences(part: str, tmp_path: Path) -> None:
    cases = CORPUS[part]
    for case, outcome in zip(cases, read_whole(cases, tmp_path), strict=True):
        for found in disagreements(case, outcome):
            assert explanations(found), (case.name, found)


def test_each_known_difference_exists(tmp_path: Path) -> None:
    """A difference that has vanished must be removed from the table."""
    cases = tuple(case for part in CORPUS.values() for case in part)
    seen = set()
    for case, outcome in zip(cases, read_whole(cases, tmp_path), strict=True):
        for found in disagreements(case, outcome):
            if len(reasons := explanations(found)) == 1:
                seen.add(reasons[0].reason)
    assert seen == {difference.reason for difference in DIFFERENCES}


@EACH_PART
def test_names_are_unique(part: str) -> None:
    names = [case.name for case in CORPUS[part]]
    assert sorted(names) == sorted(set(names))
