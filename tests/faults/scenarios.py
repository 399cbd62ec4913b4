"""The faults: how each is made and mended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from tests.faults.stage import Setup, Stage
from tests.faults.verdict import Verdict
from tests.support.hubs import hub_in
from tools.processes import free_port

#: Times of a link that notices and repairs a fault sooner, for tests.
FAST = {
    "QUEUE_TIMEOUT": 1.0,
    "RETURN_TIMEOUT": 1.0,
    "OPERATION_TIMEOUT": 1.0,
    "PING_INTERVAL": 0.5,
    "CONNECT_TIMEOUT": 3.0,
    "MAX_PAUSE": 0.5,
}
#: A user of Redis with all rights.
USER = ("--user", "site", "on", ">secret", "~*", "&*", "+@all")


@dataclass(frozen=True)
class Scenario:
    """One fault. ``act`` makes it and mends it; ``seconds`` is how long it lasts.

    In tests it lasts ``short`` seconds, and links are faster.
    """

    title: str
    act: Callable[[Stage, float], Awaitable[None]]
    setup: Setup = field(default_factory=Setup)
    seconds: float = 0.0
    short: float = 0.0
    #: Rooms in which emissions must fail, and those whose clients must be told of a loss.
    fails: frozenset[str] = frozenset()
    resets: frozenset[str] = frozenset()
    #: Rooms in which clients of different processes may get events in different orders.
    unordered: frozenset[str] = frozenset()

    def accepts(self, room: str, verdict: Verdict) -> bool:
        """Return True if nothing happened in a room that must not happen."""
        ordered = not verdict.disordered or room in self.unordered
        return ordered and not verdict.unannounced and not verdict.twice

    def shorten(self) -> Scenario:
        """Return the scenario as a test runs it."""
        setup = replace(self.setup, link=FAST)
        if setup.servers > 1:
            setup = replace(setup, workers=1)
        return replace(self, setup=setup, seconds=self.short)


# Redis


async def kill_redis(stage: Stage, seconds: float) -> None:
    stage.redis.kill()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(stage.redis.start)


async def stop_redis(stage: Stage, seconds: float) -> None:
    stage.redis.pause()
    await asyncio.sleep(seconds)
    stage.redis.resume()


async def fill_redis(stage: Stage, seconds: float) -> None:
    await asyncio.to_thread(stage.redis.call, "CONFIG", "SET", "maxmemory", "1")
    await asyncio.sleep(seconds)
    await asyncio.to_thread(stage.redis.call, "CONFIG", "SET", "maxmemory", "0")


def refuse(*rights: str) -> Callable[[Stage, float], Awaitable[None]]:
    """Return a fault that takes rights from the user for some time."""

    async def act(stage: Stage, seconds: float) -> None:
        taken = [f"-{right}" for right in rights]
        await asyncio.to_thread(stage.redis.call, "ACL", "SETUSER", "site", *taken)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(stage.redis.call, "ACL", "SETUSER", "site", "+@all")

    return act


async def flush_scripts(stage: Stage, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.to_thread(stage.redis.call, "SCRIPT", "FLUSH")
        await asyncio.sleep(0.05)


async def flush_data(stage: Stage, seconds: float) -> None:
    await asyncio.to_thread(stage.redis.call, "FLUSHALL")


async def fail_over(stage: Stage, seconds: float) -> None:
    """Replace Redis by a replica that lacks the last messages."""
    port = str(free_port())
    await asyncio.to_thread(stage.redis.call, "CONFIG", "SET", "port", port)
    replica = await asyncio.to_thread(
        stage.start_redis, "replica", "--replicaof", f"127.0.0.1 {port}"
    )
    await stage.eventually(
        lambda: replica.call("INFO", "replication")["master_link_status"] == "up"
    )
    await asyncio.to_thread(replica.call, "REPLICAOF", "NO", "ONE")
    await asyncio.sleep(seconds)
    stage.redis.kill()
    await stage.network.do(f"turn {replica.socket}")


# The hub


async def kill_hub(stage: Stage, seconds: float) -> None:
    os.kill(hub_in(stage.folder), signal.SIGKILL)


async def kill_busy_hub(stage: Stage, seconds: float) -> None:
    """Kill the hub while large messages are on their way."""
    await stage.burst()
    os.kill(hub_in(stage.folder), signal.SIGKILL)


async def stop_hub(stage: Stage, seconds: float) -> None:
    hub = hub_in(stage.folder)
    os.kill(hub, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    os.kill(hub, signal.SIGCONT)


# A worker


async def kill_worker(stage: Stage, seconds: float) -> None:
    """Kill the worker that emits while large messages are on their way to its clients."""
    await stage.burst()
    os.kill(stage.control.pid, signal.SIGKILL)


# The network


def cut(command: str) -> Callable[[Stage, float], Awaitable[None]]:
    """Return a fault of the network."""

    async def act(stage: Stage, seconds: float) -> None:
        await stage.network.do(command)
        await asyncio.sleep(seconds)
        await stage.network.do("pass")

    return act


ALL_CUT, ONE_CUT = Setup(cut=1), Setup(servers=2, cut=1)
LOCAL_DELIVERY = {"ON_BROKER_DOWN": "local"}
REDIS, HUB = Setup(redis=USER, user="site"), Setup(redis=None)
KEPT, PLAIN = frozenset({"kept"}), frozenset({"plain"})
BOTH = KEPT | PLAIN

REDIS_SCENARIOS = {
    "redis-killed": Scenario(
        "Redis killed, empty after 1 s", *(kill_redis, REDIS, 1.0, 0.5), resets=BOTH
    ),
    "redis-killed-persistent": Scenario(
        "Redis killed, back with its data after 1 s",
        *(kill_redis, Setup(redis=("--appendonly", "yes")), 1.0, 0.5),
        resets=BOTH,
    ),
    "redis-stopped-2": Scenario("Redis stopped for 2 s", *(stop_redis, REDIS, 2.0, 0.6)),
    "redis-stopped-20": Scenario(
        "Redis stopped for 20 s",
        *(stop_redis, REDIS, 20.0, 3.0),
        fails=BOTH,
        resets=PLAIN,
    ),
    "redis-stopped-20-local": Scenario(
        'Redis stopped for 20 s, "local"',
        *(stop_redis, Setup(c10kws=LOCAL_DELIVERY), 20.0, 3.0),
        fails=KEPT,
        resets=PLAIN,
        unordered=PLAIN,
    ),
    "redis-replaced": Scenario(
        "Redis replaced by a replica that lacks 1 s",
        *(fail_over, ALL_CUT, 1.0, 0.5),
        resets=BOTH,
    ),
}
REFUSING_SCENARIOS = {
    "redis-full": Scenario("Redis full for 5 s", *(fill_redis, REDIS, 5.0, 1.0), fails=KEPT),
    "redis-refuses-histories": Scenario(
        "Redis refuses scripts for 5 s", *(refuse("evalsha"), REDIS, 5.0, 1.0), fails=KEPT
    ),
    "redis-refuses": Scenario(
        "Redis refuses everything for 5 s", *(refuse("@all"), REDIS, 5.0, 1.0), fails=BOTH
    ),
    "redis-scripts-flushed": Scenario(
        "SCRIPT FLUSH, 20 times a second for 2 s", *(flush_scripts, REDIS, 2.0, 1.0)
    ),
    "redis-flushed": Scenario("FLUSHALL", flush_data, REDIS),
}
PROCESS_SCENARIOS = {
    "hub-killed": Scenario("Hub killed", kill_hub, HUB, resets=BOTH),
    "hub-killed-busy": Scenario(
        "Hub killed with 2 MB on their way", kill_busy_hub, HUB, resets=BOTH
    ),
    "hub-stopped-20": Scenario(
        "Hub stopped for 20 s",
        *(stop_hub, HUB, 20.0, 3.0),
        fails=BOTH,
        resets=PLAIN,
    ),
    "worker-killed": Scenario("Worker killed while it sends, Redis", kill_worker, REDIS),
    "worker-killed-hub": Scenario("Worker killed while it sends, hub", kill_worker, HUB),
}
NETWORK_SCENARIOS = {
    "network-dropped": Scenario(
        "Connections closed, refused for 3 s",
        *(cut("drop"), ONE_CUT, 3.0, 0.5),
        resets=PLAIN,
    ),
    "network-reset": Scenario(
        "Connections reset, refused for 3 s",
        *(cut("reset"), ONE_CUT, 3.0, 0.5),
        resets=PLAIN,
    ),
    "network-stalled-2": Scenario("Network stalled for 2 s", *(cut("stall"), ONE_CUT, 2.0, 0.6)),
    "network-stalled-20": Scenario(
        "Network stalled for 20 s",
        *(cut("stall"), ONE_CUT, 20.0, 3.0),
        fails=BOTH,
        resets=PLAIN,
    ),
    "network-stalled-20-local": Scenario(
        'Network stalled for 20 s, "local"',
        *(cut("stall"), replace(ONE_CUT, c10kws=LOCAL_DELIVERY), 20.0, 3.0),
        fails=KEPT,
        resets=PLAIN,
        unordered=PLAIN,
    ),
    "network-deaf": Scenario(
        "Nothing comes back for 20 s",
        *(cut("deafen"), ONE_CUT, 20.0, 3.0),
        fails=BOTH,
        resets=PLAIN,
    ),
}
SCENARIOS = REDIS_SCENARIOS | REFUSING_SCENARIOS | PROCESS_SCENARIOS | NETWORK_SCENARIOS
