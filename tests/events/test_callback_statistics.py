"""Statistics of callbacks: errors and durations."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws.events import EventError, EventSocket
from c10kws.events.dispatch import callback, failure_log
from c10kws.handlers.statistics import Statistics
from tests.support.events import Connect
from tests.support.waiting import WAIT


def test_errors_and_durations(
    connect: Connect, chat: EventSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = Statistics()
    monkeypatch.setattr(callback, "statistics", sums)
    monkeypatch.setattr(failure_log, "statistics", sums)

    @chat.on
    def add(data: dict[str, Any]) -> None:
        raise LookupError

    @chat.on("later")
    async def add_later(data: dict[str, Any]) -> int:
        return 1

    @chat.on
    async def refuse() -> None:
        raise EventError("no", "not today")

    with connect() as client:
        client.ask("later", {})
        assert not sums.callbacks
        sums.detailed = True
        for event in ("add", "later", "refuse"):
            client.ask(event, {})
    assert sums.callback_errors == {chat.path: 1}
    durations = sums.callbacks[chat.path]
    assert sum(durations.counts) == 3
    assert 0 < durations.seconds < WAIT
