"""``manage.py testecho`` against the test page, and against servers that get it wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from c10kws.management.testecho import memory, progress, tally
from c10kws.management.testecho.client import Client, Failed
from c10kws.management.testecho.plan import PORTS, Plan, Seat, Target
from c10kws.management.testecho.summary import latencies

from .conftest import LiveServer
from .test_websocket import WAIT, closed_with, eventually

ROOT = Path(__file__).parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what it needs is Linux'")
POSIX = pytest.mark.skipif(os.name != "posix", reason="what it needs is POSIX'")


def testecho(*urls: str, **options: Any) -> tuple[str, str, str]:
    """Run the command; return what it wrote to stdout and stderr, and what it raised."""
    stdout, stderr, error = StringIO(), StringIO(), ""
    try:
        call_command("testecho", urls=urls, stdout=stdout, stderr=stderr, **options)
    except CommandError as raised:
        error = str(raised)
    return stdout.getvalue(), stderr.getvalue(), error


testecho.__test__ = False  # type: ignore[attr-defined]


def page(live: LiveServer, path: str = "/test/ws/") -> str:
    return f"ws://127.0.0.1:{live.port}{path}"


def reasons(output: str) -> dict[str, int]:
    """Return the failures of a summary."""
    return {
        reason: int(count.replace(",", ""))
        for count, reason in re.findall(r"^ {5,}([0-9,]+)  (.+)$", output, re.MULTILINE)
    }


# A server that is right


def test_the_summary_of_two_hundred_clients_in_two_processes(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    output, shown, error = testecho(page(live), clients=200, processes=2, rounds=2)
    assert error == ""
    assert re.search(r"^connected +200 of 200 in [0-9.]+ s, [0-9,]+ a second$", output, re.M)
    assert re.search(r"^finished +200, in 2 rounds$", output, re.M)
    assert re.search(r"^failed +0$", output, re.M)
    assert re.search(r"^handshake +p50 .* max [0-9.,]+ ms, of 200$", output, re.M)
    assert re.search(r"^echo +p50 .* max [0-9.,]+ ms, of 1,200$", output, re.M)
    assert reasons(output) == {}
    assert shown.splitlines() == [
        "connecting: 200 of 200",
        "echoing: 400 of 400",
    ]
    # What the server has seen: the greeting, six echoes and the goodbye of each.
    eventually(lambda: caplog.text.count("1000 received 6 sent 8") == 200)


@LINUX
def test_the_memory_of_a_server_here(live: LiveServer) -> None:
    output, _, _ = testecho(page(live), clients=20)
    assert re.search(
        rf"^server memory .* KiB a connection: .* \(PSS of {os.getpid()},", output, re.M
    )


def test_new_connections_a_second(live: LiveServer) -> None:
    begin = time.monotonic()
    _, _, error = testecho(page(live), clients=10, processes=2, ramp=20, rounds=1)
    assert error == "" and time.monotonic() - begin > 0.5


def test_the_page_refuses_rounds_that_are_none(live: LiveServer) -> None:
    for rounds in ("0", "1001", "-1", "x", "1" * 5000):
        with live.connect(f"/test/ws/?rounds={rounds}") as ws:
            assert closed_with(ws) == (4400, "expected rounds from 1 to 1000")


# Servers that are wrong

Handler = Callable[[ServerConnection], None]


@contextmanager
def serving(handler: Handler) -> Iterator[str]:
    """Serve by the ``websockets`` library, which knows nothing of ours."""
    with serve(handler, "127.0.0.1", 0, compression=None, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        server.shutdown()
        thread.join(WAIT)


def talk(ws: ServerConnection, *answers: str | bytes) -> None:
    """Greet, and answer each message with the next answer."""
    ws.send("Hello!")
    for answer in answers:
        ws.recv(WAIT)
        ws.send(answer)


def wrong_text(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?", "2. Spam!")
    ws.recv(WAIT)


def wrong_order(ws: ServerConnection) -> None:
    talk(ws, "2. Eggs!")
    ws.recv(WAIT)


def binary(ws: ServerConnection) -> None:
    talk(ws, b"1. Spam?")
    ws.recv(WAIT)


def closes_early(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?")
    ws.close(4001, "that is all")


def drops(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?")
    ws.recv(WAIT)
    ws.socket.shutdown(socket.SHUT_RDWR)


def talks_on(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?", "2. Eggs!", "3. Python.")
    ws.send("Goodbye!")
    ws.send("One more thing")


def closes_wrongly(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?", "2. Eggs!", "3. Python.")
    ws.send("Goodbye!")
    ws.close(1011)


def never_ends(ws: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        ws.send("x" * 1000 for _ in range(1000))


def test_several_servers_get_as_many_clients() -> None:
    ports: list[int] = []

    def right(ws: ServerConnection) -> None:
        talk(ws, "1. Spam?", "2. Eggs!", "3. Python.")
        ws.send("Goodbye!")
        ports.append(ws.local_address[1])

    with serving(right) as first, serving(right) as second:
        output, _, error = testecho(first, second, second, clients=20, rounds=1)
    assert error == "" and "20 of 20" in output
    assert sorted(Counter(ports).values()) == [10, 10]


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (wrong_text, "expected '2. Eggs!', not '2. Spam!'"),
        (wrong_order, "expected '1. Spam?', not '2. Eggs!'"),
        (binary, "expected '1. Spam?', but a binary message came"),
        (closes_early, "expected '2. Eggs!', but the server closed with 4001: 'that is all'"),
        (drops, "expected '2. Eggs!', but the connection ended without a Close"),
        (talks_on, "expected a Close with 1000, but 'One more thing' came"),
        (closes_wrongly, "expected a Close with 1000, but the server closed with 1011"),
        (never_ends, "expected 'Hello!', but an endless message came"),
    ],
)
def test_what_is_wrong_with_a_server_is_counted(handler: Handler, reason: str) -> None:
    with serving(handler) as url:
        output, _, error = testecho(url, clients=4, rounds=1)
    assert error == "4 of 4 clients failed."
    assert all(reason in text for text in reasons(output))
    assert sum(reasons(output).values()) == 4


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Answer each request with raw bytes, made of its Sec-WebSocket-Key, and close."""

    def run() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                with connection:
                    request = connection.recv(65536)
                    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
                    connection.sendall(answer(key))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT)


