"""The environment of the Autobahn|Testsuite, which is Python 2.7: found, made, called."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.processes import Failed

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / ".venv-autobahn"
#: Written last: an environment with another digest in it, or none, is unfinished or out of date.
STAMP = "c10kws-digest.txt"
#: What makes the environment, and what is in it: every version exact and hashed.
MAKER = HERE / "virtualenv.txt"
LOCK = HERE / "autobahn.txt"
PIP = (
    *("-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
    *("--no-deps", "--require-hashes"),
)
#: The environment variable with which a developer chooses the Python 2.7.
CHOICE = "C10KWS_PYTHON27"
#: Prints its own path in a Python that pip and the suite can use; else it fails.
TRIAL = "import ssl, sys, zlib; assert sys.version_info[:2] == (2, 7); print(sys.executable)"


class NoPython27(Exception):
    """This machine has no Python 2.7; says how to get one."""


def find_python() -> str:
    """Return the path of a Python 2.7 that runs; raise :exc:`NoPython27` when there is none."""
    for place in python_places():
        path = shutil.which(place)
        if path and (python := try_python(path)):
            return python
    if chosen := os.environ.get(CHOICE):
        raise NoPython27(f"{CHOICE} names {chosen}, which is no Python 2.7 with ssl and zlib")
    raise NoPython27(
        "the Autobahn|Testsuite needs a Python 2.7 and this machine has none: run "
        f"`pyenv install 2.7.18`, or name one with {CHOICE}"
    )


def python_places() -> Iterator[str]:
    """Yield where it may be: the one chosen and no other, else on PATH and pyenv's."""
    if chosen := os.environ.get(CHOICE):
        yield chosen
        return
    yield "python2.7"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted(pyenv.glob("versions/2.7*"), reverse=True):
        yield str(folder / "bin" / "python2.7")


def try_python(path: str) -> str | None:
    """Return the path of the Python behind ``path``, None when there is none that can be used.

    pyenv's shims come first on PATH: one runs another program, or only complains.
    """
    command = [path, "-E", "-c", TRIAL]
    try:
        trial = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return trial.stdout.strip() if trial.returncode == 0 else None


def install(python27: str) -> Path:
    """Make the environment if it is not there or not up to date; return its interpreter.

    Raises :exc:`Failed` when a step of it fails, or when a folder of that name was not made
    here.
    """
    stamp = ENVIRONMENT / STAMP
    digest = digest_of(python27)
    if ENVIRONMENT.exists() and not stamp.exists():
        raise Failed(f"{ENVIRONMENT} was not made by this command; move it away")
    if not stamp.exists() or stamp.read_text(encoding="ascii") != digest:
        print(f"Making {ENVIRONMENT.name} from {LOCK.relative_to(ROOT).as_posix()}", flush=True)
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        ENVIRONMENT.mkdir()
        stamp.write_text("unfinished", encoding="ascii")
        make(python27)
        stamp.write_text(digest, encoding="ascii")
    return python_of(ENVIRONMENT)


def digest_of(python27: str) -> str:
    """Return a digest of all that decides what the environment holds."""
    digest = hashlib.sha256(f"{ENVIRONMENT} {python27}".encode())
    for lock in (MAKER, LOCK):
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def make(python27: str) -> None:
    """Fill the folder of the environment, with a virtualenv that is gone afterwards.

    What is built here needs no package beside setuptools, so that everything that runs is hashed.
    """
    with tempfile.TemporaryDirectory(prefix="c10kws-virtualenv-") as folder:
        run([sys.executable, "-m", "venv", folder])
        maker = str(python_of(Path(folder)))
        run([maker, *PIP, "--requirement", str(MAKER)])
        seeds = ["--no-download", "--no-periodic-update", "--app-data", str(Path(folder) / "seeds")]
        run([maker, "-m", "virtualenv", "--quiet", *seeds, "-p", python27, str(ENVIRONMENT)])
        python = str(python_of(ENVIRONMENT))
        run([python, "-E", *PIP, "--no-build-isolation", "--requirement", str(LOCK)])


def python_of(folder: Path) -> Path:
    """Return an environment's interpreter."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def run(command: Sequence[str]) -> str:
    """Run a command and return what it prints; raise :exc:`Failed` with that when it fails."""
    result = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode:
        raise Failed(f"this step failed: {' '.join(command)}\n{result.stdout}")
    return result.stdout
