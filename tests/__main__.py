"""Set up and run everything: ``python3 tests [--strict] [--newest] [pytest's arguments]``.

Makes ``.venv-tests`` from ``requirements/tests.txt``, finds or installs the real parts that tests
need (the table PARTS), runs pytest and lists at the end what this machine could not give. Without
arguments for pytest it runs the conversations a second time with FAST_LANE off.

``--strict``
    A required part that is missing is a failure.
``--newest``
    The newest releases instead of the lock, in ``.venv-newest``; says first what is newer.
``--style``, ``--types``
    Only ruff, only mypy, in the same environment: CI calls them after the tests.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "requirements"))

import environment  # noqa: E402

#: Tests that speak frames, which take the fast lane or do not.
CONVERSATIONS = [
    *(
        f"tests/connection/test_{name}.py"
        for name in ("broadcast", "connection", "fragments", "keepalive", "limits")
    ),
    "tests/views/test_switching.py",
]
STYLE = (["ruff", "check"], ["ruff", "format", "--check"])
TYPES = (["mypy"],)


def main() -> int:
    """Run the command; return its exit status."""
    options, arguments = read_arguments()
    if options.newest:
        environment.enter(".venv-newest", "tests.in")
        print_newer()
    else:
        environment.enter(".venv-tests", "tests.txt")
    if options.style or options.types:
        return run_tools([*STYLE * options.style, *TYPES * options.types])
    return run_tests(arguments, strict=options.strict)


def read_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Return our options and, all the rest, pytest's arguments."""
    parser = argparse.ArgumentParser(
        prog="python3 tests",
        description="Set up and run all tests. Other arguments go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--strict", action="store_true", help="a missing required part fails")
    parser.add_argument("--newest", action="store_true", help="newest releases, not the lock")
    parser.add_argument("--style", action="store_true", help="only check the style")
    parser.add_argument("--types", action="store_true", help="only check the types")
    return parser.parse_known_args()


def print_newer() -> None:
    """Say which releases differ from the lock, so that a failure can be told from ours."""
    lock = (environment.REQUIREMENTS / "tests.txt").read_text(encoding="utf-8")
    for name, locked, marker in re.findall(r"^([\w.-]+)==([^\s;]+)( ;)?", lock, re.MULTILINE):
        if not marker and version(name) != locked:
            print(f"newer than the lock: {name} {locked} -> {version(name)}", flush=True)


def run_tools(commands: list[list[str]]) -> int:
    """Run tools of the environment from the root; return 0 when all of them are content."""
    statuses = [
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
        for command in commands
    ]
    return int(any(statuses))


def run_tests(arguments: list[str], *, strict: bool) -> int:
    """Run pytest with the real parts; return 0 when all that must pass has passed."""
    variables = {**os.environ, "C10KWS_STRICT": "1" if strict else ""}
    missing = []
    for part in PARTS:
        found = part.find() or part.install()
        if found:
            variables[part.variable] = found
        else:
            missing.append(part)
    status = run_pytest(arguments, variables)
    if not arguments:
        status = run_pytest(CONVERSATIONS, {**variables, "C10KWS_TEST_LANE": "off"}) or status
    for part in missing:
        needed = "required" if part.required else "optional"
        print(f"NOT RUN: what needs {part.name} ({needed}): {part.hint()}", flush=True)
    return status or int(strict and any(part.required for part in missing))


