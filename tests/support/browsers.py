"""Headless Chromium: how it is started, and windows of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from .waiting import WAIT

#: Opens a path of a site in a window of its own.
Open = Callable[[str], Page]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def windows(browser: Browser, address: str, accepted: str = "") -> Iterator[Open]:
    """Open paths of a site in windows, each of a fresh profile.

    Exceptions and warnings of the pages are errors, except messages that end with ``accepted``.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def note(message: ConsoleMessage) -> None:
        known = bool(accepted) and message.text.endswith(accepted)
        if message.type in ("warning", "error") and not known:
            wrong.append(message.text)

    def open_path(path: str) -> Page:
        context = browser.new_context(base_url=address)
        contexts.append(context)
        context.set_default_timeout(WAIT * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", note)
        page.goto(path)
        return page

    yield open_path
    for context in contexts:
        context.close()
    assert wrong == []
