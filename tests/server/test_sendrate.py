"""The minimum rate of a reading client, with a simulated clock."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from c10kws_tornado import Limits
from c10kws_tornado.http import sendrate
from c10kws_tornado.http.sendrate import SendRate, SlowClient

MIB = 1024 * 1024


@pytest.mark.parametrize(("rate", "minimum"), [(0, 1), (1000, 5000)])
def test_the_minimum_of_a_window(rate: int, minimum: int) -> None:
    pace = SendRate(Limits(send_timeout=5, min_send_rate=rate), 100)
    pace.check(100 + minimum)
    pace.check(100 + 2 * minimum)
    with pytest.raises(SlowClient, match=f"it read {minimum - 1} bytes in 5 s"):
        pace.check(100 + 3 * minimum - 1)


def test_a_client_that_was_fast_is_slow_when_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise clients that first read fast and then stop would be disconnected last."""
    now = [0.0]
    monkeypatch.setattr(sendrate, "time", SimpleNamespace(monotonic=lambda: now[0]))
    limits = Limits(send_timeout=10, min_send_rate=0)
    stopping, steady = SendRate(limits, 0), SendRate(limits, 0)
    taken = 2_900_000
    for seconds in (10.0, 20.0):
        now[0] = seconds
        stopping.check(taken := taken + 10_000)
        steady.check(int(seconds) * 50_000)
    assert steady.time_for(MIB, 1_000_000, 16384) < 30
    now[0] = 25
    assert stopping.time_for(MIB, taken, 16384) > 300
    assert steady.time_for(MIB, 1_250_000, 16384) < 30
