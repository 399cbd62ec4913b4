"""Requests of several clients that a real proxy sends over shared connections never mix.

Attackers send the corpus and mutations. Victims send requests with a name and a serial number. The
proxies are configured to be lenient and to pass bodies on while they arrive, so that as many
attacks as possible reach the server.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.proxies import haproxy, nginx
from tests.support.servers import ADDRESS, LiveServer
from tests.support.waiting import WAIT
from tools.processes import free_port

from .corpus import CORPUS
from .mutations import FAMILIES, generate
from .mutations.pieces import CHUNKED, CODING, INNER, LENGTH
from .outcome import Request
from .serving import LIMITS, Recorder

pytestmark = pytest.mark.programs

NGINX = """
upstream application {{
    server 127.0.0.1:{server};
    keepalive 4;
}}
server {{
    listen 127.0.0.1:{port};
    ignore_invalid_headers off;
    underscores_in_headers on;
    location / {{
        proxy_pass http://application;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Proxied yes;
        proxy_request_buffering off;
    }}
}}
"""
HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend all
    bind 127.0.0.1:{port}
    option accept-invalid-http-request
    default_backend application
backend application
    http-reuse always
    http-request set-header X-Proxied yes
    server one 127.0.0.1:{server}
"""
PROXIES: dict[str, tuple[str, Callable[[str, int, Path], AbstractContextManager[None]]]] = {
    "nginx": (NGINX, nginx),
    "HAProxy": (HAPROXY, haproxy),
}
#: Mutations of each family.
COUNT = 40
#: Attackers at the same time, and victims with the requests of each meanwhile.
ATTACKERS, VICTIMS, REQUESTS = 60, 4, 8
VICTIM = "HTTP_X_VICTIM"
#: How victims frame their requests, and the bodies that the application must get.
FRAMINGS = [
    (b"\r\n", b""),
    (LENGTH + b"\r\n\r\n" + INNER, INNER),
    (CODING + b"\r\n\r\n" + CHUNKED, INNER),
]


class Application(Recorder):
    """Keeps which clients have shared a connection of the proxy."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: dict[str, set[str | None]] = defaultdict(set)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.connections[environ["REMOTE_PORT"]].add(environ.get(VICTIM))
        return super().__call__(environ, start_response)


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture(params=PROXIES)
def port(request: pytest.FixtureRequest, application: Application, tmp_path: Path) -> Iterator[int]:
    """Start the server and a proxy in front of it; return the port of the proxy."""
    configuration, run = PROXIES[request.param]
    live, port = LiveServer(application, threads=1, limits=LIMITS), free_port()
    live.start()
    try:
        with run(configuration.format(server=live.port, port=port), port, tmp_path):
            yield port
    finally:
        live.stop()
    assert live.errors == []


def test_requests_of_several_clients_never_mix(port: int, application: Application) -> None:
    asyncio.run(attack(port, application.requests))
    # A request in the body of another one has no field that the proxy adds.
    assert {each.environ.get("HTTP_X_PROXIED") for each in application.requests} == {"yes"}
    # The proxy has sent requests of attackers and of several victims over one connection.
    assert any(None in who and len(who) > 2 for who in application.connections.values())


async def attack(port: int, requests: Sequence[Request]) -> None:
    """Send the corpus and the mutations, and the requests of victims at the same time."""
    attacks = [case.data for part in CORPUS.values() for case in part]
    attacks += [each for name in FAMILIES for each in generate(name, COUNT)]
    async with asyncio.timeout(WAIT):
        victims = [await Victim.connect(port, str(number), requests) for number in range(VICTIMS)]
        for start in range(0, len(attacks), ATTACKERS):
            attackers = [
                await Attacker.connect(port, data) for data in attacks[start : start + ATTACKERS]
            ]
            await asyncio.gather(*(victim.send_requests() for victim in victims))
            for attacker in attackers:
                for number in attacker.close():
                    assert VICTIM not in requests[number].environ
        for victim in victims:
            victim.close()


class Attacker(asyncio.Protocol):
    """Sends its bytes, and keeps what arrives until it disconnects."""

    def __init__(self) -> None:
        self._received = b""

    @classmethod
    async def connect(cls, port: int, data: bytes) -> Attacker:
        loop = asyncio.get_running_loop()
        transport, attacker = await loop.create_connection(cls, ADDRESS, port)
        transport.write(data)
        return attacker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data

    def close(self) -> list[int]:
        """Disconnect; return the numbers of the requests that were answered."""
        self._transport.abort()
        return numbers_in(self._received)


class Victim:
    """Sends requests, and checks that each response is the one to its request."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        name: str,
        requests: Sequence[Request],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._name = name
        self._requests = requests
        self._serial = 0

    @classmethod
    async def connect(cls, port: int, name: str, requests: Sequence[Request]) -> Victim:
        return cls(*await asyncio.open_connection(ADDRESS, port), name, requests)

    def close(self) -> None:
        self._writer.close()

    async def send_requests(self) -> None:
        for _ in range(REQUESTS):
            framing, body = FRAMINGS[self._serial % len(FRAMINGS)]
            head = f"POST /v HTTP/1.1\r\nHost: a\r\nX-Victim: {self._name}\r\n"
            self._writer.write(f"{head}X-Serial: {self._serial}\r\n".encode() + framing)
            response = await self._reader.readuntil(b"\r\n\r\n")
            (number,) = numbers_in(response)
            request = self._requests[number]
            assert request.environ[VICTIM] == self._name
            assert request.environ["HTTP_X_SERIAL"] == str(self._serial)
            assert request.body == body
            self._serial += 1


def numbers_in(received: bytes) -> list[int]:
    """Return the numbers of the requests that these responses belong to."""
    return [int(number) for number in re.findall(rb"\r\nx-request: (\d+)", received.lower())]
