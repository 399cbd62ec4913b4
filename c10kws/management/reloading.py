"""``runtornado --reload`` becomes ``runserver``, even if the project cannot be imported.

When a project raises an exception at import, Django's autoreloader continues only for the command
named ``runserver``. Any other command ends before it is found. Therefore ``runtornado --reload``
becomes that command: in the reloader's child, or here if the project is broken from the start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from django.apps import apps
from django.core.management import load_command_class

COMMAND = "runtornado"
#: The variable with further addresses of ``runtornado --reload``, separated by spaces.
MORE_ADDRESSES = "C10KWS_RELOAD_ADDRESSES"
#: Flags of both commands, with their options and the values that they set.
FLAGS: Mapping[str, tuple[str, object]] = {
    "use_static_handler": ("--nostatic", False),
    "skip_checks": ("--skip-checks", True),
    "no_color": ("--no-color", True),
    "force_color": ("--force-color", True),
    "traceback": ("--traceback", True),
}


def prepare() -> None:
    """Prepare for a project that cannot be imported. Call this before its models are imported."""
    if sys.argv[1:2] == [COMMAND]:
        sys.excepthook = _report


def runserver_arguments(addresses: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Return the arguments of ``runserver`` that are equivalent to those of ``runtornado``.

    ``runserver`` takes one address. The others are passed in the environment.
    """
    first, *others = addresses
    os.environ[MORE_ADDRESSES] = " ".join(others)
    arguments = ["runserver", first]
    arguments += [flag for name, (flag, value) in FLAGS.items() if options.get(name) is value]
    arguments += [
        f"--{name}={options[name]}"
        for name in ("settings", "pythonpath", "verbosity")
        if options.get(name) is not None
    ]
    return arguments


def _report(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Handle an exception that ends the command: ``sys.excepthook``."""
    if issubclass(kind, Exception) and not apps.ready:
        command: Any = load_command_class("c10kws", COMMAND)
        options = vars(command.create_parser(sys.argv[0], COMMAND).parse_args(sys.argv[2:]))
        arguments = command.reload_broken(options)
        if arguments is not None:
            _become(arguments)
    sys.__excepthook__(kind, error, traceback)


def _become(arguments: list[str]) -> None:
    """Replace this process by another command of the project."""
    before = len(sys.orig_argv) - len(sys.argv[1:])
    command = [sys.executable, *sys.orig_argv[1:before], *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(sys.executable, command)
    os._exit(subprocess.call(command))  # Windows would start another process, and end this one
