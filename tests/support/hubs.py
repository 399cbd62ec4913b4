"""Hubs of LocalBroker: raw peers, and the processes that run."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from c10kws.events.brokers.hub import codec
from c10kws.events.brokers.hub.framing import FrameParser, frame

from .waiting import WAIT


class RawPeer:
    """A peer of the hub, by hand."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT)
        self.socket.connect(str(path))
        self._parser = FrameParser()
        self._frames: list[tuple[int, bytes]] = []

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def receive(self) -> tuple[int, bytes] | None:
        """Return the next frame, or None at the end."""
        while not self._frames:
            data = self.socket.recv(1 << 18)
            if not data:
                return None
            self._frames += self._parser.receive_data(data)
        return self._frames.pop(0)

    def greet(self) -> RawPeer:
        self.send(codec.hello(os.getpid()))
        assert self.receive() == (codec.WELCOME, b"")
        return self

    def subscribe(self, channel: str) -> RawPeer:
        self.send(*codec.channels(codec.SUBSCRIBE, [channel]), frame(codec.PING))
        assert self.receive() == (codec.PONG, b"")
        return self

    def close(self) -> None:
        self.socket.close()


def hubs_in(folder: Path) -> list[int]:
    """Return the processes of the hubs below a folder."""
    listing = subprocess.run(["ps", "-ewwo", "pid=,args="], capture_output=True, text=True)
    lines = [line.split(None, 1) for line in listing.stdout.splitlines()]
    return [int(pid) for pid, args in lines if "brokers.hub" in args and str(folder) in args]


def hub_in(folder: Path) -> int:
    """Return the process of the only hub below a folder."""
    (found,) = hubs_in(folder)
    return found
