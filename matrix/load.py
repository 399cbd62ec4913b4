"""Concurrent clients that ask for one page, and how long each answer took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from .visitor import PATIENCE, Unexpected

#: As the study of 2016 asked: ``ab -k -c 100 -n 2000``.
CLIENTS, REQUESTS = 100, 2000


def response_times(url: str, cookie: str) -> list[float]:
    """Return the milliseconds of REQUESTS answers by CLIENTS keep-alive clients, the least first.

    One request goes ahead and is not counted. Raises :exc:`Unexpected` when an answer is not 200.
    """
    return sorted(asyncio.run(ask_all(url, {"Cookie": cookie})))


async def ask_all(url: str, headers: dict[str, str]) -> list[float]:
    """Run the clients side by side until all pages are requested."""
    await client(url, headers, iter(range(1)))
    turns = iter(range(REQUESTS))
    asked = await asyncio.gather(*(client(url, headers, turns) for _ in range(CLIENTS)))
    return [took for each in asked for took in each]


async def client(url: str, headers: dict[str, str], turns: Iterator[int]) -> list[float]:
    """Ask on one connection for as long as there are turns; return how long each took."""
    took = []
    try:
        async with ClientSession(
            connector=TCPConnector(limit=1), headers=headers, timeout=ClientTimeout(PATIENCE)
        ) as session:
            for _ in turns:
                began = time.perf_counter()
                async with session.get(url, allow_redirects=False) as answer:
                    await answer.read()
                took.append((time.perf_counter() - began) * 1000)
                if answer.status != 200:
                    raise Unexpected(f"{url} answers {answer.status} under load")
    except (ClientError, TimeoutError) as error:
        raise Unexpected(f"{url} does not answer under load: {error!r}") from error
    return took


def percentiles(times: list[float]) -> list[float]:
    """Return 101 of the sorted times, from the quickest to the slowest, rounded."""
    last = len(times) - 1
    return [round(times[round(part * last / 100)], 1) for part in range(101)]
