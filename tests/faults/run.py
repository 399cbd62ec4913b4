"""Run one scenario."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.scenarios import Scenario
from tests.faults.stage import Stage
from tests.faults.verdict import Verdict


async def run(scenario: Scenario) -> dict[str, Verdict]:
    """Return the verdict on each room."""
    with TemporaryDirectory(prefix="c10") as folder:  # the path of a socket is short
        async with Stage(scenario.setup, Path(folder)) as stage:
            return await run_on(stage, scenario)


async def run_on(stage: Stage, scenario: Scenario) -> dict[str, Verdict]:
    """Run a scenario on a stage that may have had others."""
    await stage.begin_round()
    await scenario.act(stage, scenario.seconds)
    return await stage.judge(time.time())
