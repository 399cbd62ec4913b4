"""``trim_heap``: free memory goes back to the system, and other C libraries are left alone."""

from __future__ import annotations

import ctypes
import platform
import sys
from types import SimpleNamespace

import pytest

from c10kws_tornado.heap import trim_heap
from tests.support.shell import run_program

#: Prints how many pages are resident with holes in the heap, and after they were trimmed.
PROGRAM = """
from c10kws_tornado.heap import trim_heap

def resident():
    return int(open("/proc/self/statm").read().split()[1])

blocks = [bytes([n % 255 + 1]) * 100_000 for n in range(400)]
del blocks[:-1]  # the last one keeps the top of the heap
before = resident()
trim_heap()
print(before, resident())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="for glibc on Linux"
)
def test_holes_in_the_heap_go_back_to_the_system() -> None:
    before, after = map(int, run_program(PROGRAM).split())
    assert before - after > 300 * 100_000 // 4096


def test_another_libc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: object) -> object:
        raise AssertionError("expected no call of another libc")

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))  # as with musl and on Windows
    monkeypatch.setattr(ctypes, "CDLL", load)
    trim_heap()


def test_a_libc_without_the_function_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "9.99"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    trim_heap()


def test_a_libc_that_cannot_be_opened_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: object) -> object:
        raise OSError("no such library")

    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "9.99"))
    monkeypatch.setattr(ctypes, "CDLL", fail)
    trim_heap()
