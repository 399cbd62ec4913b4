"""The demo in an environment, under ``manage.py runtornado``."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.processes import ADDRESS, Failed, free_port, running, wait_until_it_answers

from . import polls
from .results import Check
from .visitor import PATIENCE, Unexpected

FOLDER = Path(__file__).resolve().parent.parent / "demo"
#: Variables of Python and Django, which would import the packages of the tree instead of the
#: wheel's.
FOREIGN = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
#: The last line of the command before the log begins.
STARTED = "Quit with CONTROL-C."
#: Lines of a log, more than a successful check has.
MOST_LINES = 60


class Demo:
    """The demo, served by ``python``, with its own database in ``folder``.

    ``variables`` are additional environment variables.
    """

    def __init__(
        self, python: Path, folder: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self._python = python
        self._log = folder / "server.txt"
        self._variables = {
            **{name: value for name, value in os.environ.items() if name not in FOREIGN},
            "C10KWS_DEMO_DATABASE": str(folder / "db.sqlite3"),
            "DJANGO_SUPERUSER_PASSWORD": polls.PASSWORD,
            "PYTHONUNBUFFERED": "1",
            **(variables or {}),
        }

    def prepare(self) -> None:
        """Make the database, and the user of the polls."""
        self.run("manage.py", "migrate", "--verbosity=0")
        user = (f"--username={polls.NAME}", "--email=")
        self.run("manage.py", "createsuperuser", "--noinput", "--verbosity=0", *user)

    def run(self, *arguments: str) -> str:
        """Run the environment's Python to its end and return its output. Raises Failed."""
        done = subprocess.run(
            [str(self._python), *arguments],
            cwd=FOLDER,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(f"{arguments[:2]} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    @contextmanager
    def serve(self) -> Iterator[int]:
        """Serve while the block runs; yield the port."""
        port = free_port()
        command = [str(self._python), "manage.py", "runtornado", f"{ADDRESS}:{port}"]
        with running(command, self._log, folder=FOLDER, variables=self._variables) as process:
            wait_until_it_answers(process, port, self._log)
            yield port

    def check(self, visit: Callable[[int], None], last: str = "") -> Check:
        """Serve for a visit and return its result, with the server's log.

        The server is stopped when ``last`` is in its log: it writes lines after the answers.
        """
        reasons = []
        try:
            with self.serve() as port:
                visit(port)
                self.wait_for(last)
        except (Failed, Unexpected) as error:
            reasons = str(error).splitlines()
        log = self.read_log()
        if not reasons and any("Traceback" in line for line in log):
            reasons = ["The server logged an exception."]
        return {"works": not reasons, "log": [*reasons, *log[-MOST_LINES:]]}

    def wait_for(self, text: str) -> None:
        """Wait for a text in the log. Raises :exc:`Unexpected` when it does not appear."""
        deadline = time.monotonic() + PATIENCE
        while text not in "\n".join(self.read_log()):
            if time.monotonic() > deadline:
                raise Unexpected(f"the server did not log {text!r}")
            time.sleep(0.02)

    def read_log(self) -> list[str]:
        """Return the server's output without the line of its start."""
        if not self._log.exists():
            return []
        text = self._log.read_text(encoding="utf-8", errors="replace")
        # The parent may announce itself after the worker has served.
        return [line for line in text.strip().splitlines() if STARTED not in line]
