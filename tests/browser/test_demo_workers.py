"""The demo on two workers: a chat whose worker is killed, the talk, and the progress bar."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import wait_for_page
from tests.support.browsers import Open, windows
from tests.support.chat_pages import enter, said, say
from tests.support.hubs import hubs_in
from tests.support.shell import ROOT, SOURCES
from tests.support.waiting import eventually
from tools.processes import free_port, running

FOLDER = ROOT / "demo"
#: A page counts the times that messages were missing, and reconnects only when it is told to.
COUNT_RESETS = "() => { window.resets = 0; ws.on('reset', () => { resets += 1; }); }"
STAY_AWAY = "() => { Object.assign(ws._reconnect, { base: 1e6, cap: 1e6 }); }"


class Site:
    """The demo, served by two workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.variables = os.environ | {
            "C10KWS_DEMO_DATABASE": str(folder / "db.sqlite3"),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": SOURCES,
            "TMPDIR": str(folder),  # the sockets of the hub and of manage.py ws
        }

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=FOLDER, env=self.variables, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def workers(self, path: str) -> list[int]:
        """Return the worker of each client of a path."""
        rows = json.loads(self.manage("ws", "list", "--json"))
        return [int(row["process"].rpartition(":")[2]) for row in rows if row["path"] == path]


@pytest.fixture
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="c10") as name:  # the path of a socket must be short
        site = Site(Path(name))
        site.manage("migrate", "-v0")
        command = [sys.executable, "manage.py", "runtornado", "--workers", "2", f"{site.port}"]
        log = site.folder / "output.txt"
        with running(command, log, folder=FOLDER, variables=site.variables):
            wait_for_page(f"http://127.0.0.1:{site.port}/")
            yield site
        for process in hubs_in(site.folder):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        assert "Traceback" not in log.read_text()


@pytest.fixture
def open_window(browser: Browser, site: Site) -> Iterator[Open]:
    """Open windows. The browser reports the connection of the killed worker on their consoles."""
    with windows(
        browser, f"http://127.0.0.1:{site.port}", accepted="ERR_CONNECTION_RESET"
    ) as open_:
        yield open_


def test_a_worker_is_killed_between_two_messages(open_window: Open, site: Site) -> None:
    pages = [open_window("/chat/tea/") for _ in range(2)]
    names = dict(zip(pages, ("Ada", "Bob"), strict=True))
    for page, name in names.items():
        enter(page, name)
    while len(set(site.workers("/ws/chat/tea"))) < 2:  # until they are on different workers
        pages[1].reload()
        expect(pages[1].get_by_role("status")).to_have_text("You are Bob.")
    for page in pages:
        expect(page.locator("#people")).to_have_text("Ada, Bob")
        page.evaluate(COUNT_RESETS)
        page.evaluate(STAY_AWAY)
    say(pages[0], "one")
    said(pages[1], "Ada: one")
    say(pages[1], "two")

    os.kill(site.workers("/ws/chat/tea")[0], signal.SIGKILL)
    eventually(lambda: sum(is_connected(page) for page in pages) == 1)
    here, away = sorted(pages, key=is_connected, reverse=True)
    lines = ["Ada: one", "Bob: two", f"{names[here]}: three"]
    say(here, "three")
    said(here, *lines)
    said(away, *lines[:2])

    away.evaluate("ws.connect()")
    expect(away.get_by_role("status")).to_contain_text("You are")
    say(away, "four")
    for page in pages:
        said(page, *lines, f"{names[away]}: four")
        expect(page.locator("#people")).to_have_text("Ada, Bob")
        assert page.evaluate("resets") == 0


def is_connected(page: Page) -> bool:
    return bool(page.evaluate("ws.connected"))


def test_the_talk(open_window: Open) -> None:
    pages = [open_window("/talk/") for _ in range(3)]
    names = ["Ada", "Bob", "Cleo"]
    for page, nick in zip(pages, names, strict=True):
        page.get_by_role("textbox", name="Nick").fill(nick)
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("status")).to_have_text(f"You are {nick}.")
    texts = [f"{name}: {number}" for number in range(3) for name in names]
    for number, text in enumerate(texts):
        say(pages[number % 3], text)
        for page in pages:
            expect(page.locator("#messages b + span")).to_have_text(texts[: number + 1])


# The progress bar


def test_windows_on_two_workers_show_the_same_bar(open_window: Open, site: Site) -> None:
    path = "/ws/module/progress_bar/bake"
    pages = [open_window("/progress/") for _ in range(2)]
    while len(set(site.workers(path))) < 2:
        pages[1].reload()
        expect(pages[1].get_by_role("status")).to_have_text("Ready.")
    pages[0].get_by_role("button", name="Bake").click()
    for page in pages:
        expect(page.get_by_role("status")).to_have_text(re.compile("Baking …|Done."))
        bar = page.locator("#html5").get_by_role("progressbar")
        expect(bar).to_have_attribute("aria-valuetext", re.compile(r"%, biscuit \d+ of 50"))
    shell = "from pages.sockets import bar; print('value', bar.value)"
    assert re.search(r"value [1-9]", site.manage("shell", "-c", shell))
