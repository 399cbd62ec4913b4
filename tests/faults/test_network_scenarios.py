"""A network that fails between one of two servers and Redis, under load."""

from __future__ import annotations

import pytest

from tests.faults.checks import Run, check, parametrize
from tests.faults.scenarios import Scenario

pytestmark = pytest.mark.programs


@parametrize(
    "network-dropped",
    "network-reset",
    "network-stalled-2",
    "network-stalled-20",
    "network-deaf",
    "network-stalled-20-local",
)
def test_nothing_is_lost_silently_and_nothing_comes_twice(
    run_scenario: Run, scenario: Scenario
) -> None:
    check(run_scenario, scenario)
