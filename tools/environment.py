"""The virtual environments of the commands of this repository, and how a command ends.

Standard library only, since nothing is installed yet when this runs. ``enter`` makes an environment
and continues in its Python. An environment is made again when the requirements, the project's
metadata, the Python or the folder has changed, so it always holds exactly the releases of the lock.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
#: Written last: an environment with another digest in it, or none, is unfinished or out of date.
STAMP = "c10kws-digest.txt"


def enter(name: str, requirements: str) -> None:
    """Make the environment ``ROOT/name`` if need be and run this command again in its Python.

    ``requirements`` is a file in ``requirements/``: a lock (``.txt``, every version exact and
    hashed) or its input (``.in``: the newest releases, looked for each time). Return at once when
    the Python that runs is the environment's. Raise SystemExit, with what to do, when this Python
    cannot make one or an installation fails.
    """
    folder = ROOT / name
    if Path(sys.prefix).resolve() == folder:
        return
    check_python()
    digest = digest_of(folder, REQUIREMENTS / requirements)
    if read_stamp(folder) != digest or requirements.endswith(".in"):
        make(folder, REQUIREMENTS / requirements)
        (folder / STAMP).write_text(digest, encoding="ascii")
    run_again(python_of(folder))


def check_python() -> None:
    """Refuse a Python that is too old or that cannot make an environment."""
    found = sys.version_info
    if found[:2] < OLDEST_PYTHON:
        stop(
            f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed and this is "
            f"{found[0]}.{found[1]}; run the command with a newer one, for instance python3.13"
        )
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        stop(
            "this Python has no complete venv module; install it "
            "(Debian, Ubuntu: apt-get install python3-venv) and run the command again"
        )


def digest_of(folder: Path, requirements: Path) -> str:
    """Return a digest of all that decides what the environment holds."""
    digest = hashlib.sha256(f"{folder} {sys.version}".encode())
    for path in (requirements, ROOT / "pyproject.toml", ROOT / "setup.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_stamp(folder: Path) -> str | None:
    """Return the digest that the environment was made for, None when there is no environment.

    A folder without a stamp was not made here: it is somebody's own and stays untouched.
    """
    if not folder.exists():
        return None
    try:
        return (folder / STAMP).read_text(encoding="ascii")
    except FileNotFoundError:
        stop(f"{folder} was not made by this command; move it away and run the command again")


def make(folder: Path, requirements: Path) -> None:
    """Replace the environment; install the requirements and the project, editable."""
    print(f"Making {folder.name} from requirements/{requirements.name}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / STAMP).write_text("unfinished", encoding="ascii")
    run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python_of(folder)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if requirements.suffix == ".txt":
        run([*pip, "--no-deps", "--require-hashes", "--requirement", str(requirements)])
        run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    else:
        run([*pip, "--requirement", str(requirements), "--editable", str(ROOT)])


def python_of(folder: Path) -> Path:
    """Return the environment's interpreter."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def run_again(python: Path) -> NoReturn:
    """Run this command in another Python, in place of this process where the system can."""
    command = [str(python), *sys.argv]
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    try:
        sys.exit(subprocess.run(command, check=False).returncode)
    except KeyboardInterrupt:  # the other process had it too, and ends by itself
        sys.exit(130)


def run(command: list[str]) -> None:
    """Run a step of the set-up, and stop with its name when it fails; its own output says why."""
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        stop(f"this step failed, see above: {' '.join(command)}")


def stop(reason: str) -> NoReturn:
    """End the command with status 1 and a reason."""
    sys.exit(f"{Path(sys.argv[0]).name}: {reason}")
