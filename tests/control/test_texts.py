"""Texts for people."""

from __future__ import annotations

import pytest

from c10kws.control.texts import connections_of, duration_of, latency_of


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (312, "5 min 12 s"),
        (3600, "1 h"),
        (3659, "1 h"),
        (11520, "3 h 12 min"),
        (86400 + 59, "1 d"),
        (86400 * 40 + 7200, "40 d 2 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_of(seconds) == text


def test_other_texts() -> None:
    assert connections_of(1) == "1 connection"
    assert connections_of(0) == "0 connections"
    assert latency_of(0.01824) == "18.2 ms"
