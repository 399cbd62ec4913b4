"""Concurrent clients that request one page, and their response times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from .visitor import PATIENCE, Unexpected

#: As in the study of 2016: ``ab -k -c 100 -n 2000``.
CLIENTS, REQUESTS = 100, 2000


def response_times(url: str, cookie: str) -> list[float]:
    """Return the milliseconds of REQUESTS responses to CLIENTS keep-alive clients, sorted.

    One request goes ahead and is not counted. Raises :exc:`Unexpected` when an answer is not 200.
    """
    return sorted(asyncio.run(ask_all(url, {"Cookie": cookie})))


async def ask_all(url: str, headers: dict[str, str]) -> list[float]:
    """Run the clients concurrently until all pages were requested."""
    await client(url, headers, iter(range(1)))
    turns = iter(range(REQUESTS))
    asked = await asyncio.gather(*(client(url, headers, turns) for _ in range(CLIENTS)))
    return [took for each in asked for took in each]


async def client(url: str, headers: dict[str, str], turns: Iterator[int]) -> list[float]:
    """Send requests on one connection while there are turns; return the response times."""
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
                    raise Unexpected(f"{url} responded with {answer.status} under load")
    except (ClientError, TimeoutError) as error:
        raise Unexpected(f"{url} did not respond under load: {error!r}") from error
    return took


def percentiles(times: list[float]) -> list[float]:
    """Return 101 of the sorted times, from the fastest to the slowest, rounded."""
    last = len(times) - 1
    return [round(times[round(part * last / 100)], 1) for part in range(101)]
