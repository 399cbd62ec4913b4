"""Faults that need a Redis of their own, under load."""

from __future__ import annotations

import pytest

from tests.faults.checks import Run, check, parametrize
from tests.faults.scenarios import Scenario

pytestmark = pytest.mark.programs


@parametrize(
    "redis-killed-persistent",
    "redis-stopped-20-local",
    "redis-replaced",
)
def test_nothing_is_lost_silently_and_nothing_comes_twice(
    run_scenario: Run, scenario: Scenario
) -> None:
    check(run_scenario, scenario)
