"""Do what a page says: type its files, run its commands, serve the project."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.documentation.editor import type_in
from tests.documentation.pages import Block, Step, Stop
from tests.documentation.serving import WAIT, Server
from tests.support.shell import clean_variables, run
from tools.processes import free_port

#: Answers to the questions of ``createsuperuser``.
ANSWERS = {"DJANGO_SUPERUSER_PASSWORD": "correct horse battery", "DJANGO_SUPERUSER_EMAIL": ""}

#: Programs as arguments of the interpreter.
PROGRAMS: dict[str, list[str]] = {
    "python": [],
    "python3": [],
    "django-admin": ["-m", "django"],
    "pip": ["-m", "pip"],
}

#: Called at a ``check`` of the page, with the address of the server.
Look = Callable[[str], None]


class Reader:
    """A reader with a shell in a folder, and a Python that has c10kws.

    The server takes the same free port each time, so that open pages find it again. ``typed`` is
    the last text to type into the console of the browser, ``folder`` the folder of the shell.
    """

    typed = ""

    def __init__(self, folder: Path, python: str | Path = sys.executable, **variables: str) -> None:
        self.folder = folder
        self._port = free_port()
        self._command: list[str] = []
        self._server: Server | None = None
        self._python = str(python)
        self._variables = clean_variables() | ANSWERS | {"PYTHONUNBUFFERED": "1"} | variables

    def follow(self, steps: Iterable[Step], looks: Mapping[str, Look] | None) -> None:
        """Take all steps. Without ``looks`` the project is built, but not served."""
        try:
            for step in steps:
                if isinstance(step, Block):
                    self._take(step)
                elif isinstance(step, Stop):
                    self._stop()
                    self._command = []
                elif looks is not None:
                    self._serve()
                    looks[step.name](f"http://127.0.0.1:{self._port}")
        finally:
            self._stop()

    def _take(self, block: Block) -> None:
        if block.not_run:
            return
        if block.language == "javascript" and not block.file:
            self.typed = block.text
            return
        self._stop()  # it runs the code as it was
        if block.file:
            type_in(block, self.folder)
            return
        assert block.language == "console", f"nothing executes this block:\n{block.text}"
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            self._run(command, output)

    def _run(self, command: str, output: str) -> None:
        """Run a command of the shell, which must print the lines that the page shows."""
        program, *arguments = shlex.split(command)
        if program == "cd":
            self.folder /= arguments[0]
            return
        if program == ".":  # the environment's own activate
            self._python = str(self.folder / Path(arguments[0]).with_name("python"))
            return
        words = [self._python, *PROGRAMS[program], *arguments]
        if "runserver" in words:
            self._command = [*words, "--noreload", str(self._port)]
        elif "runtornado" in words:
            self._command = [*words, str(self._port)]
        else:
            words += ["--noinput"] * ("createsuperuser" in words)
            printed = run(*words, cwd=self.folder, variables=self._variables, timeout=WAIT)
            for line in filter(None, output.splitlines()):
                assert line in printed, f"{command!r} does not print {line!r}:\n{printed}"

    def _serve(self) -> None:
        """Start the server as the page did last, if it is not running."""
        if self._server is None and self._command:
            self._server = Server(self._command, self.folder, self._variables)
            self._server.wait(f"http://127.0.0.1:{self._port}/")

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()
