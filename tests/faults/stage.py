"""``Stage``: servers, clients and senders, among which a fault happens."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.client import ROOMS, Client, Heard
from tests.faults.configuration import LOCAL, REDIS, Configuration
from tests.faults.programs import Network, Sender, Server
from tests.faults.verdict import Ledger, Verdict, judge
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT

#: Clients of each server that stay, and those that come and go.
STEADY, RESUMING = 4, 2
#: Seconds between two messages of a sender, and after which a client disconnects.
PAUSE, STAY = 0.02, 0.7
#: Large messages at once, and their text.
BURST, LARGE = 50, "x" * 20_000
#: Messages of each sender before a fault and after it.
MESSAGES = 25


@dataclass(frozen=True)
class Setup:
    """The parts of a scenario. ``cut`` servers reach Redis by a network that fails.

    ``redis`` are options of redis-server; None means a hub instead of Redis. ``link`` are times of
    the links.
    """

    servers: int = 1
    workers: int = 2
    cut: int = 0
    redis: tuple[str, ...] | None = ()
    user: str = ""
    c10kws: Mapping[str, Any] = field(default_factory=dict)
    link: Mapping[str, float] = field(default_factory=dict)


class Stage:
    """Servers, clients in two rooms, and two senders.

    One sender is a worker, the other one a process that does not serve.
    """

    def __init__(self, setup: Setup, folder: Path) -> None:
        self.setup = setup
        self.folder = folder
        self.clients: list[Client] = []
        self.ledgers = {room: Ledger() for room in ROOMS}
        self.redis: RedisServer
        self.network: Network
        self.control: Client
        self._servers: list[Server] = []
        self._stack = AsyncExitStack()
        self._emitting: asyncio.Task[None] | None = None
        self._number = self._round = 0

    async def __aenter__(self) -> Stage:
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def eventually(self, condition: Callable[[], object]) -> None:
        """Return when a condition is true."""
        deadline = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < deadline, f"the condition is still false:\n{self.log()}"
            await asyncio.sleep(0.05)

    def log(self) -> str:
        """Return what the servers and the sender have logged."""
        return self._log.read_text(errors="replace")

    # The beginning

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def start_redis(self, name: str, *options: str) -> RedisServer:
        """Start a Redis server in a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        server = RedisServer(folder, *options)
        self._stack.callback(server.kill)
        self._stack.callback(server.resume)
        return server

    async def _begin(self) -> None:
        if self.setup.redis is not None:
            self.redis = self.start_redis("redis", *self.setup.redis)
        if self.setup.cut:
            self.network = await Network.begin(self.redis.socket, self._log)
            self._stack.push_async_callback(self.network.end)
        for number in range(self.setup.servers):
            variables = self._configure(cut=number < self.setup.cut)
            server = await Server.begin(variables, self.setup.workers, self._log)
            self._servers.append(server)
            self._stack.push_async_callback(server.end)
        await self._add_clients()
        variables = self._configure(cut=self.setup.cut >= self.setup.servers)
        self._shell = await Sender.begin(PAUSE, variables, self._log)
        self._stack.push_async_callback(self._shell.end)
        self._stack.push_async_callback(self._stop_emitting)

    def _configure(self, *, cut: bool) -> dict[str, str]:
        broker: dict[str, Any] = {"BACKEND": LOCAL}
        if self.setup.redis is not None:
            url = self.network.url if cut else self.redis.url
            if self.setup.user:
                url = url.replace("://", f"://{self.setup.user}:secret@")
            broker = {"BACKEND": REDIS, "OPTIONS": {"url": url}}
        c10kws = {"RUNTIME_DIR": str(self.folder), "BROKERS": {"default": broker}}
        return Configuration({**c10kws, **self.setup.c10kws}, self.setup.link).variables()

    async def _add_clients(self) -> None:
        """Connect clients to all workers."""
        ports = [server.port for server in self._servers]
        await self._wait_for_workers(ports)
        self.control = self._add_client(ports)
        for at in range(len(ports)):
            own = ports[at:] + ports[:at]
            self.clients += [self._add_client(own) for _ in range(STEADY)]
            self.clients += [self._add_client(own, STAY) for _ in range(RESUMING)]
        wanted = self.setup.workers * self.setup.servers
        await self.eventually(lambda: all(client.pid for client in self.clients))
        while len({client.pid for client in self.clients}) < wanted:
            at = len(self.clients) % len(ports)
            self.clients.append(self._add_client(ports[at:] + ports[:at]))
            await self.eventually(lambda: self.clients[-1].pid)
        await self.eventually(lambda: self.control.joined.is_set())

    async def _wait_for_workers(self, ports: list[int]) -> None:
        """Return when all workers serve."""
        for port in ports:
            pids: set[int] = set()
            while len(pids) < self.setup.workers:
                client = Client([port])
                await self.eventually(lambda: client.pid)  # noqa: B023
                pids.add(client.pid)
                await client.close()

    def _add_client(self, ports: list[int], stay: float | None = None) -> Client:
        client = Client(ports, stay)
        self._stack.push_async_callback(client.close)
        return client

    # Messages

    async def begin_round(self) -> None:
        """Forget the last round, and let the senders begin."""
        self._round += 1
        self._number = 0
        self._shell.outcomes.clear()
        self.ledgers = {room: Ledger() for room in ROOMS}
        for client in [*self.clients, self.control]:
            client.forget()
            client.resting = False
        self._emitting = asyncio.create_task(self._emit())
        await self._shell.send_as(f"shell {self._round}")
        await self._hear()

    async def _emit(self) -> None:
        """Make a worker emit numbers."""
        while True:
            await self.emit()
            await asyncio.sleep(PAUSE)

    async def emit(self, text: str = "") -> None:
        """Make the worker of the client ``control`` emit a number to both rooms."""
        sender = f"worker {self._round}"
        data = {"sender": sender, "number": self._number + 1, "text": text}
        if await self.control.send("send", data):
            self._number += 1
            for ledger in self.ledgers.values():
                ledger.outcomes[sender, self._number] = None

    async def burst(self) -> None:
        """Emit large messages, and return when a client has got the first of them."""
        first = self._number + 1
        for _ in range(BURST):
            await self.emit(LARGE)
        while not any(self._last_of(client, "kept") >= first for client in self.clients):
            await asyncio.sleep(0)

    def _last_of(self, client: Client, room: str) -> int:
        heard = client.last(room, f"worker {self._round}")
        return 0 if heard is None else heard.number

    async def _stop_emitting(self) -> None:
        if self._emitting is not None:
            self._emitting.cancel()
            await asyncio.gather(self._emitting, return_exceptions=True)

    async def _hear(self, since: float = 0.0) -> None:
        """Return when all clients have heard some messages of each sender since a time."""
        senders = [f"{name} {self._round}" for name in ("worker", "shell")]

        def has_heard(client: Client) -> bool:
            counts = [_count(client, room, since) for room in ROOMS]
            return all(each[sender] >= MESSAGES for each in counts for sender in senders)

        await self.eventually(lambda: all(map(has_heard, self.clients)))

    # The end

    async def judge(self, mended: float) -> dict[str, Verdict]:
        """Wait until all is well, stop the senders, and judge each room."""
        await self._hear(mended)
        await self._stop_emitting()
        await self._shell.send_as("")
        for client in self.clients:
            client.resting = True
        await self._finish(time.time())
        self._close_ledgers()
        stayed = [client.stay is None for client in self.clients]
        return {
            room: judge(ledger, [each.items[room] for each in self.clients], stayed, mended)
            for room, ledger in self.ledgers.items()
        }

    async def _finish(self, now: float) -> None:
        """Emit until all clients have heard a new message: all earlier ones have arrived."""
        deadline = time.monotonic() + WAIT
        while not all(_count(client, room, now) for client in self.clients for room in ROOMS):
            assert time.monotonic() < deadline, self.log()
            await self.emit()
            await asyncio.sleep(0.1)
        await self.eventually(lambda: self.control.losses or self._all_outcomes_known())
        await self.eventually(lambda: all(map(self._has_heard_last, self.clients)))

    def _all_outcomes_known(self) -> bool:
        return len(self.control.outcomes) == self._number * len(ROOMS)

    def _has_heard_last(self, client: Client) -> bool:
        return all(self._last_of(client, room) == self._number for room in ROOMS)

    def _close_ledgers(self) -> None:
        for name, outcomes in (("worker", self.control.outcomes), ("shell", self._shell.outcomes)):
            for each in outcomes:
                key = f"{name} {self._round}", each["number"]
                self.ledgers[each["room"]].outcomes[key] = each["accepted"]


def _count(client: Client, room: str, since: float) -> Counter[str]:
    """Count the messages of each sender that were emitted after a time."""
    found: Counter[str] = Counter()
    for item in reversed(client.items[room]):
        if isinstance(item, Heard):
            if item.at < since:
                break
            found[item.sender] += 1
    return found
