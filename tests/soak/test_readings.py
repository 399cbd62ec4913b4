"""The verdict of the soak test."""

from __future__ import annotations

from dataclasses import replace

from tests.soak.readings import BLOCKS, Reading, faults_of, slopes_of
from tests.soak.watch import faults_in

STEADY = Reading(50.0, 20, 4, 0, 0, 250_000)


def test_steady_readings_have_no_faults() -> None:
    slopes = slopes_of([STEADY] * 9, 10)
    assert set(slopes.values()) == {0.0}
    after = replace(STEADY, threads=30, blocks=STEADY.blocks + BLOCKS, descriptors=19)
    assert list(faults_of(slopes, STEADY, after, clients=5000, workers=1)) == []


def test_growth_and_leftovers_are_faults() -> None:
    readings = [replace(STEADY, memory=50.0 + n, descriptors=20 + n) for n in range(9)]
    slopes = slopes_of(readings, 10)
    assert (slopes["memory"], slopes["descriptors"], slopes["threads"]) == (6.0, 6.0, 0.0)
    after = replace(STEADY, descriptors=21, clients=1, blocks=252_000)
    assert list(faults_of(slopes, STEADY, after, clients=5000, workers=1)) == [
        "memory: +6.00 a minute; 1 is allowed",
        "descriptors: 1 are left of 5000 clients",
        "clients: 1 are left of 5000 clients",
        "blocks: 2000 are left of 5000 clients; 1000 are allowed",
    ]
    assert not any(faults_of(slopes, STEADY, STEADY, clients=5000, workers=6))


def test_tracebacks_in_the_log_are_faults() -> None:
    log = (
        "Not Found: /nowhere/\n"
        "Traceback (most recent call last):\n"
        '  File "a.py", line 1, in f\n'
        "    g()\n"
        "ValueError: broken\n"
        "Not Found: /nowhere/\n"
    )
    assert list(faults_in(log)) == ["in the log: ValueError: broken"]
    assert list(faults_in("Not Found: /nowhere/\n")) == []
