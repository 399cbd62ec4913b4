"""Operations: results of methods that act immediately."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.connections import open_connection, turn


def test_it_is_awaited_on_the_loop_of_its_connection_only() -> None:
    async def wait(operation: object) -> None:
        await operation  # type: ignore[misc]

    async def main() -> None:
        ws, connection, transport = open_connection()
        closing = ws.close()
        await turn()
        assert len(transport.writes) == 1  # it acts without await
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, wait(closing))
        connection.connection_lost(None)
        await closing
        await closing  # more than once

    asyncio.run(main())


def test_after_the_end_it_lets_others_run() -> None:
    async def main() -> None:
        ws, connection, _ = open_connection()
        connection.connection_lost(None)
        turns: list[int] = []
        asyncio.get_running_loop().call_soon(turns.append, 1)
        await ws.close()
        assert turns == [1]

    asyncio.run(main())
