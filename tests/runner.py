"""The command ``python3 tests``; its options are in ``__main__.py``."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version

from tests.parts import PARTS, Part
from tools import environment

#: Much of the time of a test is waiting, so there are more processes than processors.
PROCESSES = min(2 * (os.cpu_count() or 1), 8)
#: A module stays in one process, and modules start in the order of tests/conftest.py.
PARALLEL = [f"--numprocesses={PROCESSES}", "--dist=loadscope", "--no-loadscope-reorder"]
QUICK = ["-m", "not programs and not thorough", *PARALLEL]
#: Many tests wait for programs, and a machine may be too busy for them. So up to this many failed
#: tests run again, one after another, and the output names them.
MAX_REPEATED = 5
#: pytest's exit status when tests have run and some have failed.
TESTS_FAILED = 1
STYLE = (["ruff", "check"], ["ruff", "format", "--check"])
TYPES = (["mypy"],)


def main() -> int:
    """Run the command; return its exit status."""
    restore_signals()
    options, arguments = read_arguments()
    if options.newest:
        environment.enter(".venv-newest", "tests.in")
        print_newer()
    else:
        environment.enter(".venv-tests", "tests.txt")
    if options.style or options.types:
        return run_tools([*STYLE * options.style, *TYPES * options.types])
    if options.quick:
        return run_pytest([*QUICK, *arguments], dict(os.environ))
    return run_tests(arguments, strict=options.strict)


def restore_signals() -> None:
    """Undo what a shell does for a command in the background, and nohup: the tests send both."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def read_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Return our options and, as the rest, pytest's arguments."""
    parser = argparse.ArgumentParser(
        prog="python3 tests",
        description="Set up and run all tests. Other arguments go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="only tests that start no program")
    parser.add_argument("--strict", action="store_true", help="fail without a required program")
    parser.add_argument("--newest", action="store_true", help="newest releases, not the lock")
    parser.add_argument("--style", action="store_true", help="only check the style")
    parser.add_argument("--types", action="store_true", help="only check the types")
    return parser.parse_known_args()


def print_newer() -> None:
    """Print which releases differ from the lock: they may be the cause of a failure."""
    lock = (environment.REQUIREMENTS / "tests.txt").read_text(encoding="utf-8")
    for name, locked, marker in re.findall(r"^([\w.-]+)==([^\s;]+)( ;)?", lock, re.MULTILINE):
        if not marker and version(name) != locked:
            print(f"newer than the lock: {name} {locked} -> {version(name)}", flush=True)


def run_tools(commands: list[list[str]]) -> int:
    """Run tools of the environment from the root; return 0 when all of them succeed."""
    statuses = [
        subprocess.run(
            [sys.executable, "-m", *command], cwd=environment.ROOT, check=False
        ).returncode
        for command in commands
    ]
    return int(any(statuses))


def run_tests(arguments: list[str], *, strict: bool) -> int:
    """Run pytest with the programs it needs; return 0 when all that must pass has passed."""
    variables = {**os.environ, "C10KWS_STRICT": "1" if strict else ""}
    missing = find_parts(variables)
    status = run_pytest(arguments, variables) if arguments else run_all(variables)
    for part in missing:
        needed = "required" if part.required else "optional"
        print(f"NOT RUN: tests that need {part.name} ({needed}): {part.hint()}", flush=True)
    return status or int(strict and any(part.required for part in missing))


def run_all(variables: dict[str, str]) -> int:
    """Run all tests, then a few failed ones again, without others; return pytest's exit status."""
    last_failed = environment.ROOT / ".pytest_cache/v/cache/lastfailed"
    last_failed.unlink(missing_ok=True)
    status = run_pytest(PARALLEL, variables)
    if status != TESTS_FAILED:
        return status
    failed = list(json.loads(last_failed.read_text(encoding="utf-8")))
    if len(failed) > MAX_REPEATED:
        return status
    print("REPEATED, one after another:", *failed, sep="\n  ", flush=True)
    return run_pytest(failed, variables)


def find_parts(variables: dict[str, str]) -> list[Part]:
    """Find or install the programs; add their paths to ``variables`` and return what is missing."""
    missing = []
    for part in PARTS:
        if found := part.find() or part.install():
            variables[part.variable] = found
        else:
            missing.append(part)
    return missing


def run_pytest(arguments: list[str], variables: dict[str, str]) -> int:
    """Run pytest from the root in an environment of ``variables``; return its exit status.

    Python's cache is on: without it each process compiles all tests, and all of c10kws.
    """
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=environment.ROOT, env=variables, check=False).returncode
