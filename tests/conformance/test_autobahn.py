"""The frames, judged by a peer that knows every trick: the Autobahn|Testsuite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import python27
from tests.conformance.trial import SELECTIONS, try_server


@pytest.fixture(scope="module")
def suite() -> Path:
    """The interpreter of the suite's environment, which is made when it is not there."""
    try:
        python = python27.find_python()
    except python27.NoPython27 as reason:
        pytest.skip(str(reason))
    return python27.install(python)


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no-lane"])
def test_the_fast_groups(suite: Path, tmp_path: Path, lane: bool) -> None:
    verdict = try_server(suite, SELECTIONS["fast"], tmp_path, lane=lane)
    assert not verdict.problems, verdict.summary
