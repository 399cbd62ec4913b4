"""``keep_heap``: what it does to a process of its own, and systems without it."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from c10kws_tornado import heap

from .support import PATIENCE

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="for glibc")

#: Prints how many pages are faulted in for 100 rounds of 2 MiB, before keep_heap and after it.
PROGRAM = """
import resource
from c10kws_tornado.heap import keep_heap

def count():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        [bytes(65536) for _ in range(32)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(count(), keep_heap(), keep_heap(), count())
"""


@only_glibc
def test_free_memory_stays_with_the_process() -> None:
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        # Not glibc's own variables: they would go before.
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    ).stdout
    before, first, second, after = output.split()
    assert (first, second) == ("True", "True")  # it may be called again
    # A round has 512 pages; only the first may fault them in.
    assert int(before) > 100 * 100
    assert int(after) < 10 * 512


def test_another_libc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: object) -> object:
        raise AssertionError("expected no call of another libc")

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))  # what musl and Windows give
    monkeypatch.setattr(ctypes, "CDLL", load)
    assert heap.keep_heap() is False


def test_a_libc_without_the_function_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "9.99"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert heap.keep_heap() is False


def test_a_libc_that_cannot_be_opened_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: object) -> object:
        raise OSError("no such library")

    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "9.99"))
    monkeypatch.setattr(ctypes, "CDLL", fail)
    assert heap.keep_heap() is False


def test_a_libc_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> int:
        asked.append((parameter, value))
        return int(parameter != heap.M_MMAP_THRESHOLD)

    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "9.99"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert heap.keep_heap() is False
    assert asked == [(heap.M_TRIM_THRESHOLD, heap.KEEP), (heap.M_MMAP_THRESHOLD, heap.LARGEST)]


def test_the_collector_no_more_looks_at_what_is_loaded() -> None:
    program = (
        "import gc; from c10kws_tornado.heap import spare_collector; before = len(gc.get_objects())"
        "; spare_collector(); print(before, gc.get_freeze_count(), len(gc.get_objects()))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    ).stdout
    before, frozen, left = map(int, output.split())
    assert frozen > before / 2 > left
