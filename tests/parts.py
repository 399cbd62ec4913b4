"""The programs that tests need and that do not come with the lock, such as a browser and nginx."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """A program that tests need and that does not come with the lock."""

    name: str
    #: The environment variable that holds its path for the tests; a developer may set it.
    variable: str
    #: The places to look: paths, and names of programs on PATH.
    places: Callable[[], Iterator[str]]
    #: Arguments with which it does next to nothing and exits with 0.
    trial: tuple[str, ...]
    #: Its package on Debian and Ubuntu.
    package: str
    #: Installs it without root: a module of the environment and its arguments.
    download: tuple[str, ...] = ()
    #: Its package and release in npm's registry; ``package`` is then that of npm.
    npm: str = ""
    #: A command that stops the service which its package starts.
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
        """Return True if it runs: it may be a stub, or lack libraries."""
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


#: Where npm installs: in the environment, so it is deleted with the environment.
NPM = Path(sys.prefix) / "npm"
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def may_use_apt() -> bool:
    """Return True for root on Debian, Ubuntu and the like."""
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


#: The folders of services' programs: Debian's, those of what was built here, and Homebrew's.
SERVICE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


def service_places(*programs: str) -> Iterator[str]:
    """Yield where a service's program may be: only root has Debian's folder on PATH."""
    for program in programs:
        yield program
        yield from (f"{folder}/{program}" for folder in SERVICE_FOLDERS)


def service_part(name: str, variable: str, package: str, *programs: str, trial: str = "-v") -> Part:
    """Return a service. The tests run one of their own; Debian's would take its usual port."""
    places = functools.partial(service_places, *programs)
    stop = ("service", package, "stop")
    return Part(name, variable, places, (trial,), package, afterwards=stop)


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
    service_part("nginx", "C10KWS_NGINX", "nginx", "nginx"),
    service_part("HAProxy", "C10KWS_HAPROXY", "haproxy", "haproxy"),
    # Other systems than Debian call it httpd.
    service_part("Apache httpd", "C10KWS_APACHE2", "apache2", "apache2", "httpd"),
    service_part(
        "Redis",
        "C10KWS_REDIS",
        "redis-server",
        "redis-server",
        "valkey-server",
        trial="--version",
    ),
    Part(
        name="TypeScript",
        variable="C10KWS_TSC",
        places=typescript_places,
        trial=("--version",),
        package="npm",  # Debian's own TypeScript does not know the resolution of bundlers
        npm="typescript@5.9.3",
    ),
    Part(
        name="a C compiler",
        variable="CC",
        places=lambda: iter(("cc", "gcc", "clang")),
        trial=("--version",),
        package="gcc",
    ),
)
