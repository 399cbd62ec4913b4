"""The Pings of one connection that wait for their Pong."""

from __future__ import annotations

import asyncio

from c10kws.connection.pings import MAX_PINGS, Pings


def test_a_pong_answers_its_ping_and_those_before() -> None:
    async def main() -> None:
        pings, loop = Pings(), asyncio.get_running_loop()
        answered = [loop.create_future() for _ in range(3)]
        names = [pings.begin(float(n), future) for n, future in enumerate(answered)]
        assert len({*names}) == 3 and all(len(name) == 8 for name in names)
        assert pings.answer(b"heartbeat", 9.0) is None
        assert pings.answer(names[1], 5.0) == 4.0
        assert [future.result() for future in answered[:2]] == [5.0, 4.0]
        assert not answered[2].done() and pings
        pings.end()
        assert answered[2].result() is None and not pings

    asyncio.run(main())


def test_nobody_has_to_wait() -> None:
    async def main() -> None:
        pings, loop = Pings(), asyncio.get_running_loop()
        cancelled: asyncio.Future[float | None] = loop.create_future()
        cancelled.cancel()
        pings.begin(0.0)
        name = pings.begin(0.0, cancelled)
        assert pings.answer(name, 1.0) == 1.0

    asyncio.run(main())


def test_pings_are_bounded() -> None:
    pings = Pings()
    for _ in range(MAX_PINGS):
        assert not pings.full
        pings.begin(0.0)
    assert pings.full
