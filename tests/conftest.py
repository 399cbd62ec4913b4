"""Fixtures for all tests: a live server, stock projects, a browser; and the order of the tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from c10kws import conf
from c10kws.management.server_options import server_options
from c10kws.refusals import Refusals
from tests.support.browsers import FLAGS
from tests.support.commands import Command, Start, make_project
from tests.support.database import OpenConnections, empty_tables
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT
from tools.processes import free_port

#: Folders whose tests start other programs.
PROGRAMS = {"benchmarks", "browser", "conformance", "demo", "documentation", "matrix", "packaging"}
#: Fixtures that start other programs.
STARTERS = {"browser", "full_disk", "gunicorn", "popen", "start"}
#: Modules whose tests exchange frames; they run a second time without the fast lane.
CONVERSATIONS = {
    "connection/test_broadcast.py",
    "connection/test_close_codes.py",
    "connection/test_compression.py",
    "connection/test_connection.py",
    "connection/test_fragmented.py",
    "connection/test_freed_request.py",
    "connection/test_keepalive.py",
    "connection/test_limits.py",
    "handlers/test_start.py",
}
LANES = [True, pytest.param(False, marks=pytest.mark.thorough)]
TESTS = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of CONVERSATIONS with the fast lane and without it."""
    if Path(metafunc.module.__file__ or "").relative_to(TESTS).as_posix() in CONVERSATIONS:
        metafunc.parametrize("default_lane", LANES, ids=["lane", "wsproto"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start programs, and run the modules first that take longest."""
    ranks: dict[Path, int] = {}
    for item in items:
        path = item.path.relative_to(TESTS)
        if path.parts[0] in PROGRAMS or STARTERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("programs")
        rank = 3
        if path.parts[0] == "conformance":
            rank = 0
        elif "programs" in item.keywords:
            rank = 1
        elif path.as_posix() in CONVERSATIONS:
            rank = 2
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


@pytest.fixture(autouse=True)
def default_lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The value of FAST_LANE where a test does not set it; False sends each frame to wsproto."""
    lane: bool = getattr(request, "param", True)
    if not lane:
        read = conf.current

        def current() -> conf.Settings:
            own = getattr(django_settings, conf.NAME, {})
            return replace(read(), fast_lane=own.get("FAST_LANE", False))

        monkeypatch.setattr(conf, "current", current)
    return lane


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put the test database into a file: the server's threads have connections of their own."""
    path: Path = tmp_path_factory.mktemp("database") / "test.sqlite3"
    connections["default"].settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database for tests whose threads use it too; what they add is deleted after them."""
    with django_db_blocker.unblock():
        yield
        empty_tables()


@pytest.fixture
def make_live(transactional_db: None) -> Iterator[Callable[..., LiveServer]]:
    """Start servers of the test project; their threads have ended when the test has."""
    servers: list[LiveServer] = []

    def make(**options: Any) -> LiveServer:
        server = LiveServer(Refusals(get_wsgi_application()), **(server_options() | options))
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.stop()
        server.server.pool.shutdown(wait=True)


@pytest.fixture
def live(make_live: Callable[..., LiveServer]) -> LiveServer:
    """The test project on a live server."""
    return make_live()


@pytest.fixture
def open_connections(monkeypatch: pytest.MonkeyPatch) -> OpenConnections:
    """Count the database connections that other threads have open."""
    return OpenConnections(monkeypatch)


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    return free_port()


@pytest.fixture(scope="session")
def stock_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stock project to copy."""
    folder = tmp_path_factory.mktemp("stock")
    make_project(folder)
    return folder


@pytest.fixture
def project(stock_project: Path, tmp_path: Path) -> Path:
    """A stock project with c10kws and a migrated database, for one test."""
    return shutil.copytree(stock_project, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Start commands of ``project``; they are killed at the end of the test."""
    commands: list[Command] = []

    def start_command(*arguments: str, **options: Any) -> Command:
        commands.append(Command(project, *arguments, **options))
        return commands[-1]

    yield start_command
    for command in commands:
        command.kill()


@pytest.fixture(scope="module")  # not longer: its event loop would be in the way of other tests
def browser() -> Iterator[Browser]:
    """Chromium: the one that ``python3 tests`` has found, else one on the PATH."""
    found = os.environ.get("C10KWS_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT * 1000)
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()
