"""The golden transcripts, replayed against the JavaScript end in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser

from c10kws.management.server_options import server_options
from tests.project import transcript_views
from tests.support.servers import LiveServer
from tests.support.waiting import eventually
from tests.transcripts import TRANSCRIPTS

SPOKEN = [name for name, transcript in TRANSCRIPTS.items() if "javascript" in transcript]


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    settings.ROOT_URLCONF = "tests.project.transcript_views"
    transcript_views.faults.clear()
    transcript_views.replayed.clear()
    server = LiveServer(StaticFilesHandler(get_wsgi_application()), **server_options())
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.mark.parametrize("name", SPOKEN)
def test_the_javascript_client(browser: Browser, site: str, name: str) -> None:
    transcript = TRANSCRIPTS[name]
    context = browser.new_context(base_url=site)
    page = context.new_page()
    page.goto("/page/")
    options = {"version": transcript["version"]}
    result = page.evaluate(
        f"""async ([name, options, opened]) => {{
            const ws = tws(`/${{name}}`, options);
            if (opened) await new Promise((resolve) => ws.once("open", resolve));
            return ({transcript["javascript"]})(ws);
        }}""",
        [name, options, "query" not in transcript],
    )
    assert result == transcript["result"]
    eventually(lambda: transcript_views.replayed == [name])
    context.close()
    assert transcript_views.faults == []
