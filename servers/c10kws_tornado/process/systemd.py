"""The protocols of systemd for services: sockets that it passes, and notifications about the state.

Both work without a library, see sd_listen_fds(3) and sd_notify(3).
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

#: The first descriptor that systemd passes.
FIRST_DESCRIPTOR = 3


def take_listen_fds() -> list[int]:
    """Return the descriptors of the sockets that systemd passed to this process, once."""
    variables = {name: os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS")}
    os.environ.pop("LISTEN_FDNAMES", None)
    count = variables["LISTEN_FDS"]
    if variables["LISTEN_PID"] != str(os.getpid()) or not count.isdigit():
        return []
    return list(range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)))


class Notifier:
    """Notifications to systemd; without NOTIFY_SOCKET in the environment it does nothing."""

    def __init__(self) -> None:
        """Read the variables, and remove them so that workers do not inherit them."""
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        interval = os.environ.pop("WATCHDOG_USEC", "")
        expected = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        #: Seconds between two signs of life: half of the time after which systemd would act.
        self._interval = int(interval) / 2e6 if interval.isdigit() and expected else None
        self._due = 0.0

    def ready(self, status: str) -> None:
        """Report that the start, or a reload, is complete."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Report that the workers are being replaced."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Report that the server shuts down."""
        self._send("STOPPING=1")

    def keep_alive(self) -> None:
        """Send a sign of life if one is due."""
        if self._interval is not None and time.monotonic() >= self._due:
            self._due = time.monotonic() + self._interval
            self._send("WATCHDOG=1")

    def limit(self, seconds: float) -> float:
        """Return the seconds after which to call :meth:`keep_alive`, at most these."""
        if self._interval is None:
            return seconds
        return min(seconds, max(self._due - time.monotonic(), 0.0))

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # a socket of Linux without a file
            address = "\0" + address[1:]
        with (
            suppress(OSError),  # systemd itself may be restarting
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
        ):
            sock.setblocking(False)
            sock.sendto(text.encode(), address)
