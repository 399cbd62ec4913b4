"""A hub that is killed or stopped, and workers that are killed, under load."""

from __future__ import annotations

import pytest

from tests.faults.checks import Run, check, parametrize
from tests.faults.scenarios import Scenario

pytestmark = pytest.mark.programs


@parametrize(
    "hub-stopped-20",
    "worker-killed-hub",
    "hub-killed",
    "hub-killed-busy",
)
def test_nothing_is_lost_silently_and_nothing_comes_twice(
    run_scenario: Run, scenario: Scenario
) -> None:
    check(run_scenario, scenario)
