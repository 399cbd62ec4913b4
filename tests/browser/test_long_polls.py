"""The script of the guide to long polls, in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from playwright.sync_api import Browser, Page

from c10kws import asynchronous
from c10kws.events import EventSocket
from c10kws.events.brokers.registry import brokers
from c10kws.longpoll import Handler
from c10kws.management.server_options import server_options
from tests.documentation.pages import Block, read
from tests.support.events import forget
from tests.support.servers import LiveServer
from tests.support.shell import ROOT
from tests.support.waiting import WAIT, eventually

GUIDE = ROOT / "docs" / "how-to" / "long-polling.rst"
PAGE = """<!doctype html><script>
const seen = [];
let resets = 0;
%s
follow("/receive/", (event, data) => seen.push([event, data.n]), () => { resets += 1; });
</script>"""


@pytest.fixture
def chat() -> Iterator[EventSocket]:
    brokers.forget()
    endpoint = EventSocket("/followed", history={"room": {"size": 3, "ttl": 60}})
    yield endpoint
    forget(endpoint)


@pytest.fixture
def page(browser: Browser, settings: Any, chat: EventSocket) -> Iterator[Page]:
    """A page that follows the room; it has got its first answer."""
    scripts = [each for each in read(GUIDE) if isinstance(each, Block) and "follow" in each.file]
    urls = ModuleType("urls_of_a_page")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("", lambda request: HttpResponse(PAGE % scripts[0].text)),
        path("receive/", receive(chat)),
    ]
    settings.ROOT_URLCONF = urls
    live = LiveServer(get_wsgi_application(), **server_options())
    live.start()
    context = browser.new_context(base_url=f"http://127.0.0.1:{live.port}")
    context.set_default_timeout(WAIT * 1000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/")
    eventually(lambda: polls(chat))
    yield page
    context.close()
    live.stop()
    assert errors == []


def receive(chat: EventSocket) -> Any:
    @asynchronous
    async def view(request: HttpRequest, handler: Handler) -> HttpResponse:
        return await chat.to("room").poll(request, timeout=0.3)

    return view


def polls(chat: EventSocket) -> int:
    """Return the number of polls that wait for news."""
    audience = chat.audience_of("room")
    return 0 if audience is None else len(audience._followers)


def say(chat: EventSocket, *values: int) -> None:
    for value in values:
        chat.to("room").emit("said", {"n": value})


def shows(page: Page, *values: int) -> None:
    expected = [["said", value] for value in values]
    page.wait_for_function("(expected) => JSON.stringify(seen) === expected", arg=_text(expected))


def _text(value: list[list[Any]]) -> str:
    return str(value).replace("'", '"').replace(" ", "")


def test_a_page_shows_each_event_once_and_in_order(page: Page, chat: EventSocket) -> None:
    for value in range(1, 21):
        say(chat, value)
        shows(page, *range(1, value + 1))
    assert page.evaluate("resets") == 0


def test_a_page_that_was_offline_shows_what_it_has_missed(page: Page, chat: EventSocket) -> None:
    say(chat, 1)
    shows(page, 1)
    page.context.set_offline(True)
    eventually(lambda: not polls(chat))
    say(chat, 2, 3, 4)
    page.context.set_offline(False)
    shows(page, 1, 2, 3, 4)
    assert page.evaluate("resets") == 0


def test_a_page_that_has_missed_too_much_loads_its_data_again(
    page: Page, chat: EventSocket
) -> None:
    page.context.set_offline(True)
    eventually(lambda: not polls(chat))
    say(chat, 1, 2, 3, 4)
    page.context.set_offline(False)
    page.wait_for_function("resets === 1")
    eventually(lambda: polls(chat))
    say(chat, 5)
    shows(page, 5)
