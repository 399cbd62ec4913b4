"""The verdict of the soak test."""

from __future__ import annotations

from dataclasses import replace

from tests.soak.readings import Reading, faults_of, slopes_of

STEADY = Reading(50.0, 20, 4, 0, 0)


def test_steady_readings_have_no_faults() -> None:
    slopes = slopes_of([STEADY] * 9, 10)
    assert set(slopes.values()) == {0.0}
    assert list(faults_of(slopes, STEADY, replace(STEADY, threads=30))) == []


def test_growth_and_leftovers_are_faults() -> None:
    readings = [replace(STEADY, memory=50.0 + n, descriptors=20 + n) for n in range(9)]
    slopes = slopes_of(readings, 10)
    assert (slopes["memory"], slopes["descriptors"], slopes["threads"]) == (6.0, 6.0, 0.0)
    assert list(faults_of(slopes, STEADY, replace(STEADY, clients=1))) == [
        "memory: +6.00 a minute; 1 is allowed",
        "clients: 1 more than before the clients connected",
    ]


def test_the_beginning_does_not_count() -> None:
    readings = [replace(STEADY, memory=40.0)] * 3 + [STEADY] * 6
    assert slopes_of(readings, 10)["memory"] == 0.0
