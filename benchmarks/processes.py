"""Servers and load clients as processes, each on its own core, and their end.

Each server has its own session, so that its workers can be found and ended with it. The kernel
kills server and client when the suite dies.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0
PR_SET_PDEATHSIG = 1


class ServerError(Exception):
    """Raised when a server did not start, or ended while it was measured."""


def settle_on(*cores: int) -> Callable[[], None]:
    """Return the function that a child calls before its program: select its cores, raise limits.

    Without cores it may use all of them.
    """
    libc = ctypes.CDLL(None)

    def settle() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if cores:
            os.sched_setaffinity(0, cores)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return settle


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], port: int, core: int, variables: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """Run a server while the block runs; its output goes to ``log``.

    Raises ServerError, with the end of the log, when it does not listen within READY_TIMEOUT or has
    ended by itself.
    """
    process = start(command, variables, log, settle_on(core))
    try:
        wait_until_listening(process, port, log)
        yield Server(process.pid, port)
        if process.poll() is not None:
            raise ServerError(f"the server ended with status {process.returncode}: {tail(log)}")
    finally:
        end(process)


def start(
    command: Sequence[str],
    variables: Mapping[str, str],
    log: Path,
    prepare: Callable[[], object] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own; ``prepare`` is called in its process."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,
        )


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the port accepts connections."""
    deadline = time.monotonic() + READY_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"the server ended with status {process.returncode}: {tail(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise ServerError(f"the server did not listen within {READY_TIMEOUT:g} s: {tail(log)}")


def wait_for_answer(port: int) -> None:
    """Wait for any answer to a request. Some servers listen before one of their workers is ready.

    A server of WebSockets may answer by closing the connection.
    """
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), READY_TIMEOUT) as connection:
            connection.sendall(request.encode())
            connection.recv(1)
    except ConnectionResetError:
        pass
    except OSError as error:
        raise ServerError(f"the first request was not answered: {error!r}") from error


def tail(log: Path) -> str:
    """Return the last line that is not empty."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its child processes: terminate it, then kill its session."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        pass
    finally:
        for pid in session(process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()


def session(leader: int) -> list[int]:
    """Return the live processes of the session of ``leader``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


class Server:
    """A running server."""

    def __init__(self, pid: int, port: int) -> None:
        """``pid`` is the leader of its session."""
        self.pid = pid
        self.port = port

    def memory(self) -> int:
        """Return the private memory of all its processes, in bytes."""
        return sum(private_bytes(pid) for pid in session(self.pid))


def private_bytes(pid: int) -> int:
    """Return the private memory of one process, in bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(
        int(line.split()[1]) * 1024
        for line in rollup.splitlines()
        if line.startswith(("Private_Clean:", "Private_Dirty:", "Private_Hugetlb:"))
    )
