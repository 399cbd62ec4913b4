"""Fixtures for the tests of the benchmarks."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from benchmarks import runner
from benchmarks.load import find_compiler
from benchmarks.machine import choose_cores


@pytest.fixture(scope="session")
def bench() -> Iterator[runner.Bench]:
    """The compiled load client and the database of the benchmarks."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the load client needs epoll, which only Linux has")
    if not find_compiler():
        pytest.skip("no C compiler on this machine: apt-get install gcc")
    with runner.bench(choose_cores()) as bench:
        yield bench
