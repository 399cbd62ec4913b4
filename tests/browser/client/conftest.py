"""A page with ``client.js`` and ``progress.js``, and its peer.

The peer is ``tests/project/client_views.py`` in this process, so a test sees the frames that it has
received. Failed handshakes appear on the console of the browser; they are not errors of the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser, Page

from c10kws.management.server_options import server_options
from c10kws.refusals import Refusals
from tests.project import client_views
from tests.project.client_views import World
from tests.support.pages import HELPERS, Start
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT


@pytest.fixture
def world() -> World:
    """A fresh record of what the peer has received."""
    return client_views.restart()


@pytest.fixture
def site(settings: Any, world: World) -> Iterator[str]:
    """The page and its peer, on a free port."""
    settings.ROOT_URLCONF = "tests.project.client_views"
    application = Refusals(StaticFilesHandler(get_wsgi_application()))
    server = LiveServer(application, **server_options())
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def errors() -> list[str]:
    """Uncaught errors of the page; the list must be empty at the end of a test."""
    return []


@pytest.fixture
def page(browser: Browser, site: str, errors: list[str]) -> Iterator[Page]:
    """A page with the scripts and HELPERS."""
    context = browser.new_context(base_url=site)
    context.set_default_timeout(WAIT * 1000)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/page/")
    page.evaluate(HELPERS)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def warnings(page: Page) -> list[str]:
    """Warnings of the client on the console."""
    found: list[str] = []

    def keep(message: Any) -> None:
        if message.type == "warning":
            found.append(message.text)

    page.on("console", keep)
    return found


@pytest.fixture
def start(page: Page) -> Start:
    """Make ``window.ws``, which logs the ``events``, and wait until it is open."""

    def start_client(*events: str, path: str = "/v1/", **options: Any) -> None:
        page.evaluate(
            """async ([path, options, events]) => {
                window.ws = make(path, options, ...events);
                await until(() => ws.connected);
            }""",
            [path, options, list(events)],
        )

    return start_client