def switch(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *headers, "", ""]).encode()


def accept(key: bytes) -> str:
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda key: b"", "the connection ended without an answer to the handshake"),
        (lambda key: b"x" * 20_000, "the handshake was refused with xxx"),
        (lambda key: b"HTTP/1.1 503 Busy\r\n\r\n", "the handshake was refused with 503 Busy"),
        (lambda key: switch(accept(key)), "the 101 has no Upgrade: websocket"),
        (
            lambda key: switch("Upgrade: websocket", accept(b"other")),
            "the 101 has a wrong Sec-WebSocket-Accept",
        ),
        (
            lambda key: switch("upgrade: WebSocket", accept(key), "Sec-WebSocket-Protocol: a"),
            "the 101 has an extension or a subprotocol that nobody asked for",
        ),
        (
            lambda key: switch("Upgrade: websocket", accept(key)) + b"\x81\x02\xff\xff",
            "the server broke the protocol, which asks for 1007",
        ),
        (
            lambda key: switch("Upgrade: websocket", accept(key)) + b"\x81\x06Hello!" * 20,
            "expected 'Hello!', but the server talks without being asked",
        ),
    ],
)
def test_what_is_wrong_with_a_handshake_is_counted(
    answer: Callable[[bytes], bytes], reason: str
) -> None:
    with answering(answer) as url:
        output, _, error = testecho(url, clients=3)
    assert error == "3 of 3 clients failed."
    assert all(reason in text for text in reasons(output))
    assert sum(reasons(output).values()) == 3


def test_a_view_that_forbids_and_one_that_never_speaks(live: LiveServer) -> None:
    urls = [page(live, "/ws/forbidden/"), page(live, "/ws/echo/"), page(live)]
    output, shown, error = testecho(*urls, clients=9, rounds=1, timeout=1)
    assert error == "6 of 9 clients failed."
    assert reasons(output) == {
        "expected 'Hello!', but the server closed with 4403: 'forbidden'": 3,
        "expected 'Hello!': nothing came in 1 s": 3,
    }
    assert re.search(r"^connected +3 of 9 .*\n^finished +3,.*\n^failed +6$", output, re.M)
    assert shown == "connecting: 9 of 9, 6 failed\nechoing: 3 of 3, 6 failed\n"


@override_settings(C10KWS={"CLOSE_REFUSED_HANDSHAKES": False})
def test_a_refusal_by_http(live: LiveServer) -> None:
    output, _, _ = testecho(page(live, "/ws/forbidden/"), clients=2)
    assert reasons(output) == {"the handshake was refused with 403 Forbidden": 2}


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    output, _, error = testecho(f"ws://127.0.0.1:{port}/", clients=5, processes=2)
    assert error == "5 of 5 clients failed."
    assert reasons(output) == {"cannot connect: Connection refused": 5}
    assert re.search(r"^handshake +none$", output, re.M)
    if sys.platform == "linux":
        assert f"unknown: no process of this user is seen to listen on port {port}" in output


@pytest.mark.parametrize("url", ["wss://127.0.0.1/", "http://127.0.0.1/", "127.0.0.1:8000"])
def test_a_url_that_is_none(url: str) -> None:
    assert testecho(url)[2] == f"Expected a URL as ws://127.0.0.1:8000/test/ws/, not {url!r}."


# A program in a shell


def start(*arguments: str, limit: str = "") -> subprocess.Popen[str]:
    """Start the command in a session of its own, below a limit as ``ulimit`` takes it."""
    command = shlex.join([sys.executable, "-m", "django", "testecho", *arguments])
    return subprocess.Popen(
        ["/bin/sh", "-c", f"{f'ulimit {limit};' if limit else ''} exec {command}"],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "servers")]),
            "DJANGO_SETTINGS_MODULE": "tests.project.settings",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@POSIX
