"""The limit of open files, in separate processes, since a lowered limit stays low."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.shell import ROOT
from tests.support.waiting import WAIT

pytest.importorskip("resource", reason="this system has no such limit")

SCRIPT = """
import resource, sys
from demo.gameoflife import descriptors

soft, hard, sockets = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
try:
    descriptors.allow(sockets)
except ValueError as error:
    print(error)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def allow(soft: int, hard: int, sockets: int) -> list[str]:
    """Allow so many sockets under these limits; return the output."""
    run = [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(sockets)]
    done = subprocess.run(
        run, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=WAIT, check=True
    )
    return done.stdout.splitlines()


def test_the_soft_limit_is_raised_as_far_as_needed() -> None:
    assert allow(64, 500, 100) == ["(150, 500)"]
    assert allow(64, 150, 100) == ["(150, 150)"]
    assert allow(200, 500, 100) == ["(200, 500)"]


def test_the_error_names_the_command_that_raises_the_hard_limit() -> None:
    told, limits = allow(64, 149, 100)
    assert limits == "(64, 149)"
    assert told == (
        "100 cells need 150 open files, but the limit is 149. Run `ulimit -Hn 150` as root first, "
        "or choose a smaller grid."
    )
