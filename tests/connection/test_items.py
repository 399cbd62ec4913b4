"""Items of an outbox that have a result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from c10kws import ConnectionClosed
from c10kws.connection.items import FragmentedMessage, Ping


def test_the_first_result_of_a_message_in_fragments_counts() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        sent = FragmentedMessage(_parts(), None, loop.create_future())
        sent.settle(True)
        sent.settle(False)
        sent.fail(ValueError())
        assert sent.sent.result() is True
        failed = FragmentedMessage(_parts(), None, loop.create_future())
        failed.fail(ConnectionClosed(1000, ""))  # no task has to retrieve it
        failed.settle(True)
        assert isinstance(failed.sent.exception(), ConnectionClosed)

    asyncio.run(main())


def test_a_ping_without_a_pong_is_none() -> None:
    async def main() -> None:
        ping = Ping(asyncio.get_running_loop().create_future())
        ping.miss()
        ping.miss()
        assert ping.answered.result() is None

    asyncio.run(main())


async def _parts() -> AsyncIterator[str]:
    yield "never"
