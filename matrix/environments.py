"""The environments of ``tox.ini``, made by tox with the built wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOX = (sys.executable, "-m", "tox")
#: The factor of the environments that serve the demo, without the tools of the tests.
DEMO = "demo"
NAME = re.compile(r"py\d+-django\d+-(oldest|newest)")


@dataclass(frozen=True)
class Environment:
    """The result of tox for an environment."""

    name: str
    #: OK, FAIL, or SKIP without the Python.
    outcome: str
    #: What tox printed about it.
    log: list[str]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return ROOT / ".tox" / f"{self.name}-{DEMO}" / "bin" / "python"


def names() -> list[str]:
    """Return the names in the order of ``tox.ini``."""
    listed = subprocess.run(
        [*TOX, "list", "--no-desc", "-q"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return [name for name in listed.stdout.split() if NAME.fullmatch(name)]


def make(wanted: Sequence[str]) -> list[Environment]:
    """Make the environments again, so that they have the newest releases."""
    chosen = ",".join(f"{name}-{DEMO}" for name in wanted)
    made = subprocess.run(
        [*TOX, "run", "--notest", "--recreate", "-e", chosen, *discovery()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = made.stdout.splitlines()
    return [read(name, lines) for name in wanted]


def read(name: str, lines: Sequence[str]) -> Environment:
    """Return tox' output about an environment."""
    own = [line.strip() for line in lines if line.strip().startswith(f"{name}-{DEMO}:")]
    outcome = re.search(r": (OK|SKIP|FAIL)\b", own[-1]) if own else None
    return Environment(name, outcome[1] if outcome else "FAIL", own if outcome else list(lines))


def run_tests(wanted: Sequence[str], arguments: Sequence[str]) -> int:
    """Run the tests in environments and return tox' exit status."""
    command = [*TOX, "run", "-e", ",".join(wanted), *discovery(), "--", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def discovery() -> list[str]:
    """Return the option with which tox finds the Pythons of pyenv, which may not be on PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob("versions/*/bin/python3"))
    return ["--discover", *map(str, found)] if found else []
