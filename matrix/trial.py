"""A trial: the demo of an environment under ``manage.py runtornado``, and its clients."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import ADDRESS, Failed, free_port, running, wait_until_it_answers

from . import load, polls
from .results import Check, Trial
from .talk import talk
from .visitor import Unexpected, Visitor

ROOT = Path(__file__).resolve().parent.parent
#: Python's own variables and Django's would bring the tree's packages in place of the wheel's.
FOREIGN = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
#: What is asked for under load: Tornado's own handler, a page of the polls, the admin logged in.
LOADED = ("/hello-tornado", "/polls/", "/admin/")
#: The last line of what the command says when it starts; then the log begins.
STARTED = "Quit with CONTROL-C."
#: More lines of a log than any check that works has.
MOST_LINES = 60
VERSIONS = """
import json, platform
from importlib.metadata import version
names = ("Django", "tornado", "wsproto")
print(json.dumps({"Python": platform.python_version(), **{n: version(n) for n in names}}))
"""


class Demo:
    """The demo in an environment, with a database of its own in ``folder``."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python = python
        self._log = folder / "server.txt"
        self._variables = {
            **{name: value for name, value in os.environ.items() if name not in FOREIGN},
            "C10KWS_DEMO_DATABASE": str(folder / "db.sqlite3"),
            "DJANGO_SUPERUSER_PASSWORD": polls.PASSWORD,
            "PYTHONUNBUFFERED": "1",
        }

    def prepare(self) -> None:
        """Make the database, and the user who walks through the polls."""
        self.run("manage.py", "migrate", "--verbosity=0")
        user = (f"--username={polls.NAME}", "--email=")
        self.run("manage.py", "createsuperuser", "--noinput", "--verbosity=0", *user)

    def run(self, *arguments: str) -> str:
        """Run the environment's Python to its end; return its output, or raise Failed."""
        done = subprocess.run(
            [str(self._python), *arguments],
            cwd=ROOT / "demo",
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
        command = [self._python, "manage.py", "runtornado", f"{ADDRESS}:{port}"]
        folder = ROOT / "demo"
        with running(command, self._log, folder=folder, variables=self._variables) as process:
            wait_until_it_answers(process, port, self._log)
            yield port

    def check(self, visit: Callable[[int], None]) -> Check:
        """Serve for a visit; tell how it went, with what the server logged."""
        reasons = []
        try:
            with self.serve() as port:
                visit(port)
        except (Failed, Unexpected) as error:
            reasons = str(error).splitlines()
        log = self.read_log()
        if not reasons and any("Traceback" in line for line in log):
            reasons = ["The server has logged an exception."]
        return {"works": not reasons, "log": [*reasons, *log[-MOST_LINES:]]}

    def read_log(self) -> list[str]:
        """Return what the server has printed since it said where it is."""
        if not self._log.exists():
            return []
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return (text.partition(STARTED)[2] or text).strip().splitlines()


def try_demo(demo: Demo, subject: str) -> Trial:
    """Make the checks of an environment."""
    try:
        versions = json.loads(demo.run("-c", VERSIONS))
        demo.prepare()
    except Failed as error:
        return broken(str(error).splitlines())
    return {
        "versions": versions,
        "websocket": demo.check(lambda port: talk(port, subject)),
        "django": demo.check(lambda port: polls.walk(visitor(port))),
    }


def broken(log: list[str]) -> Trial:
    """Return the trial of an environment in which nothing can be served."""
    failed: Check = {"works": False, "log": log[-MOST_LINES:]}
    return {"versions": {}, "websocket": failed, "django": failed}


def try_load(demo: Demo) -> tuple[Check, dict[str, list[float]]]:
    """Return how the load went, and the response times by path."""
    times: dict[str, list[float]] = {}

    def ask(port: int) -> None:
        visiting = visitor(port)
        polls.log_in(visiting)
        for path in LOADED:
            url = f"http://{ADDRESS}:{port}{path}"
            times[path] = load.percentiles(load.response_times(url, visiting.cookie))

    return demo.check(ask), times


def visitor(port: int) -> Visitor:
    """Return somebody who has not been there yet."""
    return Visitor(f"http://{ADDRESS}:{port}")
