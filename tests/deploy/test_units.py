"""The units of systemd in ``docs/deploy/``."""

from __future__ import annotations

import configparser
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from django.core.management import load_command_class

from tests.support.deployment import STOP_TIME, read
from tests.support.shell import run

PYTHON = "/srv/example/.venv/bin/python"
#: The keys of both units; a misspelled one would be ignored by systemd.
KEYS = {
    "Unit": {"Description", "Requires", "After"},
    "Service": {"Type", "User", "WorkingDirectory", "ExecStart", "ExecReload", "KillMode"}
    | {"TimeoutStopSec", "WatchdogSec", "Restart", "LimitNOFILE"},
    "Socket": {"ListenStream", "Backlog"},
    "Install": {"WantedBy"},
}


def parse(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(delimiters="=", interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]  # the keys keep their capitals
    unit.read_string(read(name))
    return unit


@pytest.mark.parametrize("name", ["example.service", "example.socket"])
def test_the_keys_are_known(name: str) -> None:
    unit = parse(name)
    for section in unit.sections():
        assert set(unit[section]) <= KEYS[section]


@pytest.mark.programs
def test_systemd_accepts_them(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    for name in ("example.service", "example.socket"):
        (tmp_path / name).write_text(read(name).replace(PYTHON, sys.executable))
    if program is not None:  # only on Linux with systemd
        assert run(program, "verify", *sorted(tmp_path.glob("example.*"))) == ""


def test_the_command_accepts_its_flags() -> None:
    python, manage, name, *flags = shlex.split(parse("example.service")["Service"]["ExecStart"])
    assert (python, manage, name) == (PYTHON, "manage.py", "runtornado")
    parser = load_command_class("c10kws", name).create_parser(manage, name)
    parsed = parser.parse_args(flags)
    assert parsed.addrports == parsed.bind == []  # it gets the socket from systemd


def test_a_stop_has_enough_time() -> None:
    service = parse("example.service")["Service"]
    assert int(service["TimeoutStopSec"]) >= STOP_TIME
