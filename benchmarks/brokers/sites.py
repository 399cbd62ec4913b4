"""The sites: the servers of each, with the broker or the channel layer between them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..peers import C10KWS, CHANNELS, UVICORN
from ..processes import (
    end,
    free_port,
    settle_on,
    start,
    wait_for_answer,
    wait_until_listening,
)
from ..runner import variables_for
from .processor_time import MARK, marked

BROKERS = "c10kws.events.brokers"
LAYERS = "channels_redis"
#: Seconds between two looks whether the processes of a site have ended.
END_INTERVAL = 0.05
#: What a room with history keeps.
HISTORY = {"hall": {"size": 100, "ttl": 300}}
#: Workers of each server.
WORKERS = ("--workers", "2")
PINGS = ("--ws-ping-interval", "3600", "--ws-ping-timeout", "3600")


@dataclass(frozen=True)
class Site:
    """A site. ``{port}`` in its command is the port of a server."""

    name: str
    title: str
    command: tuple[str, ...]
    #: A backend of C10KWS["BROKERS"] or of CHANNEL_LAYERS.
    backend: str
    history: bool = False
    #: The largest room in which it is measured, unless it is named.
    most_clients: int = 1_000_000

    def variables(self, redis: Path, folder: Path) -> Mapping[str, str]:
        """Return the environment variables of the servers."""
        url = f"unix://{redis}"
        if self.backend.startswith(LAYERS):
            return {"BENCHMARKS_LAYER": json.dumps(self._layer(url))}
        broker: dict[str, Any] = {"BACKEND": self.backend}
        if "redis" in self.backend:
            broker["OPTIONS"] = {"url": url, "prefix": self.name}
        settings = {
            "BROKERS": {"default": broker},
            "HISTORY": HISTORY if self.history else {},
            "RUNTIME_DIR": str(folder),
            "PING_INTERVAL": None,  # as PINGS of uvicorn: sites that wait cost nothing
        }
        return {"BENCHMARKS_C10KWS": json.dumps(settings)}

    def _layer(self, url: str) -> Mapping[str, Any]:
        """Return the layer of Channels."""
        # redis-py's default for this timeout would end consumers that wait for a message.
        host = {"address": url, "socket_timeout": None}
        options: dict[str, Any] = {"hosts": [host], "prefix": self.name}
        if self.backend.endswith("core.RedisChannelLayer"):
            # The defaults drop messages when a consumer is slow.
            options |= {"capacity": 10000, "expiry": 3600}
        return {"BACKEND": self.backend, "CONFIG": options}


def _own(name: str, title: str, backend: str, *, workers: int, history: bool = False) -> Site:
    options = WORKERS if workers > 1 else ()
    command = (*C10KWS[:-1], *options, C10KWS[-1])
    return Site(name, title, command, f"{BROKERS}.{backend}", history)


def sites_for(clients: int, names: Collection[str]) -> list[Site]:
    """Return the sites to measure with a room of ``clients``: those of ``names``, if any."""
    return [
        site for site in LARGE if (site.name in names if names else clients <= site.most_clients)
    ]


def _channels(name: str, title: str, backend: str) -> Site:
    command = (*UVICORN, "--ws", "websockets", *WORKERS, *PINGS, CHANNELS)
    return Site(name, title, command, f"{LAYERS}.{backend}")


REDIS, LOCAL, MEMORY = "redis.RedisBroker", "local.LocalBroker", "memory.MemoryBroker"
#: Sites of two servers with two workers each.
LARGE = (
    _own("c10kws-redis", "c10kws, RedisBroker", REDIS, workers=2),
    replace(_own("c10kws-local", "c10kws, LocalBroker", LOCAL, workers=2), most_clients=0),
    _channels("channels-redis", "Channels, RedisChannelLayer", "core.RedisChannelLayer"),
    replace(
        _channels(
            "channels-pubsub", "Channels, RedisPubSubLayer", "pubsub.RedisPubSubChannelLayer"
        ),
        most_clients=2000,
    ),
)
#: Sites of one process.
SMALL = (
    _own("memory", "MemoryBroker", MEMORY, workers=1),
    _own("memory-history", "the same with history", MEMORY, workers=1, history=True),
    _own("local", "LocalBroker", LOCAL, workers=1),
    _own("local-history", "the same with history", LOCAL, workers=1, history=True),
    _own("redis", "RedisBroker", REDIS, workers=1),
    _own("redis-history", "the same with history", REDIS, workers=1, history=True),
)


@dataclass(frozen=True)
class RunningSite:
    """A site that runs; ``mark`` marks its processes."""

    site: Site
    ports: tuple[int, ...]
    mark: str


@contextmanager
def running_site(site: Site, servers: int, redis: Path, folder: Path) -> Iterator[RunningSite]:
    """Run the servers of a site while the block runs; end all its processes, also the hub."""
    own = folder / site.name
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(mode=0o700)
    variables = {
        **variables_for(folder),
        **site.variables(redis, own),
        MARK: str(own),
    }
    ports = tuple(free_port() for _ in range(servers))
    with ExitStack() as stack:
        stack.callback(_end_marked, str(own))
        for port in ports:
            log = own / f"{port}.log"
            command = [word.format(port=port) for word in site.command]
            process = start(command, variables, log, settle_on())
            stack.callback(end, process)
            wait_until_listening(process, port, log)
            wait_for_answer(port)
        yield RunningSite(site, ports, str(own))


def _end_marked(mark: str) -> None:
    """Kill the processes that are left."""
    while found := marked(mark):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(END_INTERVAL)
