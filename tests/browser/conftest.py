"""Headless Chromium, and the demo under a real ``manage.py runserver``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browsers import Open, windows
from tests.support.shell import ROOT, SOURCES
from tests.support.waiting import WAIT
from tools.processes import free_port


@pytest.fixture
def page(browser: Browser, demo: str) -> Iterator[Page]:
    """A page of a fresh profile; an error on its console fails the test."""
    context = browser.new_context(base_url=demo)
    context.set_default_timeout(WAIT * 1000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def open_window(browser: Browser, demo: str) -> Iterator[Open]:
    """Open a path in a window of a fresh profile; its exceptions and warnings are errors."""
    with windows(browser, demo) as open_path:
        yield open_path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo, served with a database of its own."""
    folder = tmp_path_factory.mktemp("demo")
    environment = os.environ | {
        "C10KWS_DEMO_DATABASE": str(folder / "db.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "PYTHONPATH": SOURCES,
    }
    port = free_port()
    for command in (["migrate", "-v0"], ["demouser"]):
        run = [sys.executable, "manage.py", *command]
        subprocess.run(run, cwd=ROOT / "demo", env=environment, check=True)
    with (folder / "output.txt").open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=ROOT / "demo",
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_page(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(WAIT)
    assert "Traceback" not in (folder / "output.txt").read_text()


def wait_for_page(url: str) -> None:
    deadline = time.monotonic() + WAIT
    while True:
        try:
            with urlopen(url, timeout=WAIT):
                return
        except URLError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            threading.Event().wait(0.1)
