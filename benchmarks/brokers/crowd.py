"""``Crowd``: clients in the room of a site, which ``load room`` holds."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..load import read_result
from ..processes import session, settle_on
from ..runner import BROWSER
from .processor_time import marked, processor_time
from .sites import RunningSite

#: Processes that hold the clients.
PROCESSES = 2
#: Bytes of the text of a message.
SIZE = 64
#: Seconds that opening, and the delivery of everything, may take.
OPEN_TIMEOUT = 300
PATIENCE = 60.0
SUBPROTOCOL = "Sec-WebSocket-Protocol: c10kws.v1.json"
PATH = "/ws/room/"

Result = dict[str, Any]


class CrowdError(Exception):
    """Raised when clients could not connect, or the load client has ended."""


@dataclass(frozen=True)
class Crowd:
    """Clients that are connected. ``redis`` is the process of the server that the site uses."""

    process: subprocess.Popen[str]
    site: RunningSite
    redis: int
    clients: int

    def send(
        self, seconds: float, *, rate: float = 0, inflight: int = 1, patience: float = PATIENCE
    ) -> Result:
        """Send ``rate`` messages a second, or keep ``inflight`` of each sender in flight.

        Then wait until all is received, for at most ``patience`` seconds.

        The result is that of the load client, with the deliveries a second until all is received
        (``throughput``), and the processor time of one delivery and of one message, of the servers,
        of Redis and of the load client.
        """
        groups = (marked(self.site.mark), [self.redis], session(self.process.pid))
        before = [processor_time(pids) for pids in groups]
        begin = time.monotonic()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{rate} {seconds} {inflight} {patience}\n")
        self.process.stdin.flush()
        result = read_result(self.process.stdout.readline())
        if "sent" not in result:
            raise CrowdError(f"{self.site.site.name}: {result['failure']}")
        used = [processor_time(pids) - spent for pids, spent in zip(groups, before, strict=True)]
        throughput = result["all_deliveries"] / (time.monotonic() - begin)
        return result | _processor_times(result, used) | {"throughput": throughput}


def _processor_times(result: Result, used: Sequence[float]) -> Result:
    servers, redis, client = used
    deliveries, sent = result["all_deliveries"] or 1, result["sent"] or 1
    return {
        "cpu_us": (servers + redis) * 1e6 / deliveries,
        "message_cpu_us": (servers + redis) * 1e6 / sent,
        "redis_share": redis / (servers + redis or 1),
        "client_us": client * 1e6 / deliveries,
    }


@contextmanager
def connected(program: Path, site: RunningSite, redis: int, clients: int) -> Iterator[Crowd]:
    """Hold clients in the room while the block runs.

    Raises CrowdError if not all can connect.
    """
    ports = [word for port in site.ports for word in ("--port", str(port))]
    headers = (*BROWSER, SUBPROTOCOL, f"Origin: http://127.0.0.1:{site.ports[-1]}")
    process = subprocess.Popen(
        [
            *(str(program), "room", *ports, "--path", PATH, "--connections", str(clients)),
            *("--processes", str(min(PROCESSES, clients // len(site.ports)))),
            *("--size", str(SIZE), "--timeout", str(OPEN_TIMEOUT), "--pace", "64"),
            *(word for line in headers for word in ("--header", line)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=settle_on(),
    )
    with process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()  # ready N failed M
            if words[1:] != [str(clients), "failed", "0"]:
                raise CrowdError(f"{site.site.name}: not all clients connected: {words}")
            yield Crowd(process, site, redis, clients)
        finally:
            process.kill()
