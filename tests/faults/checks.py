"""The checks that all scenarios have in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.verdict import Verdict

#: Runs a scenario.
Run = Callable[[Scenario], dict[str, Verdict]]


def parametrize(*names: str) -> pytest.MarkDecorator:
    """Run a test with these scenarios, those with the same stage one after another."""
    scenarios = [pytest.param(SCENARIOS[name].shorten(), id=name) for name in names]
    return pytest.mark.parametrize("scenario", scenarios)


def check(run: Run, scenario: Scenario) -> None:
    """Run a scenario and check what no fault may cause."""
    for room, verdict in run(scenario).items():
        assert scenario.accepts(room, verdict), (room, verdict)
        assert verdict.failed or room not in scenario.fails, (room, verdict)
        assert verdict.resets or room not in scenario.resets, (room, verdict)
