"""A Python process that answers each line of its stdin with a line of JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

from .shell import ROOT
from .waiting import WAIT


class LineProcess:
    """Such a process; ``arguments`` are those of Python."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, line: str) -> None:
        """Send a line, and do not wait for the answer."""
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)

    def answer(self) -> Any:
        """Return the answer to the oldest line."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, line: str) -> Any:
        """Send a line and return its answer."""
        self.send(line)
        return self.answer()

    def close(self) -> None:
        """End the process as a user does."""
        self.process.communicate(timeout=WAIT)

    def kill(self) -> None:
        """End the process at once."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.close()