def test_too_few_descriptors_say_what_to_type() -> None:
    process = start(limit="-n 128")
    output, error = process.communicate(timeout=WAIT)
    assert process.returncode == 1 and output == ""
    assert "10000 clients in 16 processes need 689 file descriptors each" in error
    assert "128 are allowed" in error and "\n    ulimit -n 689\n" in error


@POSIX
def test_the_soft_limit_is_raised_unasked(live: LiveServer) -> None:
    process = start("--url", page(live), "--clients", "100", "--rounds", "1", limit="-Sn 100")
    output, error = process.communicate(timeout=WAIT)
    assert process.returncode == 0, error
    assert "100 of 100" in output and "echoing: 100 of 100" in error


@POSIX
def test_ctrl_c_leaves_a_summary_and_no_process(live: LiveServer) -> None:
    process = start("--url", page(live), "--clients=50", "--processes=2", "--rounds=1000")
    assert process.stderr is not None
    assert process.stderr.readline() == "connecting: 50 of 50\n"
    os.killpg(process.pid, signal.SIGINT)
    output, error = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert "50 of 50" in output and re.search(r"^failed +0$", output, re.M)
    assert error.endswith("CommandError: Interrupted.\n") and "Traceback" not in error
    eventually(lambda: not is_alive(process.pid))


def is_alive(group: int) -> bool:
    """Return whether a process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@LINUX
def test_a_client_process_that_dies_is_counted(live: LiveServer) -> None:
    process = start("--url", page(live), "--clients=50", "--processes=2", "--rounds=1000")
    assert process.stderr is not None
    assert process.stderr.readline() == "connecting: 50 of 50\n"
    victim, other = clients_of(process.pid)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: not (memory.PROC / str(victim)).exists())
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert reasons(output) == {"their client process ended with -9": 25}
    assert not (memory.PROC / str(other)).exists()


def clients_of(parent: int) -> list[int]:
    """Return the client processes of a command."""
    found = []
    for number in memory.processes():
        with suppress(OSError):
            words = (memory.PROC / str(number) / "cmdline").read_bytes()
            status = (memory.PROC / str(number) / "stat").read_text()
            if b"spawn_main" in words and int(status.rpartition(")")[2].split()[1]) == parent:
                found.append(number)
    return found


# The parts


def test_targets_are_taken_in_turn_and_addresses_when_ports_run_out() -> None:
    targets = Target.parse("ws://127.0.0.1:1/"), Target.parse("ws://127.0.0.1:2/a?b=c", 3)
    assert [target.resource for target in targets] == ["/", "/a?b=c&rounds=3"]
    plan = Plan(targets, 5 * PORTS, 1, 2, 100, None, 30)
    seats = [list(plan.seats(process)) for process in (0, 1)]
    assert [len(seats[process]) for process in (0, 1)] == [plan.size(0), plan.size(1)]
    assert {seat.target for seat in seats[0]} == {targets[0]}
    sources = [seat.source for seat in seats[1]]
    assert sources == [None] * PORTS + ["127.0.0.2"] * PORTS + ["127.0.0.3"] * (PORTS // 2)


def test_no_source_address_where_the_server_is_elsewhere() -> None:
    assert Target.parse("ws://192.0.2.1/").source(3 * PORTS) is None


@LINUX
def test_a_connection_comes_from_the_address_of_its_seat() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT)

        async def connect() -> str:
            target = Target.parse(f"ws://127.0.0.1:{server.getsockname()[1]}/")
            client = asyncio.create_task(Client(WAIT).open(Seat(target, "127.0.0.2")))
            connection, address = await asyncio.to_thread(server.accept)
            connection.close()
            with pytest.raises(Failed, match="without an answer"):
                await client
            return str(address[0])

        assert asyncio.run(connect()) == "127.0.0.2"


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 201)]
    assert [tally.percentile(values, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert tally.percentile([7.0], 50) == 7
    assert latencies(array("d", [0.003, 0.001])) == "p50 1.0, p90 3.0, p99 3.0, max 3.0 ms, of 2"


def test_reasons_are_bounded() -> None:
    counted = tally.Tally()
    for number in range(tally.REASONS + 5):
        counted.fail(f"nonsense {number}")
    assert counted.failures[tally.OTHER] == 5 and counted.failed == tally.REASONS + 5


@LINUX
def test_who_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert memory.find_listeners({server.getsockname()[1]}) == {os.getpid()}
    elsewhere = Target.parse("ws://192.0.2.1/")
    assert memory.Watch([elsewhere]).growth() == "192.0.2.1 is another machine"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal() -> None:
    pytest.importorskip("tqdm", reason="for bars: pip install c10kws[testecho]")
    terminal = Terminal()
    with progress.showing("connecting", 1000, terminal) as show:
        show(1000, 3)
    assert "connecting: 100%" in terminal.getvalue() and "failed 3" in terminal.getvalue()
