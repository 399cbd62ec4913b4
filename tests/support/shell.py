"""Commands run as a user's shell runs them, and the files of a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .waiting import WAIT

ROOT = Path(__file__).resolve().parents[2]
#: The value of PYTHONPATH that makes both packages of this repository importable.
SOURCES = os.pathsep.join([str(ROOT), str(ROOT / "servers")])


def run(
    *command: str | Path,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command without this process' Python and Django settings; return its output."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_variables() if variables is None else variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}"
    return result.stdout


def run_program(program: str) -> str:
    """Run a text in another Python, which imports what this one does; return its output."""
    return subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=WAIT,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ).stdout


def clean_variables() -> dict[str, str]:
    """Return the environment variables that a user's shell has."""
    ours = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in ours}


def files(folder: Path) -> set[str]:
    """Return the paths of all files in a folder, relative to it, that a clone would have."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
