"""The server that a page starts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

#: Seconds for one thing that a busy machine may take long for.
WAIT = 120


class Server:
    """A running command that serves. It must print no traceback until it is stopped."""

    def __init__(self, command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
        self._log = folder / "server.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self, text: str) -> None:
        """Wait until the command has printed a text."""
        deadline = time.monotonic() + WAIT
        while text not in self._log.read_text():
            ended = self._process.poll() is not None or time.monotonic() > deadline
            assert not ended, f"the command did not print {text!r}:\n{self._log.read_text()}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the command."""
        self._process.terminate()
        self._process.wait(WAIT)
        printed = self._log.read_text()
        assert "Traceback" not in printed, printed
