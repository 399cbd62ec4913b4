"""Pauses between the starts of workers."""

from __future__ import annotations

import time

from c10kws_tornado.process.backoff import LONGEST_PAUSE, MAX_FAILURES, STEADY, Backoff


def test_workers_that_end_together_are_replaced_after_one_pause() -> None:
    backoff = Backoff(first_pause=20.0)
    pauses = [backoff.ended(1.0, started=True) for _ in range(8)]
    assert pauses[0] == 20.0
    assert max(pauses) == 20.0
    assert not backoff.over


def test_the_pause_grows_when_the_next_worker_ends_early_too() -> None:
    backoff = Backoff(first_pause=0.01)
    pauses = []
    for _ in range(4):
        while not backoff.over:
            time.sleep(0.001)
        pauses.append(backoff.ended(0.0, started=False))
    assert pauses == [0.01, 0.02, 0.04, 0.08]


def test_a_worker_that_ran_for_some_time_is_replaced_at_once() -> None:
    backoff = Backoff(first_pause=LONGEST_PAUSE)
    backoff.ended(1.0, started=True)
    assert backoff.ended(STEADY + 1, started=True) == 0.0
    assert backoff.over


def test_failures_count_also_during_a_pause() -> None:
    backoff = Backoff(first_pause=LONGEST_PAUSE)
    for _ in range(MAX_FAILURES):
        assert not backoff.hopeless
        backoff.ended(1.0, started=False)
    assert backoff.hopeless