def run_pytest(arguments: list[str], variables: dict[str, str]) -> int:
    """Run pytest from the root in an environment of ``variables``; return its exit status."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


@dataclass(frozen=True)
class Part:
    """A program that tests need and that does not come with the lock."""

    name: str
    #: The environment variable that gives its path to the tests, and lets a developer choose it.
    variable: str
    #: Where it may be: paths, and names to look for on PATH.
    places: Callable[[], Iterator[str]]
    #: Arguments with which it does next to nothing and ends with 0, if it can run at all.
    trial: tuple[str, ...]
    #: Its package on Debian and Ubuntu.
    package: str
    #: Another way to get it, without root: a module of the environment and its arguments.
    download: tuple[str, ...] = ()
    #: Its package and release in npm's registry; ``package`` is then that of npm.
    npm: str = ""
    #: A command that undoes what its package does besides: the start of a service.
    afterwards: tuple[str, ...] = ()
    required: bool = True

    def find(self) -> str | None:
        """Return the path of the first one that runs, None when there is none."""
        for place in [self.chosen()] if self.chosen() else self.places():
            path = shutil.which(place)
            if path and self.runs(path):
                return path
        return None

    def chosen(self) -> str:
        """Return the path that the developer has chosen, or an empty string."""
        return os.environ.get(self.variable, "")

    def runs(self, path: str) -> bool:
        """Try it: a stub that only names another package, or one without its libraries, is none."""
        try:
            trial = subprocess.run([path, *self.trial], capture_output=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return trial.returncode == 0

    def install(self) -> str | None:
        """Install it in the ways that this machine has; return its path, or None."""
        for commands in self.ways():
            for command in commands:
                print("Running:", " ".join(command), flush=True)
                subprocess.run(command, env={**os.environ, **QUIET}, check=False)
            if found := self.find():
                return found
        return None

    def ways(self) -> Iterator[list[list[str]]]:
        """Yield the ways, each as commands: Debian's for root, npm's, then the part's own."""
        if self.chosen():
            return
        if may_use_apt() and not (self.npm and shutil.which("npm")):
            commands = [["apt-get", "update"], ["apt-get", "install", "--yes", self.package]]
            if self.afterwards and shutil.which(self.afterwards[0]):
                commands.append([*self.afterwards])
            yield commands
        if self.npm and shutil.which("npm"):
            yield [["npm", "install", "--no-audit", "--no-fund", "--prefix", str(NPM), self.npm]]
        if self.download:
            yield [[sys.executable, "-m", *self.download]]

    def hint(self) -> str:
        """Return the line that installs it, or what is wrong with the one chosen."""
        if self.chosen():
            return f"{self.variable} names {self.chosen()}, which does not run"
        if self.npm:
            return f"npm install --global {self.npm}"
        lines = [f"apt-get install {self.package}"] if shutil.which("apt-get") else []
        if self.download:
            lines.append(" ".join([sys.executable, "-m", *self.download]))
        return " or ".join(lines) or f"install {self.package}"


#: Where npm installs: in the environment, so that it goes with it.
NPM = Path(sys.prefix) / "npm"
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def may_use_apt() -> bool:
    """Tell whether this is root on Debian, Ubuntu or the like."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def chromium_places() -> Iterator[str]:
    """Yield where Chromium or Chrome may be; Playwright knows its own cache on each system."""
    yield from ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
    yield "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def typescript_places() -> Iterator[str]:
    """Yield where TypeScript's compiler may be."""
    yield from (str(NPM / "node_modules" / ".bin" / "tsc"), "tsc")


def nginx_places() -> Iterator[str]:
    """Yield where nginx may be: only root has Debian's folder on PATH."""
    yield from ("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx")


PARTS = (
    Part(
        name="headless Chromium",
        variable="C10KWS_CHROMIUM",
        places=chromium_places,
        trial=("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"),
        package="chromium",
        # Ubuntu has no package of that name; its libraries come by Playwright's own apt-get.
        download=("playwright", "install", *["--with-deps"] * may_use_apt(), "chromium"),
    ),
    Part(
        name="nginx",
        variable="C10KWS_NGINX",
        places=nginx_places,
        trial=("-v",),
        package="nginx",
        # The tests run one of their own; Debian's takes port 80.
        afterwards=("service", "nginx", "stop"),
    ),
    Part(
        name="TypeScript",
        variable="C10KWS_TSC",
        places=typescript_places,
        trial=("--version",),
        package="npm",  # Debian's own TypeScript does not know the resolution of bundlers
        npm="typescript@5.9.3",
    ),
)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
