"""Scenarios in tests: shortened, and on one stage if they need the same one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.checks import Run
from tests.faults.run import run_on
from tests.faults.scenarios import Scenario
from tests.faults.stage import Stage
from tests.faults.verdict import Verdict


class Stages:
    """Keeps the stage of the last scenario for the next one, unless it has failed."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stage: Stage | None = None

    def run(self, scenario: Scenario) -> dict[str, Verdict]:
        """Run a scenario and return its verdicts."""
        if self._stage is None or self._stage.setup != scenario.setup:
            self._end()
            self._stage = self._begin(scenario)
        try:
            return self._runner.run(run_on(self._stage, scenario))
        except BaseException:
            self._end()
            raise

    def _begin(self, scenario: Scenario) -> Stage:
        self._folder = TemporaryDirectory(prefix="c10")  # the path of a socket is short
        stage = Stage(scenario.setup, Path(self._folder.name))
        try:
            return self._runner.run(stage.__aenter__())
        except BaseException:
            self._folder.cleanup()
            raise

    def _end(self) -> None:
        if self._stage is not None:
            self._runner.run(self._stage.__aexit__())
            self._folder.cleanup()
            self._stage = None

    def close(self) -> None:
        self._end()
        self._runner.close()


@pytest.fixture(scope="module")
def run_scenario() -> Iterator[Run]:
    """Run a scenario on the stage of the one before it, or on a new one."""
    stages = Stages()
    yield stages.run
    stages.close()
