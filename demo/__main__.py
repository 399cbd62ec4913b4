"""Set up and serve the demo: ``python3 demo [--port N] [--once]``.

Makes ``.venv`` from ``requirements/demo.txt``, migrates the SQLite database, creates the user demo,
and serves the project with ``manage.py runserver`` until Ctrl-C. A client sends one message to
``/ws/echo/`` to check that it works. The exit status is 1 if the check fails.
"""

from __future__ import annotations

import argparse
import os
import runpy
import signal
import socket
import sys
import threading
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository

from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

DEMO = Path(__file__).resolve().parent

ADDRESS = "127.0.0.1"
#: Seconds until the server must answer, also on a busy machine.
START_TIMEOUT = 60.0


def main() -> int:
    """Run the command; return its exit status."""
    options = read_arguments()
    check_port(options.port)
    environment.enter(".venv", "demo.txt")
    manage("migrate", "--verbosity=0")
    manage("demouser")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's `&` has it ignored
    visitor = Visitor(options.port, once=options.once)
    visitor.start()
    manage("runserver", "--noreload", f"{ADDRESS}:{options.port}")
    return visitor.status


def read_arguments() -> argparse.Namespace:
    """Return ``port`` and ``once``."""
    parser = argparse.ArgumentParser(prog="python3 demo", description="Set up and serve the demo.")
    parser.add_argument("--port", type=int, default=8000, help="the port to serve on (8000)")
    parser.add_argument("--once", action="store_true", help="stop after the echo")
    options = parser.parse_args()
    if not 0 < options.port < 65536:
        parser.error(f"--port is a number from 1 to 65535, not {options.port}")
    return options


def check_port(port: int) -> None:
    """Exit if the port cannot be used, before anything is installed."""
    with socket.socket() as probe:
        if os.name == "posix":  # on Windows the option would take a port in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            other = 8001 if port in (8000, 65535) else port + 1
            sys.exit(
                f"python3 demo: port {port} on {ADDRESS} is in use or not allowed "
                f"({error.strerror}); choose another one: python3 demo --port {other}"
            )


def manage(*arguments: str) -> None:
    """Run ``demo/manage.py`` in this process, so that Ctrl-C and the exit are Django's own."""
    sys.argv = [str(DEMO / "manage.py"), *arguments]
    sys.path[0] = str(DEMO)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ending:
        if ending.code:
            raise


class Visitor(threading.Thread):
    """A client that checks the demo once, reports the result, and may stop the server."""

    def __init__(self, port: int, *, once: bool) -> None:
        super().__init__(name="visitor", daemon=True)
        self.port = port
        self.url = f"ws://{ADDRESS}:{port}/ws/echo/"
        self.once = once
        self.status = 1

    def run(self) -> None:
        """Check the echo. If it fails, stop the server; the status stays 1."""
        from websockets.exceptions import WebSocketException

        try:
            self.echo()
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            print(f"python3 demo: no echo from {self.url}: {error!r}", flush=True)
        else:
            self.status = 0
            print(f"echo works: http://{ADDRESS}:{self.port}/", flush=True)
        if self.once or self.status:
            interrupt()

    def echo(self) -> None:
        """Send a message and receive it back; raise OSError or WebSocketException if that fails."""
        from websockets.sync.client import connect

        self.wait_for_server()
        with connect(self.url, open_timeout=START_TIMEOUT, proxy=None) as websocket:
            websocket.send("Hello!")
            answer = websocket.recv(timeout=START_TIMEOUT)
        if answer != "Hello!":
            raise OSError(f"sent 'Hello!' and received {answer!r}")

    def wait_for_server(self) -> None:
        """Return when the port accepts connections; raise OSError after START_TIMEOUT."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                socket.create_connection((ADDRESS, self.port)).close()
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


def interrupt() -> None:
    """Send this process the signal of Ctrl-C."""
    if os.name == "posix":  # to the process, which wakes the main thread
        os.kill(os.getpid(), signal.SIGINT)
    else:  # os.kill would end the process at once
        signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    launch(main)
