"""A Redis that is killed, stopped, full, or refuses commands, under load."""

from __future__ import annotations

import pytest

from tests.faults.checks import Run, check, parametrize
from tests.faults.scenarios import Scenario

pytestmark = pytest.mark.programs


@parametrize(
    "redis-full",
    "redis-refuses-histories",
    "redis-refuses",
    "redis-scripts-flushed",
    "redis-flushed",
    "redis-stopped-2",
    "redis-stopped-20",
    "redis-killed",
    "worker-killed",
)
def test_nothing_is_lost_silently_and_nothing_comes_twice(
    run_scenario: Run, scenario: Scenario
) -> None:
    check(run_scenario, scenario)
