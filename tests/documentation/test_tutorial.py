"""The tutorial, typed in and run: its files, its commands, its pages in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.documentation.pages import Block, Check, read
from tests.documentation.reader import ANSWERS, Look, Reader
from tests.documentation.serving import WAIT
from tests.support.shell import ROOT, SOURCES

FOLDER = ROOT / "docs" / "tutorial"
PARTS = ["websocket", "events", "rooms", "login", "serving"]
MILLISECONDS = WAIT * 1000


class Windows:
    """Windows of browsers, each of a person of its own, and what the reader sees in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []
        self.errors: list[str] = []

    def open(self, url: str) -> Page:
        page = self._browser.new_context().new_page()
        page.set_default_timeout(MILLISECONDS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self._pages.append(page)
        return page

    def close(self) -> None:
        for page in self._pages:
            page.context.close()
        self._pages.clear()

    def echo(self, address: str) -> None:
        page = self.open(address)
        connected(page)
        say(page, "Hello!")
        messages(page, "You said: Hello!")
        self.close()

    def everyone(self, address: str) -> None:
        pages = [self.open(address) for _ in range(2)]
        for page in pages:
            state(page, "open")
        say(pages[0], "Hello!")
        for page in pages:
            messages(page, "Hello!")

    def waits(self, address: str) -> None:
        for page in self._pages:
            state(page, "reconnecting")
        say(self._pages[0], "Are you there?")

    def again(self, address: str) -> None:
        for page in self._pages:
            page.evaluate("ws.connect()")  # now, so that the test does not wait for the next try
            state(page, "open")
        messages(self._pages[0], "Hello!", "Are you there?")
        self.close()

    def rooms(self, address: str) -> None:
        rooms = ["tea", "coffee", "tea"]
        pages = [self.enter(self.open(address), room) for room in rooms]
        say(pages[1], "Espresso")
        for page, texts in zip(pages, ([], ["Espresso"], []), strict=True):
            messages(page, *texts)
        say(pages[0], "Earl Grey")
        for page, texts in zip(pages, (["Earl Grey"], ["Espresso"], ["Earl Grey"]), strict=True):
            messages(page, *texts)
        self.close()

    def authors(self, address: str) -> None:
        ann, bob = (self.enter(self.log_in(address, name), "tea") for name in ("ann", "bob"))
        say(ann, "Hello Bob!")
        messages(bob, "ann: Hello Bob!")
        say(bob, "Hello Ann!")
        for page in (ann, bob):
            messages(page, "ann: Hello Bob!", "bob: Hello Ann!")
        self.close()

    def log_in(self, address: str, name: str) -> Page:
        page = self.open(address)
        page.fill("[name=username]", name)
        page.fill("[name=password]", ANSWERS["DJANGO_SUPERUSER_PASSWORD"])
        page.click("button")
        return page

    def enter(self, page: Page, room: str) -> Page:
        page.click(f"text={room}")
        state(page, "open")
        return page


def say(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def connected(page: Page) -> None:
    page.wait_for_function("ws.readyState === WebSocket.OPEN")


def state(page: Page, text: str) -> None:
    expect(page.locator("#state")).to_have_text(text, timeout=MILLISECONDS)


def messages(page: Page, *texts: str) -> None:
    expect(page.locator("#messages li")).to_have_text(list(texts), timeout=MILLISECONDS)


def looks(windows: Windows) -> dict[str, Look]:
    return {
        "the page shows what came back": windows.echo,
        "both windows show what one of them says": windows.everyone,
        "the state changes and a message waits": windows.waits,
        "the message arrives after all": windows.again,
        "a message stays in its room": windows.rooms,
        "ann and bob see who said what": windows.authors,
    }


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Windows whose pages must have no errors."""
    windows = Windows(browser)
    yield windows
    windows.close()
    assert windows.errors == []


class Course:
    """The tutorial from its beginning: each part in a copy of what the part before has left."""

    def __init__(self, make_folder: Callable[[str], Path]) -> None:
        self._make_folder = make_folder
        self._readers: dict[str, Reader] = {}

    def follow(self, part: str, looks: dict[str, Look] | None = None) -> None:
        """Follow a part; without ``looks``, only make what it leaves."""
        folder = self._make_folder(part)
        if part == PARTS[0]:
            reader = Reader(folder, PYTHONPATH=SOURCES)
        else:
            reader = copy(self._left_by(PARTS[PARTS.index(part) - 1]))
            reader.folder = shutil.copytree(reader.folder, folder, dirs_exist_ok=True)
        reader.follow(read(FOLDER / f"{part}.rst"), looks)
        self._readers[part] = reader

    def _left_by(self, part: str) -> Reader:
        """Return the reader after a part that a test has followed, or follow it now."""
        if part not in self._readers:
            self.follow(part)
        return self._readers[part]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course(tmp_path_factory.mktemp)


@pytest.mark.parametrize("part", PARTS)
def test_a_part(part: str, course: Course, windows: Windows) -> None:
    course.follow(part, looks(windows))


def test_all_parts_are_run() -> None:
    names = {path.stem for path in FOLDER.glob("*.rst")}
    assert names == {*PARTS, "index"}


def test_every_check_is_on_a_page(windows: Windows) -> None:
    steps = [step for part in PARTS for step in read(FOLDER / f"{part}.rst")]
    assert {step.name for step in steps if isinstance(step, Check)} == set(looks(windows))


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_looked_at(part: str) -> None:
    steps = read(FOLDER / f"{part}.rst")
    assert any(isinstance(step, Check) for step in steps)
    assert any(isinstance(step, Block) and step.file for step in steps)
