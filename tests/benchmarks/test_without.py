"""The optimizations that the benchmarks leave out exist."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks.peers import PEERS
from benchmarks.project.without import OPTIMIZATIONS, override
from tests.support.shell import ROOT, clean_variables

LEAVE_OUT = """
from benchmarks.project.without import OPTIMIZATIONS, leave_out
for name in OPTIMIZATIONS:
    leave_out(name)
"""


def test_each_optimization_can_be_left_out() -> None:
    variables = clean_variables() | {"DJANGO_SETTINGS_MODULE": "benchmarks.project.settings"}
    subprocess.run([sys.executable, "-c", LEAVE_OUT], cwd=ROOT, env=variables, check=True)


def test_each_optimization_has_a_server_without_it() -> None:
    assert {peer.variables.get("BENCHMARKS_WITHOUT") for peer in PEERS} - {None} == {*OPTIMIZATIONS}


def test_an_optimization_that_does_not_exist_is_an_error() -> None:
    owner = SimpleNamespace(present=1)
    override(owner, "present", 2)
    assert owner.present == 2
    with pytest.raises(AttributeError):
        override(owner, "absent", 2)
