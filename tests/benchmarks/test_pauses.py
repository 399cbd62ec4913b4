"""The log of the garbage collections of a server."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import pauses
from tests.support.shell import ROOT, clean_variables

COLLECT = "import gc; gc.collect(0); gc.collect()"


def test_the_full_collections_of_a_module_are_logged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = pauses.watched([sys.executable, "-m", "timeit", "-n", "1", "-r", "2", COLLECT])
    variables = clean_variables() | {pauses.VARIABLE: str(log)}
    before = time.monotonic_ns()
    subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.DEVNULL)
    after = time.monotonic_ns()
    within = pauses.pauses(log, before, after)
    assert within["full_collections"] >= 2
    assert within["longest_pause_us"] * 1000 >= pauses.SHORTEST
    later = pauses.pauses(log, after, after + 1)
    assert later["full_collections"] == 0
    assert later["opening_pause_us"] >= within["longest_pause_us"]


def test_a_process_without_collections_has_the_shortest_pause(tmp_path: Path) -> None:
    found = pauses.pauses(tmp_path / "none", 0, 1)
    assert found["longest_pause_us"] * 1000 == pauses.SHORTEST
